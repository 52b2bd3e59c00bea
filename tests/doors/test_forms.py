"""Parameters from outside: every shape that clients send is understood, and rubbish is told politely."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.doors.forms import MAX_BODY, parse_pairs, read_form, to_struct
from roseau.kernel.errors import BadRequest, Invalid, RoseauError, TooLarge, UnsupportedType
from tests.doors.bodies import FORM, JSON, MULTIPART, make_request, multipart, part

pytestmark = pytest.mark.anyio

Read = Callable[..., Any]


class Poll(msgspec.Struct):
    options: list[str]
    expires_in: int
    multiple: bool = False
    hide_totals: bool = False


class Field(msgspec.Struct):
    name: str = ""
    value: str = ""


class Source(msgspec.Struct):
    privacy: Literal["public", "private"] | None = None
    language: str | None = None
    sensitive: bool | None = None


class Everything(msgspec.Struct, kw_only=True):
    """One of each kind of parameter that the API has."""

    status: str = ""
    sensitive: bool | None = None
    in_reply_to_id: int | None = None
    media_ids: list[int] = []
    visibility: Literal["public", "direct"] | None = None
    poll: Poll | None = None
    fields_attributes: list[Field] = []
    source: Source | None = None
    redirect_uris: str | list[str] = ""
    data: dict[str, Any] | None = None
    limit: int = 20


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a request's parameters as `Everything`."""

    async def read(body: bytes = b"", kind: str | None = None, query: bytes = b"", **how: Any) -> Everything:
        return to_struct(await read_form(make_request(tmp_path, body, kind, query, **how)), Everything)

    return read


POLL = Poll(["a", "b"], 300, False, False)
SHAPES: list[tuple[str, str | None, bytes, bytes, Everything]] = [
    ("nothing at all", None, b"", b"", Everything()),
    ("an empty form", FORM, b"", b"", Everything()),
    ("a form", FORM, b"status=Hi+there&sensitive=1", b"", Everything(status="Hi there", sensitive=True)),
    ("a form in UTF-8 that nobody escaped", FORM, "status=été".encode(), b"", Everything(status="été")),
    ("a query", None, b"", b"sensitive=False&limit=5", Everything(sensitive=False, limit=5)),
    ("query and body", FORM, b"limit=7", b"sensitive=on&limit=5", Everything(sensitive=True, limit=7)),
    ("brackets", FORM, b"media_ids[]=1&media_ids[]=2", b"", Everything(media_ids=[1, 2])),
    ("escaped brackets", FORM, b"media_ids%5B%5D=1", b"", Everything(media_ids=[1])),
    ("one for a list", FORM, b"media_ids=1", b"", Everything(media_ids=[1])),
    (
        "a poll in a form",
        FORM,
        b"poll[options][]=a&poll[options][]=b&poll[expires_in]=300&poll[multiple]=0&poll[hide_totals]=false",
        b"",
        Everything(poll=POLL),
    ),
    (
        "strings where JSON has truths, as Mastodon.py sends",
        JSON,
        b'{"status":"nice","sensitive":"0","poll":{"options":["a","b"],"expires_in":300,"multiple":false}}',
        b"",
        Everything(status="nice", sensitive=False, poll=POLL),
    ),
    (
        "numbers as strings in JSON",
        JSON,
        b'{"in_reply_to_id":"117440826656342711","media_ids":["1",2]}',
        b"",
        Everything(in_reply_to_id=117440826656342711, media_ids=[1, 2]),
    ),
    ("numbers for text in JSON", JSON, b'{"status":12}', b"", Everything(status="12")),
    (
        "JSON with a charset, a query beside it",
        JSON + "; charset=utf-8",
        b'{"status":"x"}',
        b"limit=1",
        Everything(status="x", limit=1),
    ),
    (
        "numbered groups",
        FORM,
        b"fields_attributes[1][name]=b&fields_attributes[0][name]=a&fields_attributes[0][value]=1",
        b"",
        Everything(fields_attributes=[Field("a", "1"), Field("b")]),
    ),
    (
        "groups without numbers",
        FORM,
        b"fields_attributes[][name]=a&fields_attributes[][value]=1&fields_attributes[][name]=b",
        b"",
        Everything(fields_attributes=[Field("a", "1"), Field("b")]),
    ),
    (
        "a numbered object in JSON",
        JSON,
        b'{"fields_attributes":{"0":{"name":"a"},"1":{"name":"b"}}}',
        b"",
        Everything(fields_attributes=[Field("a"), Field("b")]),
    ),
    (
        "a dot inside a name",
        FORM,
        b"data[alerts][admin.sign_up]=1",
        b"",
        Everything(data={"alerts": {"admin.sign_up": "1"}}),
    ),
    (
        "nested, with an empty language",
        FORM,
        b"source[privacy]=private&source[language]=&source[sensitive]=",
        b"",
        Everything(source=Source("private", "", False)),
    ),
    (
        "empty values that say nothing",
        FORM,
        b"in_reply_to_id=&visibility=&limit=&source[privacy]=",
        b"",
        Everything(source=Source()),
    ),
    ("nulls", JSON, b'{"in_reply_to_id":null,"media_ids":null,"limit":null}', b"", Everything()),
    ("one redirect", JSON, b'{"redirect_uris":"a"}', b"", Everything(redirect_uris="a")),
    ("two redirects", JSON, b'{"redirect_uris":["a","b"]}', b"", Everything(redirect_uris=["a", "b"])),
    (
        "unknown ones",
        FORM,
        b"valid_policies[]=x&return_detailed_error=0&status=y",
        b"",
        Everything(status="y"),
    ),
    ("numbers for names at the top", JSON, b'{"0":1,"1":2}', b"", Everything()),
    ("multipart that is announced and does not come", MULTIPART, b"", b"limit=3", Everything(limit=3)),
    ("JSON with the same key twice", JSON, b'{"status":"a","status":"b"}', b"", Everything(status="b")),
    (
        "multipart",
        MULTIPART,
        multipart(part("media_ids[]", b"1"), part("media_ids[]", b"2"), part("status", "é".encode())),
        b"",
        Everything(media_ids=[1, 2], status="é"),
    ),
    (
        "multipart with an empty file field",
        MULTIPART,
        multipart(part("file", b"", ""), part("status", b"x")),
        b"",
        Everything(status="x"),
    ),
]


