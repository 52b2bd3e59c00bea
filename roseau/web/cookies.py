"""Cookies that scripts and other sites do not get, and the sentence that one page hands to the next.

A cookie is called `__Host-NAME` where the connection is safe: no other host and no unsafe page can set one.
"""

import base64
import binascii
from typing import Final

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from roseau.doors.server import server_of
from roseau.kernel import keys

#: Long enough to read one sentence, also on a slow line.
_FLASH_SECONDS: Final = 120
_FLASH_LONGEST: Final = 3_000


class _Flash(msgspec.Struct, omit_defaults=True):
    sentence: str
    href: str = ""
    words: str = ""


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None) -> None:
    """Give the browser a cookie for so many seconds; None: until it is closed."""
    response.set_cookie(
        _full_name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Take a cookie away."""
    set_cookie(request, response, name, "", 0)


def read_cookie(request: Request, name: str) -> str:
    """What the browser gave back of a cookie; it may have been altered."""
    return request.cookies.get(_full_name(request, name), "")


def set_flash(request: Request, response: Response, sentence: str, href: str = "", words: str = "") -> None:
    """Let the next page say a sentence, with a link to `href` when it is given."""
    flash = msgspec.json.encode(_Flash(sentence, href, words))
    body = base64.urlsafe_b64encode(flash).decode().rstrip("=")
    set_cookie(request, response, "flash", f"{body}.{_sign_flash(request, body)}", _FLASH_SECONDS)


def read_flash(request: Request) -> str:
    """What the page before wanted to have said; empty when there is nothing, or when it is not ours."""
    body, _, signature = read_cookie(request, "flash").partition(".")
    if not body or len(body) > _FLASH_LONGEST or not keys.same(signature, _sign_flash(request, body)):
        return ""
    try:
        flash = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Flash)
    except (binascii.Error, msgspec.DecodeError):
        return ""
    if not flash.href:
        return flash.sentence
    return Markup('{} <a href="{}">{}</a>').format(flash.sentence, flash.href, flash.words)


def _sign_flash(request: Request, body: str) -> str:
    return keys.sign(server_of(request).site.data_key, "flash", body)


def _full_name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    # A site with a public name may be set up on the machine itself before its proxy is: over plain HTTP.
    server, host = server_of(request), request.url.netloc
    named = server.site.base_url if host == server.site.domain else server.names.url_of(host) or ""
    return request.url.scheme == "https" or named.startswith("https://")
