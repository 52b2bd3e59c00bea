"""The mirror in a real browser: pages say whether they are what was signed, and everybody can read them."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from roseau.domain.site import choose
from roseau.survival.mirror.format import INDEX, Envelope, open_envelope, to_payload
from tests.conftest import Cast
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import living_site
from tests.survival.mirrors import Mirror
from tests.web.test_axe import look
from tests.web.writers import picture

pytestmark = pytest.mark.browser

PATIENCE = 20_000
ALTERED = re.compile("^ALTERED")


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files, and writes no log."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Stage(msgspec.Struct):
    """Mirrors by language, served from a folder of some other site, and a browser."""

    url: str
    chromium: Browser
    mirrors: dict[str, Mirror]
    paths: dict[str, str]

    def open(self, path: str, language: str = "en", fragment: str = "") -> Page:
        """A page in a browser that was never here."""
        page = self.chromium.new_context(locale=language, reduced_motion="reduce").new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{self.url}/some/where/{language}/{path}{fragment}")
        return page


def _fill(url: str, cast: Cast) -> dict[str, str]:
    """Posts of every kind; the paths of their pages."""
    with httpx2.Client(base_url=url) as client:

        def say(member: Any, text: str, **more: Any) -> Any:
            answer = client.post("/api/v1/statuses", headers=member.auth, json={"status": text, **more})
            assert answer.status_code == 200, answer.text
            return answer.json()

        wishes = {
            "discoverable": True, "note": "Gardener, https://garden.test",
            "fields_attributes": [{"name": "Garden", "value": "https://garden.test"}],
        }  # fmt: skip
        client.patch("/api/v1/accounts/update_credentials", headers=cast.ada.auth, json=wishes)
        files = {"file": ("reeds.png", picture())}
        media = client.post(
            "/api/v1/media", headers=cast.ada.auth, files=files, data={"description": "Reeds"}
        )
        post = say(
            cast.ada, f"Look at these #reeds, @{cast.bob.username}: https://garden.test",
            media_ids=[media.json()["id"]],
        )  # fmt: skip
        answer = say(cast.bob, "@ada Tall ones", in_reply_to_id=post["id"])
        secret = say(cast.bob, "@ada Between us", in_reply_to_id=answer["id"], visibility="private")
        say(cast.ada, "@bob After a gap", in_reply_to_id=secret["id"])
        say(cast.ada, "Behind a warning", spoiler_text="Careful")
        say(cast.ada, "Which?", poll={"options": ["This", "That"], "expires_in": 3600})
        client.post(f"/api/v1/statuses/{post['id']}/pin", headers=cast.ada.auth)
    month = post["created_at"][:7]
    return {
        "index.html": "index.html", "post": f"@ada/{post['id']}.html", "answer": f"@bob/{answer['id']}.html",
        "profile": "@ada/index.html", "month": f"@ada/{month}-1.html", "local": f"local/{month}-1.html",
        "tag": "tags/reeds.html", "about": "about.html", "rules": "rules.html",
    }  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Mirrors whose site is gone."""
    path = require_chromium()
    root = tmp_path_factory.mktemp("host")
    mirrors = {}
    with living_site(tmp_path_factory.mktemp("site")) as site:
        paths = _fill(site.url, Cast(site.server))
        for language in ("en", "fr"):
            site.server.database.write_now(choose, None, languages=(language,))
            mirrors[language] = Mirror(site.server, root / "some/where" / language)
            mirrors[language].renew()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, name="host")
    thread.start()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=launch_args)
        yield Stage(f"http://127.0.0.1:{server.server_port}", chromium, mirrors, paths)
        chromium.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def altered(stage: Stage) -> Iterator[Path]:
    """A page of the English mirror, put back as it was afterwards."""
    path = stage.mirrors["en"].path / stage.paths["post"]
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def said(page: Page, words: str | re.Pattern[str], kind: str) -> None:
    """Wait until the page says this of itself."""
    expect(page.locator("#check")).to_have_class(f"notice {kind}", timeout=PATIENCE)
    expect(page.locator("#check p")).to_have_text(words, timeout=PATIENCE)


