from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.network.client import ClientRules, GuardedClient, join, read_url, to_target
from roseau.network.refusals import Refusal, Refused
from tests.network.guarded import LOOPBACK, make_client, mock, refusal
from tests.network.loopback import answering, http, serve

pytestmark = pytest.mark.anyio


async def test_a_page_is_fetched_under_its_name() -> None:
    async with serve(answering(http(b"bonjour", content_type="text/html"))) as site, make_client() as client:
        page = await client.get(f"http://site.example:{site.port}/a?b=c#d", accept=("text/html",))
    assert (page.status, page.body, page.truncated) == (200, b"bonjour", False)
    assert page.headers["Content-Type"] == "text/html"
    head = site.requests[0].lower()
    assert head.startswith("get /a?b=c http/1.1\r\n")
    assert f"\r\nhost: site.example:{site.port}\r\n" in head
    assert "\r\nuser-agent: roseau/0.1.0 (+https://roseau.example)\r\n" in head
    assert "\r\naccept: text/html\r\n" in head
    assert "cookie" not in head


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", Refusal.URL),
        ("/relative", Refusal.URL),
        ("site.example", Refusal.URL),
        ("https://", Refusal.URL),
        ("https:///path", Refusal.URL),
        ("https://site.example:99999/", Refusal.URL),
        ("https://site.example:0/", Refusal.URL),
        ("https://site%2eexample/", Refusal.URL),
        ("https://site example/", Refusal.URL),
        ("http://0177.0.0.1/", Refusal.URL),
        ("http://[fe80::1%25eth0]/", Refusal.URL),
        ("https://site.example/\x00", Refusal.URL),
        ("https://site.example/" + "a" * 5000, Refusal.URL),
        ("ftp://site.example/", Refusal.SCHEME),
        ("file:///etc/passwd", Refusal.SCHEME),
        ("gopher://site.example/", Refusal.SCHEME),
        ("unix:/run/docker.sock", Refusal.SCHEME),
        ("javascript:alert(1)", Refusal.SCHEME),
        ("https://user@site.example/", Refusal.CREDENTIALS),
        ("https://user:secret@site.example/", Refusal.CREDENTIALS),
        ("https://public.example@127.0.0.1/", Refusal.CREDENTIALS),
        ("https://public.example\\@127.0.0.1/", Refusal.CREDENTIALS),
        ("http://site.example:22/", Refusal.PORT),
        ("http://site.example:6379/", Refusal.PORT),
        ("https://site.example:8443/", Refusal.PORT),
        ("http://127.0.0.1/", Refusal.ADDRESS),
        ("http://169.254.169.254/latest/meta-data/", Refusal.ADDRESS),
        ("http://[::1]/", Refusal.ADDRESS),
        ("http://[::ffff:127.0.0.1]/", Refusal.ADDRESS),
        ("http://[64:ff9b::7f00:1]/", Refusal.ADDRESS),
        ("http://[fd00:ec2::254]/", Refusal.ADDRESS),
    ],
)
async def test_addresses_that_are_not_fetched(url: str, reason: Refusal) -> None:
    def never(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError("nothing may be sent")

    rules = ClientRules(site="https://roseau.example", version="0.1.0")
    assert await refusal(GuardedClient(rules, httpx2.MockTransport(never)), url) is reason


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "0x7f.1", "127.1"])
async def test_names_that_lead_home_are_refused_before_connecting(host: str) -> None:
    async with serve(answering(http(b"inside"))) as site:
        rules = ClientRules(site="https://roseau.example", version="0.1.0", ports=None)
        assert await refusal(GuardedClient(rules), f"http://{host}:{site.port}/") is Refusal.ADDRESS
        assert site.connections == 0


async def test_mixed_answers_are_refused_before_connecting() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "10.0.0.1"]

    async with serve(answering(http(b"inside"))) as site:
        rules = ClientRules(site="https://r.example", version="0", allowed_networks=LOOPBACK, ports=None)
        assert await refusal(GuardedClient(rules, None, resolve), f"http://two.example:{site.port}/") is (
            Refusal.ADDRESS
        )
        assert site.connections == 0


