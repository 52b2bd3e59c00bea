"""Rubbish for endpoints: half of every request is plausible, so that it comes far, and half is anything."""

import json
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import msgspec
from hypothesis import strategies as st

from roseau.api.routing import EndpointRoute
from tests.api.driving import Attempt
from tests.doors.bodies import FORM, JSON, MULTIPART, multipart, part

GENERAL = ["limit", "offset", "max_id", "min_id", "since_id", "id", "q", "lang", "types[]", "exclude_types[]"]
NUMBERS = [0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**70), 10**30]
WORDS = [
    *(
        "",
        " ",
        "a",
        "true",
        "0",
        "-5",
        "1.5",
        "NaN",
        "null",
        "public",
        "private",
        "direct",
        "home",
        "en",
        "en-GB",
    ),
    *("../../etc/passwd", "%00", "%", "_", "*", '"', "'; DROP TABLE statuses; --", "{{7*7}}", "<script>"),
    *(
        "\r\nX: y",
        "\u202e",
        "\ufeff",
        "e\u0301" * 40,
        "\U0001f469\u200d" * 9,
        "x" * 5000,
        "\u0663",
        "#tag",
        "@ada",
    ),
    *("https://roseau.test/@ada", "ada@roseau.test", "urn:ietf:wg:oauth:2.0:oob", "read write", "1e400"),
    *("2024-02-30", "9999-12-31T23:59:59+23:59", "0001-01-01", "client_credentials", "authorization_code"),
]
#: Text that no database keeps: only JSON can carry it this far.
BROKEN = ["a\0b", "\ud800", "\0"]
HEADERS = [
    "idempotency-key",
    "last-event-id",
    "accept-language",
    "range",
    "if-none-match",
    "accept",
    "x-request-id",
]


def names_of(route: EndpointRoute) -> list[str]:
    """The names of parameters that the endpoint's module knows, with brackets where they nest."""
    module = vars(sys.modules[route.endpoint.__module__])
    found: dict[str, None] = {}
    for struct in module.values():
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
            for field in msgspec.structs.fields(struct):
                found |= dict.fromkeys((field.encode_name, f"{field.encode_name}[]"))
    return [*found, *GENERAL]


def scalars(ids: Iterable[int]) -> st.SearchStrategy[Any]:
    """One value: a real id, a number, words, or anything."""
    known = st.sampled_from([str(known) for known in ids])
    return (
        known
        | st.sampled_from(NUMBERS)
        | st.sampled_from(WORDS)
        | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
    )


def documents(names: list[str], ids: list[int]) -> st.SearchStrategy[Any]:
    """A JSON body: mostly an object with known names."""
    plain = [name for name in names if not name.endswith("]")]
    leaves = scalars(ids) | st.sampled_from([None, True, False, 1.5, *BROKEN])
    inner = st.recursive(
        leaves,
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(plain), part, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(st.sampled_from(plain), inner, max_size=5) | inner


@st.composite
def attempts(draw: st.DrawFn, route: EndpointRoute, ids: list[int], token: str) -> Attempt:
    """A request to this endpoint."""
    names = names_of(route)
    pairs = st.lists(st.tuples(st.sampled_from(names), scalars(ids)), max_size=5)
    kind = draw(st.sampled_from(["", FORM, JSON, MULTIPART, "text/plain", "multipart/form-data"]))
    body = b""
    if kind == JSON:
        body = json.dumps(draw(documents(names, ids))).encode()
    elif kind == MULTIPART:
        parts = [part(name, str(value).encode()) for name, value in draw(pairs)]
        files = st.sampled_from(["file", "avatar", "header", "thumbnail"])
        for name in draw(st.lists(files, max_size=2)):
            parts.append(part(name, draw(st.sampled_from([b"", b"GIF89a" + bytes(90), b"<svg/>"])), "../x"))
        body = multipart(*parts)
    elif kind:
        body = urlencode(draw(pairs)).encode()
    if draw(st.integers(0, 9)) == 0:
        body = draw(st.binary(max_size=60))
    query = urlencode(draw(pairs)).encode()
    if draw(st.integers(0, 9)) == 0:
        query = quote_from_bytes(draw(st.binary(max_size=20))).encode()
    headers = [(b"authorization", f"Bearer {token}".encode())]
    if kind:
        headers.append((b"content-type", kind.encode()))
    for name in draw(st.lists(st.sampled_from(HEADERS), max_size=2)):
        headers.append((name.encode(), draw(st.binary(max_size=20)) + b"\xff"))
    path = route.path
    while "{" in path:
        before, _, rest = path.partition("{")
        value = draw(st.sampled_from([*ids, *ids, "a\0b", "{id}"]) | scalars(ids))
        path = before + str(value).replace("/", "") + rest.partition("}")[2]
    return Attempt(method=route.method, path=path, query=query, headers=headers, body=body)