@pytest.mark.parametrize(
    ("kind", "body", "query", "expected"), [s[1:] for s in SHAPES], ids=[s[0] for s in SHAPES]
)
@pytest.mark.parametrize("chunk", [1, 7, 65_536])
async def test_every_shape_is_understood(
    read: Read, kind: str | None, body: bytes, query: bytes, expected: Everything, chunk: int
) -> None:
    assert await read(body, kind, query, chunk=chunk) == expected


@pytest.mark.parametrize("word", ["true", "True", "1", "t", "yes", "on", " ON "])
def test_words_for_yes(word: str) -> None:
    assert to_struct({"sensitive": word}, Everything).sensitive is True


@pytest.mark.parametrize("word", ["false", "False", "0", "f", "no", "off", ""])
def test_words_for_no(word: str) -> None:
    assert to_struct({"sensitive": word}, Everything).sensitive is False


DEEP = b"[" * 100_000
NAMELESS = part("", b"x").replace(b'; name=""', b"")
LONG_HEADER = part("a", b"", None, b"X: " + b"y" * 9000 + b"\r\n")
REFUSED: list[tuple[str, str | None, bytes, bytes, type[RoseauError]]] = [
    ("half of JSON", JSON, b'{"status":', b"", BadRequest),
    ("JSON that is a list", JSON, b"[]", b"", BadRequest),
    ("JSON that is a number", JSON, b"1", b"", BadRequest),
    ("JSON in Latin-1", JSON, '{"status":"é"}'.encode("latin-1"), b"", BadRequest),
    ("JSON in UTF-16", JSON, '{"status":"é"}'.encode("utf-16"), b"", BadRequest),
    ("JSON with a NUL", JSON, b'{"status":"a\\u0000b"}', b"", BadRequest),
    ("JSON with a NUL in a name", JSON, b'{"a\\u0000":1}', b"", BadRequest),
    ("JSON with half a surrogate pair", JSON, b'{"status":"\\ud800"}', b"", BadRequest),
    ("JSON with NaN", JSON, b'{"limit":NaN}', b"", BadRequest),
    ("JSON with an infinite number", JSON, b'{"limit":Infinity}', b"", BadRequest),
    ("JSON that is very deep", JSON, b'{"a":' + DEEP, b"", BadRequest),
    ("JSON that is too deep", JSON, b'{"a":[[[[[[[[1]]]]]]]]}', b"", BadRequest),
    ("JSON with comments", JSON, b'{"status":1} // yes', b"", BadRequest),
    ("a number of 65 bits", JSON, b'{"in_reply_to_id":36893488147419103232}', b"", Invalid),
    ("a number of 500 digits", JSON, b'{"limit":1%s}' % (b"0" * 500), b"", RoseauError),
    ("a number of 9000 digits in a form", FORM, b"limit=1" + b"0" * 9000, b"", Invalid),
    ("a fraction", JSON, b'{"limit":1.5}', b"", Invalid),
    ("a huge power", JSON, b'{"limit":1e308}', b"", Invalid),
    ("words for a number", FORM, b"limit=many", b"", Invalid),
    ("other digits", FORM, "limit=٣".encode(), b"", Invalid),
    ("words for a truth", FORM, b"sensitive=perhaps", b"", Invalid),
    ("a group for text", FORM, b"status[a]=b", b"", Invalid),
    ("a list for text", JSON, b'{"status":["a"]}', b"", Invalid),
    ("text for a group", FORM, b"poll=x", b"", Invalid),
    ("a list for a group", JSON, b'{"poll":[1]}', b"", Invalid),
    ("a group for a list", JSON, b'{"media_ids":{"a":1}}', b"", Invalid),
    ("what is missing in a group", FORM, b"poll[options][]=a", b"", Invalid),
    ("a choice that is none", FORM, b"visibility=secret", b"", Invalid),
    ("value, then group", FORM, b"poll=x&poll[options][]=a", b"", BadRequest),
    ("value, then list", FORM, b"media_ids=1&media_ids[]=2", b"", BadRequest),
    ("names nested too deep", FORM, b"a[b][c][d][e][f][g][h]=1", b"", BadRequest),
    ("a form in Latin-1", FORM, b"status=\xe9", b"", BadRequest),
    ("an escape in Latin-1", FORM, b"status=%E9", b"", BadRequest),
    ("an escaped NUL", FORM, b"status=a%00b", b"", BadRequest),
    ("a NUL in the query", None, b"", b"status=%00", BadRequest),
    ("a query in Latin-1", None, b"", b"status=%FF", BadRequest),
    ("an escaped surrogate", FORM, b"status=%ED%A0%80", b"", BadRequest),
    ("too many names", FORM, b"&".join(b"a=1" for _ in range(1001)), b"", BadRequest),
    ("a body that is too large", FORM, b"status=" + b"x" * MAX_BODY, b"", TooLarge),
    ("JSON that is too large", JSON, b'{"status":"' + b"x" * MAX_BODY + b'"}', b"", TooLarge),
    ("plain text", "text/plain", b"status=x", b"", UnsupportedType),
    ("XML", "application/xml", b"<status/>", b"", UnsupportedType),
    ("a type that is none", "\xff\xfe;;=", b"x", b"", UnsupportedType),
    ("multipart without a boundary", "multipart/form-data", b"--x\r\n", b"", BadRequest),
    ("an empty boundary", 'multipart/form-data; boundary=""', b"--x\r\n", b"", BadRequest),
    ("a long boundary", "multipart/form-data; boundary=" + "x" * 5000, b"--x\r\n", b"", BadRequest),
    ("another boundary", MULTIPART, b"--other\r\n\r\n--other--\r\n", b"", BadRequest),
    ("multipart without an end", MULTIPART, part("status", b"x"), b"", BadRequest),
    ("a part without a name", MULTIPART, multipart(NAMELESS), b"", BadRequest),
    ("a part in Latin-1", MULTIPART, multipart(part("status", b"\xe9")), b"", BadRequest),
    ("a name in Latin-1", MULTIPART, multipart(part("s?", b"x").replace(b"s?", b"s\xe9")), b"", BadRequest),
    ("a part with a NUL", MULTIPART, multipart(part("status", b"\0")), b"", BadRequest),
    ("too many headers", MULTIPART, multipart(part("a", b"", None, b"X-A: b\r\n" * 50)), b"", BadRequest),
    ("a long header", MULTIPART, multipart(LONG_HEADER), b"", BadRequest),
    ("too many parts", MULTIPART, multipart(*[part("a", b"")] * 1001), b"", TooLarge),
    ("parts that are too large", MULTIPART, multipart(*[part("a", b"x" * 90_000)] * 12), b"", TooLarge),
    ("a file where none belongs", MULTIPART, multipart(part("a", b"GIF89a", "x")), b"", UnsupportedType),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body", "query", "error"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
async def test_what_cannot_be_read_is_refused(
    read: Read, kind: str | None, body: bytes, query: bytes, error: type[RoseauError]
) -> None:
    with pytest.raises(error) as refusal:
        await read(body, kind, query)
    assert 400 <= refusal.value.status < 500
    assert str(refusal.value)


async def test_a_client_that_goes_away_leaves_nothing(read: Read) -> None:
    for kind in (FORM, JSON, MULTIPART):
        with pytest.raises(BadRequest):
            await read(b'{"status":"x', kind, whole=False)


async def test_a_body_is_read_no_further_than_allowed(tmp_path: Path) -> None:
    for kind in (FORM, MULTIPART):
        request = make_request(tmp_path, b"a=" + b"x" * MAX_BODY * 3, kind, chunk=MAX_BODY // 4)
        with pytest.raises(RoseauError):
            await read_form(request)
        left = 0
        with contextlib.suppress(IndexError):
            while True:
                await request.receive()
                left += 1
        assert left > 4


async def test_a_declared_length_is_a_promise_only(tmp_path: Path) -> None:
    body = multipart(part("status", b"x" * 2_000_000))
    small = make_request(tmp_path, body, MULTIPART, headers=[(b"content-length", b"10")])
    with pytest.raises(TooLarge):
        await read_form(small)
    for length in (b"99999999999", b"9" * 4000):
        large = make_request(
            tmp_path, multipart(part("status", b"x")), MULTIPART, headers=[(b"content-length", length)]
        )
        with pytest.raises(TooLarge):
            await read_form(large)
    odd = make_request(
        tmp_path, multipart(part("status", b"x")), MULTIPART, headers=[(b"content-length", b"-5")]
    )
    assert await read_form(odd) == {"status": "x"}


# Whatever comes, the answer is a value or a typed error.

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*Everything.__struct_fields__, "", "x"])


