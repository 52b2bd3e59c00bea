"""Members of a drill's site, and what they do in a browser: sign in, let an application in, turn on codes."""

import asyncio
import base64
import hashlib
import secrets
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec
import pyotp

from roseau.control import ask_server
from roseau.domain.accounts.creation import NewAccount
from roseau.domain.accounts.second_factor import STEP
from roseau.drill.client import Answer, Caller, Unanswered
from roseau.kernel import keys
from roseau.operations import ADD_ACCOUNT, CREATE_APP, CREATE_TOKEN, NewApp, NewToken

SCOPES = "read write follow push"
_CALLBACK = "https://client.drill.example/back"
_SECURITY = "/settings/security"


class Refused(Exception):
    """The server did not do what was in order."""


class Member(msgspec.Struct, frozen=True):
    """Somebody with an account, a password and a token that was there before the load."""

    name: str
    account_id: str
    token: str
    password: str


class Application(msgspec.Struct, frozen=True):
    """A client that members let in."""

    client_id: str
    secret: str


async def seed(folder: Path, count: int) -> tuple[list[Member], Application]:
    """Make members and an application on the site that runs in the folder."""
    return await asyncio.to_thread(_seed, folder, count)


def _seed(folder: Path, count: int) -> tuple[list[Member], Application]:
    password = secrets.token_urlsafe(12)
    hashed = keys.hash_password(password)
    members = []
    for number in range(count):
        name = f"member{number}"
        new = NewAccount(username=name, email=f"{name}@drill.example", password_hash=hashed)
        account_id = ask_server(folder, ADD_ACCOUNT, new)
        token = ask_server(folder, CREATE_TOKEN, NewToken(name, SCOPES))
        members.append(Member(name, str(account_id), token, password))
    made = ask_server(folder, CREATE_APP, NewApp("Drill", [_CALLBACK], SCOPES, None, "", ""))
    return members, Application(made.client_id, made.client_secret)


def expect(answer: Answer, *statuses: int) -> Answer:
    """The answer, if it has one of these. Raises Unanswered for 5xx, where nobody knows, else Refused."""
    if answer.status >= 500:
        raise Unanswered(f"answered {answer.status}")
    if answer.status not in statuses:
        raise Refused(f"answered {answer.status}: {' '.join(answer.text.split())[:200]}")
    return answer


class _Forms(HTMLParser):
    """Reads what the form with one `action` holds already."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action = action
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note whether this form is the one, and the fields in it."""
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("action") == self._action
        elif tag == "input" and self._inside and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """A form ends."""
        if tag == "form":
            self._inside = False


class Browser:
    """A browser: it keeps its cookies, and sends forms with what they held."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.cookies: dict[str, str] = {}

    async def open(self, path: str) -> Answer:
        """Load a page. Raises Unanswered."""
        return self._keep(await self._caller.get(path, cookies=self.cookies))

    async def submit(self, page: Answer, action: str, **filled: str) -> Answer:
        """Send a form of the page. Raises Unanswered, and Refused when there is no such form."""
        reader = _Forms(action)
        reader.feed(page.text)
        if not reader.fields:
            raise Refused(f"no form for {action} in the page")
        answer = await self._caller.post(action, reader.fields | filled, cookies=self.cookies)
        return self._keep(answer)

    def _keep(self, answer: Answer) -> Answer:
        self.cookies |= answer.cookies
        return answer


async def sign_in(browser: Browser, member: Member) -> None:
    """Sign a member in who has no second factor. Raises Unanswered, Refused."""
    page = expect(await browser.open("/sign_in"), 200)
    expect(await browser.submit(page, "/sign_in", name=member.name, password=member.password), 303)
    if "session" not in browser.cookies:
        raise Refused("the password opened no session")


async def sign_in_with_code(browser: Browser, member: Member, secret: str, used_step: int) -> bool:
    """Sign in with password and code; whether the code was asked for. Raises Unanswered, Refused."""
    page = expect(await browser.open("/sign_in"), 200)
    answer = await browser.submit(page, "/sign_in", name=member.name, password=member.password)
    expect(answer, 303)
    if not answer.path.startswith("/sign_in/code"):
        return False
    page = expect(await browser.open(answer.path), 200)
    # A code works once; the one of the next step is taken too, for clocks that are off.
    step = max(_step_now(), used_step + 1)
    expect(await browser.submit(page, "/sign_in/code", code=_code_of(secret, step)), 303)
    return "session" in browser.cookies


async def enable_second_factor(browser: Browser, member: Member) -> tuple[str, int]:
    """Turn codes on for a member who is signed in; the secret, and the step whose code was used.

    Raises Unanswered, Refused.
    """
    page = expect(await browser.open(_SECURITY), 200)
    begun = await browser.submit(page, f"{_SECURITY}/totp/begin", present_password=member.password)
    expect(begun, 303)
    page = expect(await browser.open(f"{_SECURITY}/totp"), 200)
    shown = page.text.partition('class="secret">')[2].partition("<")[0]
    secret, step = shown.replace(" ", ""), _step_now()
    expect(await browser.submit(page, f"{_SECURITY}/totp", code=_code_of(secret, step)), 200)
    return secret, step


def _step_now() -> int:
    return int(time.time()) // STEP


def _code_of(secret: str, step: int) -> str:
    return pyotp.TOTP(secret, interval=STEP).at(step * STEP)


async def grant_token(browser: Browser, caller: Caller, application: Application) -> str:
    """Let the application in for the member who is signed in; the token. Raises Unanswered, Refused."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": _CALLBACK,
        "scope": SCOPES,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    page = expect(await browser.open(f"/oauth/authorize?{urlencode(asked, quote_via=quote)}"), 200)
    allowed = expect(await browser.submit(page, "/oauth/authorize", decision="allow"), 302)
    code = parse_qs(urlsplit(allowed.headers["location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "client_id": application.client_id,
        "client_secret": application.secret,
        "redirect_uri": _CALLBACK,
        "code": code,
        "code_verifier": verifier,
    }
    return str(expect(await caller.post("/oauth/token", form), 200).json()["access_token"])