async def test_a_name_is_asked_for_once_and_its_address_kept() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    asked: list[str] = []

    async def rebind(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    async with serve(answering(http(b"first", connection="close"))) as site:
        rules = ClientRules(site="https://r.example", version="0", allowed_networks=LOOPBACK, ports=None)
        async with GuardedClient(rules, None, rebind) as client:
            page = await client.get(f"http://rebound.example:{site.port}/")
            assert (page.body, asked) == (b"first", ["rebound.example"])
            with pytest.raises(Refused):
                await client.get(f"http://rebound.example:{site.port}/")
    assert site.connections == 1


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    async with serve(answering(http(b"second"))) as site:
        rules = ClientRules(
            site="https://r.example", version="0", allowed_networks=("127.0.0.1/32", "::1/128"), ports=None
        )
        async with GuardedClient(rules, None, resolve) as client:
            assert (await client.get(f"http://two.example:{site.port}/")).body == b"second"


def redirecting(**steps: str) -> Callable[[httpx2.Request], httpx2.Response]:
    """Answers /a with a redirect to what `a` says, and so on; any other path is the end."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        location = steps.get(request.url.path.strip("/"))
        if location is None:
            return httpx2.Response(200, content=b"end")
        return httpx2.Response(302, headers={"location": location})

    return answer


async def test_redirects_are_followed_and_told() -> None:
    client, _ = mock(redirecting(a="/b", b="https://other.example/c", c="//third.example/end"))
    page = await client.get("http://site.example/a")
    assert (page.url, page.body) == ("https://third.example/end", b"end")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/start", Refusal.REDIRECTS),
        ("http://site.example/", Refusal.DOWNGRADE),
        ("https://10.0.0.1/", Refusal.ADDRESS),
        ("https://[::1]/", Refusal.ADDRESS),
        ("file:///etc/passwd", Refusal.SCHEME),
        ("https://user@site.example/", Refusal.CREDENTIALS),
        ("https://site.example:99999/", Refusal.URL),
    ],
)
async def test_redirects_that_are_not_followed(location: str, reason: Refusal) -> None:
    client, sent = mock(redirecting(start=location))
    assert await refusal(client, "https://site.example/start") is reason
    assert len(sent) == (4 if reason is Refusal.REDIRECTS else 1)


@pytest.mark.parametrize("host", ["127.0.0.2", "private.example", "metadata.example"])
async def test_a_redirect_into_the_private_network_is_refused(host: str) -> None:
    async with serve(answering(http(status="302 Found", location=f"http://{host}:1/"))) as site:
        assert await refusal(make_client(), site.url) is Refusal.ADDRESS


async def test_what_speaks_for_us_stays_with_the_first_origin() -> None:
    client, sent = mock(redirecting(a="/b", b="https://other.example/c", c="https://site.example/d"))
    secrets = {
        "Authorization": "Bearer x",
        "Cookie": "y",
        "Signature": "z",
        "X-Kept": "1",
        "Host": "evil.example",
    }
    await client.get("https://site.example/a", headers=secrets)
    assert [request.headers.get("authorization") for request in sent] == ["Bearer x", "Bearer x", None, None]
    assert [request.headers.get("signature") for request in sent] == ["z", "z", None, None]
    assert [request.headers.get("cookie") for request in sent] == ["y", "y", None, None]
    assert {request.headers["x-kept"] for request in sent} == {"1"}
    assert [request.headers["host"] for request in sent] == ["site.example"] * 2 + [
        "other.example",
        "site.example",
    ]


async def test_a_post_is_not_repeated_elsewhere() -> None:
    client, sent = mock(redirecting(inbox="https://other.example/inbox"))
    answer = await client.request("POST", "https://site.example/inbox", body=b"{}", max_redirects=3)
    assert (answer.status, len(sent)) == (302, 1)
    assert (sent[0].content, sent[0].headers["content-length"]) == (b"{}", "2")


async def test_the_type_asked_for_is_the_type_taken() -> None:
    kind = "Image/PNG; charset=x"
    client, _ = mock(lambda request: httpx2.Response(200, headers={"content-type": kind}, content=b"png"))
    assert (await client.get("https://site.example/", accept=("image/*",))).body == b"png"
    assert (await client.get("https://site.example/", accept=("text/html", "image/png"))).body == b"png"
    assert await refusal(client, "https://site.example/", accept=("text/html",)) is Refusal.TYPE


async def test_an_error_page_is_an_answer_of_any_type() -> None:
    client, _ = mock(
        lambda request: httpx2.Response(404, headers={"content-type": "text/html"}, content=b"no")
    )
    assert (await client.get("https://site.example/", accept=("application/json",))).status == 404


async def test_refusals_never_name_the_address_behind_a_name() -> None:
    async with make_client() as client:
        with pytest.raises(Refused) as refused:
            await client.get("http://metadata.example/")
    assert "169.254" not in str(refused.value)


@given(st.text(), st.text())
def test_any_text_is_an_address_or_refused(url: str, location: str) -> None:
    with suppress(Refused):
        target = to_target(url, None, ())
        assert target.scheme in ("http", "https") and target.host
    with suppress(Refused):
        join(read_url("https://site.example/a"), location)


@given(st.from_regex(r"https?://[^/\s]{1,20}(/\S{0,10})?", fullmatch=True))
def test_near_addresses_are_addresses_or_refused(url: str) -> None:
    with suppress(Refused):
        target = to_target(url, None, ())
        assert target.raw_host.isascii() and not target.userinfo
