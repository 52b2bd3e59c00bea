"""What leaves with every page: its policy, its language, its parts; and what the templates say of things."""

import re
from collections.abc import Callable

import msgspec
import pytest
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from roseau.domain.statuses.details import Emoji, Mention
from roseau.kernel.errors import NotFound
from roseau.web import rendering, wording
from roseau.web.addresses import local_path


def answer(page: Callable[[Request], Response], path: str = "/x", **headers: str) -> Response:
    """What a handler's page looks like to a browser."""

    async def endpoint(request: Request) -> Response:
        return page(request)

    app = Starlette()
    app.add_route("/{path:path}", endpoint)
    return TestClient(app).get(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def lost(request: Request) -> Response:
    """A page that is not there."""
    return rendering.render_error(request, NotFound())


def test_the_policy_lets_in_only_our_own_scripts_and_each_page_has_its_nonce() -> None:
    pages = [answer(lost) for _ in range(2)]
    policies = [page.headers["content-security-policy"] for page in pages]
    nonces = [re.findall(r"'nonce-([\w-]{20,})'", policy) for policy in policies]
    assert nonces[0] != nonces[1]
    for page, policy, (nonce,) in zip(pages, policies, nonces, strict=True):
        assert f"script-src 'self' 'nonce-{nonce}';" in policy
        assert "unsafe" not in policy
        assert set(re.findall(r'<script[^>]* nonce="([^"]*)"', page.text)) == {nonce}
        assert len(re.findall(r"<script", page.text)) == page.text.count(f'nonce="{nonce}"')


def test_forms_may_lead_elsewhere_only_where_that_is_an_address() -> None:
    targets = ["https://app.example", "toot:", "'unsafe-inline'", "https://x.example; script-src *", "*"]
    policy = answer(
        lambda request: rendering.render(
            request, "error.html", error=NotFound(), sentence="", form_targets=targets
        )
    ).headers["content-security-policy"]
    assert "form-action 'self' https://app.example toot:;" in policy


def test_a_page_is_in_the_language_of_its_reader() -> None:
    french = answer(lost, accept_language="fr-CA,fr;q=0.8")
    assert '<html lang="fr">' in french.text
    assert "Il n’y a rien ici" in french.text
    assert french.headers["content-language"] == "fr"
    assert '<html lang="en">' in answer(lost, accept_language="fr", cookie="locale=en").text


def test_htmx_gets_words_for_the_status_line_instead_of_a_page() -> None:
    part = answer(lost, hx_request="true")
    assert part.status_code == 404
    assert "<html" not in part.text
    assert '<hx-partial hx-target="#dire" hx-swap="textContent">Record not found</hx-partial>' in part.text


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/@ines/12?x=1#s-12", "/@ines/12?x=1#s-12"),
        ("//evil.example", "/home"),
        ("/\\evil.example", "/home"),
        ("https://evil.example", "/home"),
        ("/a\r\nSet-Cookie: x", "/home"),
        ("/" + "a" * 3000, "/home"),
        ("", "/home"),
        (None, "/home"),
    ],
)
def test_only_paths_of_this_site_are_gone_back_to(given: str | None, path: str) -> None:
    assert local_path(given) == path


def test_custom_emojis_are_pictures_in_text_and_never_in_attributes() -> None:
    name = "ab" * 32 + ".png"
    emoji = Emoji(**dict.fromkeys(Emoji.__struct_fields__, "") | {"shortcode": "reed", "file": name})
    shown = wording.emojify(Markup('<a href="https://x.example/:reed:">:reed: :other:</a>'), (emoji,))
    assert shown.startswith('<a href="https://x.example/:reed:"><img class="emoji" src="/media/ab/ab/')
    assert shown.endswith(" :other:</a>")
    assert wording.emojify("<b>:reed:", (emoji,)).startswith("&lt;b&gt;<img ")


def test_mentions_and_hashtags_lead_to_pages_of_this_site() -> None:
    class Text(msgspec.Struct):
        content: str
        mentions: tuple[Mention, ...]
        emojis: tuple[Emoji, ...] = ()

    text = Text(
        '<p><a href="https://far.example/@tom?a=1&amp;b=2" class="u-url mention">@tom</a>'
        ' <a href="https://far.example/tags/x" class="mention hashtag" rel="tag">#<span>été</span></a>'
        ' <a href="https://else.example" target="_blank" rel="nofollow noopener">else</a></p>',
        (Mention(4, "tom", "far.example", "https://far.example/@tom?a=1&b=2"),),
    )
    shown = wording.content(text)  # type: ignore[arg-type]
    assert 'href="/@tom@far.example"' in shown
    assert 'href="/tags/%C3%A9t%C3%A9"' in shown
    assert 'href="https://else.example" rel=' in shown


@pytest.mark.parametrize(
    ("x", "y", "classes"), [(0, 0, "fx5 fy5"), (-1, 1, "fx0 fy0"), (1, -1, "fx10 fy10"), (9, -9, "fx10 fy10")]
)
def test_a_focal_point_is_a_pair_of_classes(x: float, y: float, classes: str) -> None:
    assert wording.focus_classes(wording.Focus(x, y)) == classes


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox 145, Linux"),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36",
            "Chrome 142, Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604",
            "Safari 18, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/142.0 Safari/537 Edg/142.0",
            "Edge 142, Windows",
        ),
        ("curl/8", "curl/8"),
        ("", ""),
    ],
)
def test_browsers_are_called_by_their_names(header: str, name: str) -> None:
    assert wording.browser(header) == name