@given(st.dictionaries(names, values, max_size=4))
def test_any_values_become_a_struct_or_an_error(parameters: dict[str, Any]) -> None:
    try:
        found = to_struct(parameters, Everything)
    except RoseauError as error:
        assert error.status in (400, 422)
        return
    assert isinstance(found, Everything)
    # What holds a number fits in a column.
    for number in (found.limit, found.in_reply_to_id, *found.media_ids):
        assert number is None or abs(number) < 1 << 63


@given(st.binary(max_size=200) | st.from_regex(rb"[a-z\[\]0-9=&%.]{0,60}", fullmatch=True))
def test_any_query_becomes_pairs_or_an_error(raw: bytes) -> None:
    with contextlib.suppress(BadRequest):
        for name, value in parse_pairs(raw):
            assert "\0" not in name + value


fragments = st.sampled_from(
    [
        *(
            b"--a-line-between",
            b"--",
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"=",
            b"&",
            b"[",
            b"{",
            b"}",
            b"\xff",
            b"\0",
        ),
        *(b"Content-Disposition: form-data; ", b'name="status"', b'name="media_ids[]"', b'name="', b"GIF89a"),
        *(b'; filename="../../etc/passwd"', b"; filename*=UTF-8''x", b"Content-Type: image/png", b"a" * 70),
        b"Content-Transfer-Encoding: base64",
    ]
)
kinds = st.sampled_from([FORM, JSON, MULTIPART, "", "multipart/form-data; boundary=b", "text/html"])


@given(
    body=st.lists(fragments | st.binary(max_size=10), max_size=14).map(b"".join),
    kind=kinds | st.text(st.characters(max_codepoint=126), max_size=30),
    query=st.binary(max_size=30),
    whole=st.booleans(),
    chunk=st.integers(1, 50),
)  # fmt: skip
async def test_any_body_becomes_parameters_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, kind: str, query: bytes, whole: bool, chunk: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "blobs"
    request = make_request(folder, body, kind, query, whole=whole, chunk=chunk)
    try:
        parameters = await read_form(request, max_file=1000, max_files=2)
    except RoseauError as error:
        assert error.status < 500
    else:
        assert all(isinstance(name, str) for name in parameters)