def test_every_page_says_that_it_is_what_was_signed(stage: Stage) -> None:
    key = stage.mirrors["en"].key
    for path in stage.paths.values():
        page = stage.open(path)
        said(page, re.compile(f"This page is what the site signed, with the key {key}"), "ok")
        page.context.close()


def test_the_key_of_the_link_is_compared_and_kept(stage: Stage) -> None:
    key = stage.mirrors["en"].key
    page = stage.open("index.html", fragment=f"#key={key}")
    said(page, re.compile("The link that brought you here named this key"), "ok")
    page.locator("main article .stamp a").first.click()
    said(page, re.compile("the key that you met at this address before"), "ok")
    page.context.close()
    page = stage.open("index.html", fragment=f"#key={'0' * 32}")
    said(page, re.compile("^WRONG KEY"), "danger")
    page.context.close()


def test_an_altered_page_says_so(stage: Stage, altered: Path) -> None:
    altered.write_bytes(altered.read_bytes().replace(b"Look at these", b"Burn down these"))
    page = stage.open(stage.paths["post"])
    said(page, ALTERED, "danger")
    page.context.close()


def test_a_page_in_the_place_of_another_says_so(stage: Stage, altered: Path) -> None:
    altered.write_bytes((stage.mirrors["en"].path / stage.paths["profile"]).read_bytes())
    page = stage.open(stage.paths["post"])
    said(page, ALTERED, "danger")
    page.context.close()


@pytest.fixture
def index(stage: Stage) -> Iterator[Path]:
    """The index of the English mirror, put back as it was afterwards."""
    path = stage.mirrors["en"].path / INDEX
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def test_what_somebody_else_signed_is_not_believed_by_who_was_here(stage: Stage, index: Path) -> None:
    page = stage.open("index.html")
    said(page, re.compile("Compare the key with one that you have"), "ok")
    envelope = msgspec.json.decode(index.read_bytes(), type=Envelope)
    key, signature = stage.mirrors["fr"].sign(to_payload(envelope.signed))
    forged = msgspec.structs.replace(envelope, key=key.hex(), signature=signature.hex())
    index.write_bytes(msgspec.json.encode(forged))
    page.goto(page.url.replace("index.html", stage.paths["about"]))
    said(page, re.compile("^WRONG KEY"), "danger")
    page.context.close()


def test_an_altered_index_is_not_believed_and_a_missing_one_said(stage: Stage, index: Path) -> None:
    index.write_bytes(index.read_bytes().replace(b'\\"number\\":1', b'\\"number\\":2'))
    page = stage.open("index.html")
    said(page, ALTERED, "danger")
    index.unlink()
    page.reload()
    said(page, re.compile("index of this copy is missing"), "warn")
    page.context.close()


def test_an_older_copy_is_recognised(stage: Stage, index: Path) -> None:
    mirror = stage.mirrors["en"]
    signed = open_envelope(index.read_bytes())[1]
    page = stage.open("index.html")
    said(page, re.compile("what the site signed"), "ok")
    text = msgspec.json.encode(msgspec.structs.replace(signed, number=1, made_at=0)).decode()
    key, signature = mirror.sign(to_payload(text))
    index.write_bytes(msgspec.json.encode(Envelope(signed=text, key=key.hex(), signature=signature.hex())))
    page.reload()
    said(page, re.compile("a newer copy .* not been renewed for more than a day"), "warn")
    page.context.close()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_for_everyone(stage: Stage, language: str) -> None:
    found = []
    for path in stage.paths.values():
        page = stage.open(path, language)
        assert page.locator("html").get_attribute("lang") == language
        expect(page.locator("#check")).to_have_class("notice ok", timeout=PATIENCE)
        found += look(page, path)
        page.context.close()
    assert not found, "\n".join(found)
