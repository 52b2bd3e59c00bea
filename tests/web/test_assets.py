"""What `static/` answers with: addresses by content, caching, compression, and nothing from elsewhere."""

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from roseau.web import assets

STATIC = Path(assets.__file__).parent / "static"
TEMPLATES = Path(assets.__file__).parent / "templates"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=[assets.asset_route])) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("css/roseau.css", "text/css; charset=utf-8"),
        ("js/roseau.js", "text/javascript; charset=utf-8"),
        ("icons.svg", "image/svg+xml; charset=utf-8"),
        ("fonts/atkinson-next-400-700.woff2", "font/woff2"),
        ("avatars/missing.png", "image/png"),
    ],
)
def test_an_asset_is_kept_for_ever_under_the_hash_of_its_bytes(
    client: TestClient, name: str, content_type: str
) -> None:
    answer = client.get(assets.asset(name))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashlib.sha256(answer.content).hexdigest()[:8] in assets.asset(name)


def test_text_is_compressed_for_those_who_read_gzip(client: TestClient) -> None:
    url = assets.asset("css/roseau.css")
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    with client.stream("GET", url, headers={"Accept-Encoding": "gzip, br"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content


def test_what_is_known_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/static/icons.svg")
    assert first.headers["cache-control"] == "public, max-age=3600"
    again = client.get("/static/icons.svg", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_old_address_still_answers_but_is_not_kept_for_ever(client: TestClient) -> None:
    answer = client.get("/static/css/roseau.00000000.css")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "../rendering.py",
        "..%2frendering.py",
        "css/..%2f..%2frendering.py",
        "%2fetc%2fpasswd",
        "css/nothing.css",
        "css",
        "",
        "icons.svg%00.png",
    ],
)
def test_nothing_else_can_be_asked_for(client: TestClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    with pytest.raises(LookupError):
        assets.asset("css/rosaeu.css")


def test_fonts_are_named_by_their_hash_in_the_style_sheet(client: TestClient) -> None:
    style = client.get(assets.asset("css/roseau.css")).text
    named = re.findall(r"url\(([^)]+)\)", style)
    assert set(named) == {
        assets.asset("fonts/atkinson-next-400-700.woff2"),
        assets.asset("fonts/bricolage-display-700.woff2"),
    }


def test_every_style_and_every_island_is_in_its_bundle(client: TestClient) -> None:
    style, script = (
        "".join(client.get(assets.asset(name)).text for name in names)
        for names in (("css/roseau.css", "css/console.css"), ("js/roseau.js", "js/console.js"))
    )
    for path in (STATIC / "css").iterdir():
        assert path.read_text().partition("\n")[0] in style, path.name
    for path in (STATIC / "js").iterdir():
        assert path.read_text().partition("\n")[0] in script, path.name


def test_the_islands_stay_small(client: TestClient) -> None:
    script = client.get(assets.asset("js/roseau.js")).content
    assert len(gzip.compress(script, 9)) < 15_000
    # Members never load what only the console needs.
    assert b"data-measure" not in script
    assert len(gzip.compress(client.get(assets.asset("js/console.js")).content, 9)) < 10_000


def test_vendored_scripts_are_those_that_were_recorded() -> None:
    record = msgspec.json.decode((STATIC / "vendor" / "vendor.json").read_bytes())
    files = {name: recorded for library in record.values() for name, recorded in library["files"].items()}
    assert {f"vendor/{path.parent.name}/{path.name}" for path in STATIC.glob("vendor/*/*.js")} == set(files)
    for name, recorded in files.items():
        digest = hashlib.sha384((STATIC / name).read_bytes()).digest()
        assert recorded == "sha384-" + base64.b64encode(digest).decode(), name
        assert assets.integrity(name) == recorded


@pytest.mark.parametrize("folder", ["fonts", "icons", "vendor/htmx@4.0.1"])
def test_what_others_made_has_its_licence(folder: str) -> None:
    assert any("LICENSE" in path.name and path.stat().st_size > 400 for path in (STATIC / folder).iterdir())


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_only_the_macros_write_what_htmx_reads(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.name != "hx.html":
        assert not re.search(r"[\s<]hx-[a-z]", text)
    # The policy refuses both: a style has to be a class, and behaviour an island.
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", text)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_icon_and_asset_in_a_template_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    for name in re.findall(r'icon\("([^"]+)"', text):
        assert name in assets.icon_names(), name
    for name in re.findall(r'asset\("([^"]+)"', text):
        assert assets.asset(name)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_parts_are_imported_with_their_context(path: Path) -> None:
    for line in re.findall(r"{% from [^%]+%}", path.read_text("utf-8")):
        assert "with context" in line, line
