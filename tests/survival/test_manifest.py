"""The rule of what may take the place of a kept manifest, and how the site issues its own."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from roseau.doors.server import Server
from roseau.survival.addresses.issuing import find_manifest, issue_manifest, load_answer, rotate_key
from roseau.survival.addresses.manifest import (
    Document,
    Manifest,
    ManifestRefused,
    Signed,
    accept_document,
    accept_manifest,
    is_address,
    open_manifest,
    sign_manifest,
    to_public_text,
    to_site_id,
)
from roseau.survival.addresses.names import GivenNames, NewName, add_name, order_names, remove_names

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).private_bytes_raw() for number in range(5)]
PUBLIC = [to_public_text(key) for key in KEYS]
PATH = "/.well-known/roseau-manifest"


def manifest(number: int = 1, key: int = 0, successor: int | None = None, **other: Any) -> Manifest:
    """A manifest by the key of that place in the list, which the next one follows."""
    said: dict[str, Any] = {
        "site": to_site_id(PUBLIC[0]),
        "number": number,
        "issued_at": 1_800_000_000_000,
        "names": ("https://roseau.test",),
        "key": PUBLIC[key],
        "successor": PUBLIC[key + 1 if successor is None else successor],
    }
    return Manifest(**(said | other))


def signed(number: int = 1, key: int = 0, by: int | None = None, **other: Any) -> Signed:
    """The same, signed by that key or by another."""
    return sign_manifest(manifest(number, key, **other), KEYS[key if by is None else by])


def refusal(kept: Manifest | None, offered: Signed | Document) -> str:
    """Why it is refused."""
    with pytest.raises(ManifestRefused) as refused:
        accept_manifest(kept, offered)
    assert str(refused.value).endswith(".")
    return refused.value.reason


# The rule


def test_a_higher_number_of_the_same_key_is_taken_and_no_other() -> None:
    kept = accept_manifest(None, signed(5))
    assert kept == manifest(5)
    assert accept_manifest(kept, signed(9, names=("https://alias.test",))).names == ("https://alias.test",)
    assert accept_manifest(kept, signed(5)) == kept
    assert refusal(kept, signed(4)) == "old_number"
    assert refusal(kept, signed(5, names=("https://alias.test",))) == "old_number"


def test_another_key_is_taken_only_if_the_kept_manifest_named_it() -> None:
    kept = accept_manifest(None, signed(5))
    assert accept_manifest(kept, signed(6, key=1)) == manifest(6, key=1)
    assert refusal(kept, signed(6, key=2)) == "unknown_key"
    assert refusal(kept, signed(6, key=3, successor=1)) == "unknown_key"


def test_a_stolen_key_cannot_choose_its_successor_or_lock_it_out_by_a_high_number() -> None:
    kept = accept_manifest(None, signed(5))
    assert refusal(kept, signed(6, successor=3)) == "other_successor"
    misled = accept_manifest(kept, signed(2**53 - 1))
    assert accept_manifest(misled, signed(6, key=1)) == manifest(6, key=1)
    assert refusal(manifest(6, key=1), signed(2**53 - 1)) == "unknown_key"


def test_it_has_to_be_of_the_same_site_and_signed_by_the_key_that_it_names() -> None:
    kept = manifest(5)
    assert refusal(kept, signed(6, site="0" * 32)) == "other_site"
    assert refusal(None, signed(6, by=1)) == "wrong_signature"
    good = signed(6)
    assert refusal(None, Signed(good.payload.replace("roseau.test", "raseau.test"), good.signature)) == (
        "wrong_signature"
    )
    # What the key signed elsewhere is no manifest.
    elsewhere = Ed25519PrivateKey.from_private_bytes(KEYS[0]).sign(good.payload.encode())
    assert refusal(None, Signed(good.payload, base64.b64encode(elsewhere).decode())) == "wrong_signature"


@pytest.mark.parametrize(
    "other",
    [
        {"format": 2},
        {"number": 0},
        {"number": 2**53},
        {"issued_at": 0},
        {"names": ()},
        {"names": ("javascript:alert(1)",)},
        {"names": ("https://roseau.test/path",)},
        {"names": ("https://ada@roseau.test",)},
        {"names": ("https://roseau.test",) * 101},
        {"mirrors": ("ftp://mirror.test",)},
        {"successor": PUBLIC[0]},
        {"successor": "AAAA"},
        {"key": "not base64"},
    ],
)
def test_what_says_impossible_things_is_not_read(other: dict[str, Any]) -> None:
    impossible = msgspec.structs.replace(manifest(), **other)
    assert refusal(None, sign_manifest(impossible, KEYS[0])) == "unreadable"


@pytest.mark.parametrize("payload", ["", "{}", "[]", "\ud800", "x" * 70_000, '{"roseau-manifest":"1"}'])
def test_what_is_no_manifest_is_not_read(payload: str) -> None:
    assert refusal(None, Signed(payload, "")) == "unreadable"


@given(st.binary() | st.text())
def test_any_answer_is_taken_or_refused(body: bytes | str) -> None:
    with pytest.raises(ManifestRefused):
        accept_document(None, body)


@given(st.text())
def test_an_address_is_one_that_browsers_read_as_it_stands(text: str) -> None:
    if is_address(text, path=True):
        assert text.startswith(("http://", "https://"))
        assert not set(text) & set(" \"'<>\\\n\r\t")


Step = tuple[int, int, str]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.sampled_from(["a", "b"])), max_size=20))
def test_in_whatever_order_they_come_nothing_goes_back(steps: list[Step]) -> None:
    kept: Manifest | None = None
    for key, number, name in steps:
        try:
            taken = accept_manifest(kept, signed(number, key, names=(f"https://{name}.test",)))
        except ManifestRefused:
            continue
        if kept is not None and taken != kept:
            before, after = PUBLIC.index(kept.key), PUBLIC.index(taken.key)
            assert after in (before, before + 1)
            assert after > before or taken.number > kept.number
        kept = taken


def test_who_was_away_for_several_keys_finds_the_way() -> None:
    newest = signed(9, key=3)
    chain = tuple(signed(number, key) for number, key in ((2, 0), (5, 1), (7, 2)))
    document = Document(newest.payload, newest.signature, chain)
    body = msgspec.json.encode(document)
    assert accept_document(manifest(1), body) == manifest(9, key=3)
    assert accept_document(manifest(6, key=2), body) == manifest(9, key=3)
    assert accept_document(None, body) == manifest(9, key=3)
    gap = msgspec.json.encode(msgspec.structs.replace(document, earlier=(chain[0], chain[2])))
    with pytest.raises(ManifestRefused, match="key"):
        accept_document(manifest(1), gap)


# The site's own


def test_a_new_site_has_one_and_it_changes_when_an_address_does(server: Server) -> None:
    write, site = server.database.write_now, server.site
    first = server.database.read_now(find_manifest)
    assert first is not None
    assert first.manifest.names == ("https://roseau.test",)
    assert first.manifest.site == to_site_id(first.manifest.key)
    assert write(issue_manifest, site) == first.manifest
    write(add_name, site, NewName("alias.test"))
    write(add_name, site, NewName(f"{'x' * 56}.onion"))
    write(add_name, site, NewName("https://mirror.test/copy", "mirror"))
    write(order_names, site, GivenNames(["alias.test"]))
    write(remove_names, site, GivenNames([f"{'x' * 56}.onion"]))
    answer = server.database.read_now(load_answer)
    assert answer is not None
    last = accept_document(first.manifest, answer.body)
    assert last.names == ("https://alias.test", "https://roseau.test")
    assert last.mirrors == ("https://mirror.test/copy",)
    assert last.number >= first.manifest.number + 5


def test_after_a_rotation_the_successor_signs_and_keepers_follow(server: Server) -> None:
    write, site = server.database.write_now, server.site
    kept = write(issue_manifest, site)
    second = write(rotate_key, site)
    assert second.key == kept.successor
    third = write(rotate_key, site)
    answer = server.database.read_now(load_answer)
    assert answer is not None
    assert accept_document(kept, answer.body) == third
    assert msgspec.json.decode(answer.body, type=Document).earlier[0].payload.find(kept.key) > 0


def test_a_site_restored_from_a_copy_goes_on_above_what_it_lost(
    server: Server, at: Callable[[float], None]
) -> None:
    write, site = server.database.write_now, server.site
    copy = write(issue_manifest, site)
    lost = write(add_name, site, NewName("alias.test"))
    assert lost.name == "alias.test"
    newest = server.database.read_now(find_manifest)
    assert newest is not None
    at(60)
    write(remove_names, site, GivenNames(["alias.test"]))
    again = server.database.read_now(find_manifest)
    assert again is not None
    assert again.manifest.number >= copy.number + 60


@pytest.mark.anyio
async def test_it_is_answered_to_everybody_and_may_be_kept(client: Any, server: Server) -> None:
    answer = await client.get(PATH, headers={"Origin": "https://elsewhere.test"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    kept = accept_document(None, answer.content)
    assert open_manifest(msgspec.json.decode(answer.content, type=Signed)) == kept
    again = await client.get(PATH, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await server.database.write(add_name, server.site, NewName("alias.test"))
    changed = await client.get(PATH, headers={"If-None-Match": answer.headers["etag"]})
    assert accept_document(kept, changed.content).names == ("https://roseau.test", "https://alias.test")
