"""What a real browser keeps of the site's names, and what it offers when the site does not answer."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, expect, sync_playwright

from roseau.domain.accounts.sessions import open_session
from roseau.survival.addresses.issuing import find_manifest, load_answer, rotate_key
from roseau.survival.addresses.manifest import Document, Manifest, sign_manifest, to_public_text
from roseau.survival.addresses.names import NewName, add_name
from tests.conftest import Cast, Member
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import Living, living_site

pytestmark = pytest.mark.browser

KEPT = "JSON.parse(localStorage.getItem('roseau:manifest'))"
SOURCE = "**/.well-known/roseau-manifest"


def pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way until there are no more."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def second_door(url: str) -> Iterator[str]:
    """Another port that leads to the same site, as another domain's proxy does; its name and port."""
    port = int(url.rpartition(":")[2])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            site = socket.create_connection(("127.0.0.1", port))
            for pair in ((caller, site), (site, caller)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    thread = threading.Thread(target=serve, name="door")
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def wait_for(page: Page, condition: str) -> None:
    """Wait until it is so. Playwright's own way is refused by the policy of our pages once it has to wait."""
    for _ in range(400):
        if page.evaluate(f"Boolean({condition})"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not come to pass: {condition}")


class Stage(msgspec.Struct):
    """A site with two doors, and a browser."""

    site: Living
    alias: str
    cast: Cast
    chromium: Browser

    def open(self, member: Member) -> Page:
        """The local timeline, in a browser in which the member is signed in, at both doors."""
        context = self.chromium.new_context(locale="en")
        token = self.site.server.database.write_now(open_session, member.id)
        context.add_cookies([{"name": "session", "value": token, "url": self.site.url}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{self.site.url}/local")
        return page

    def look_again(self, page: Page, answer: bytes | None = None) -> None:
        """Open the page again when it is time to look, at what the site answers, or at something else."""
        page.evaluate(f"localStorage.setItem('roseau:manifest', JSON.stringify({{...{KEPT}, at: 0}}))")
        if answer is not None:
            page.route(SOURCE, lambda route: route.fulfill(body=answer, content_type="application/json"))
        page.goto(f"{self.site.url}/local")
        wait_for(page, f"{KEPT}?.at > 0")
        page.unroute_all()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One site and one browser for all of these tests."""
    path = require_chromium()
    expect.set_options(timeout=20_000)
    with (
        living_site(tmp_path_factory.mktemp("doors")) as site,
        second_door(site.url) as alias,
        sync_playwright() as playwright,
    ):
        write = site.server.database.write_now
        write(add_name, site.server.site, NewName(alias))
        write(add_name, site.server.site, NewName("https://mirror.test/copy", "mirror"))
        chromium = playwright.chromium.launch(executable_path=path, args=launch_args)
        yield Stage(site, alias, Cast(site.server), chromium)
        chromium.close()


def kept(page: Page) -> Any:
    """What the page keeps."""
    wait_for(page, f"{KEPT}?.manifest")
    return page.evaluate(KEPT)


def in_force(stage: Stage) -> Manifest:
    """The site's manifest."""
    found = stage.site.server.database.read_now(find_manifest)
    assert found is not None
    return found.manifest


def document(manifest: Manifest, private: bytes) -> bytes:
    """A manifest as a site would answer it."""
    signed = sign_manifest(manifest, private)
    return msgspec.json.encode(Document(signed.payload, signed.signature))


def test_the_page_keeps_the_signed_list_and_offers_the_other_door(stage: Stage) -> None:
    page = stage.open(stage.cast.ada)
    found = kept(page)
    assert found["checked"] is True
    assert found["manifest"]["names"] == [stage.site.url, f"http://{stage.alias}"]
    offer = page.locator("#ailleurs")
    expect(offer).to_be_hidden()
    page.route(f"{stage.site.url}/**", lambda route: route.abort("connectionrefused"))
    page.evaluate("htmx.ajax('GET', '/notifications', {target: 'main', swap: 'none'})")
    expect(offer).to_be_visible()
    links = offer.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert links == [f"http://{stage.alias}/local", "https://mirror.test/copy"]
    offer.locator("a").first.click()
    page.wait_for_url(f"http://{stage.alias}/local")
    assert kept(page)["manifest"]["names"] == found["manifest"]["names"]


@pytest.mark.parametrize("status", [502, 503])
def test_an_answer_that_failed_offers_it_too_and_a_good_one_takes_it_back(stage: Stage, status: int) -> None:
    page = stage.open(stage.cast.ada)
    kept(page)
    offer = page.locator("#ailleurs")
    page.route("**/notifications", lambda route: route.fulfill(status=status, body="down"))
    page.evaluate("htmx.ajax('GET', '/notifications', {target: 'main', swap: 'none'})")
    expect(offer).to_be_visible()
    page.unroute_all()
    page.evaluate("htmx.ajax('GET', '/notifications', {target: 'main', swap: 'none'})")
    expect(offer).to_be_hidden()


def test_a_forged_or_an_old_list_does_not_take_its_place(stage: Stage) -> None:
    page = stage.open(stage.cast.ada)
    found = kept(page)["manifest"]
    present = in_force(stage)
    mine = Ed25519PrivateKey.generate().private_bytes_raw()
    evil = msgspec.structs.replace(present, number=present.number + 9, names=("https://evil.test",))
    good = stage.site.server.database.read_now(load_answer)
    assert good is not None
    altered = json.loads(good.body)
    altered["payload"] = altered["payload"].replace('"number":', '"number":9')
    for answer in (
        document(evil, mine),
        document(msgspec.structs.replace(evil, key=to_public_text(mine)), mine),
        json.dumps(altered).encode(),
        b"{}",
        b"no",
    ):
        stage.look_again(page, answer)
        assert page.evaluate(KEPT)["manifest"] == found


def test_the_page_follows_a_new_key(stage: Stage) -> None:
    page = stage.open(stage.cast.ada)
    before = kept(page)["manifest"]
    server = stage.site.server
    server.database.write_now(rotate_key, server.site)
    server.database.write_now(rotate_key, server.site)
    stage.look_again(page)
    after = kept(page)
    assert after["checked"] is True
    assert after["manifest"]["number"] == in_force(stage).number
    assert after["manifest"]["key"] not in (before["key"], before["successor"])
