"""Registers an application with Mastodon.py and lets it in, through the pages that a member would see."""

import base64
import hashlib
import re
import secrets
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import requests
from mastodon import Mastodon

CALLBACK = "https://client.test/callback"
SCOPES = ["read", "write", "follow", "push"]


class Prover(requests.Session):
    """Adds the proof of PKCE (RFC 7636) to the request for a token, since Mastodon.py knows nothing of it."""

    verifier = ""

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """The request as it is sent."""
        if str(request.url).endswith("/oauth/token") and isinstance(request.data, dict):
            request.data["code_verifier"] = self.verifier
        return super().prepare_request(request)


class FormReader(HTMLParser):
    """Reads the fields of the form with one `action` from a page."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action = action
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a field, and which form this is."""
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("action") == self._action
        elif tag == "input" and self._inside and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""


def register(address: str) -> Mastodon:
    """A client of an application that the server has just come to know."""
    session = Prover()
    # The surroundings of the test may name a proxy, which leads nowhere near the server.
    session.trust_env = False
    client_id, client_secret = Mastodon.create_app(
        "Reading lamp", scopes=SCOPES, redirect_uris=CALLBACK, api_base_url=address, session=session
    )
    return Mastodon(client_id, client_secret, api_base_url=address, session=session, request_timeout=20)


def ask_for_code(client: Mastodon, name: str, password: str) -> tuple[str, str]:
    """Signs a member in and allows the application what it asks; the code and its verifier."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(8)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    url = client.auth_request_url(redirect_uris=CALLBACK, scopes=SCOPES, state=state, allow_http=True)
    url += "&" + urlencode({"code_challenge": challenge, "code_challenge_method": "S256"})
    with httpx2.Client(follow_redirects=True, trust_env=False, timeout=20) as browser:
        page = browser.get(url)
        assert page.url.path == "/sign_in", page.text
        page = send(browser, page, "/sign_in", name=name, password=password)
        assert page.url.path == "/oauth/authorize", page.text
        assert "Reading lamp" in page.text
        browser.follow_redirects = False
        answer = send(browser, page, "/oauth/authorize", decision="allow")
    back = answer.headers["Location"]
    assert answer.status_code == 302 and back.startswith(CALLBACK + "?")
    returned = parse_qs(urlsplit(back).query)
    assert returned["state"] == [state]
    return returned["code"][0], verifier


def send(browser: httpx2.Client, page: httpx2.Response, action: str, **filled: str) -> httpx2.Response:
    """Sends a form of the page as a browser does, with what it held and what was filled in."""
    reader = FormReader(action)
    reader.feed(page.text)
    assert reader.fields, f"no form for {action} in {re.sub('<[^>]+>', ' ', page.text)}"
    return browser.post(
        page.url.join(action),
        data=reader.fields | filled,
        headers={"Origin": f"{page.url.scheme}://{page.url.netloc.decode()}"},
    )


def redeem(client: Mastodon, code: str, verifier: str) -> None:
    """Has the client turn its code into a token. Raises what `log_in` raises."""
    assert isinstance(client.session, Prover)
    client.session.verifier = verifier
    client.log_in(code=code, redirect_uri=CALLBACK, scopes=SCOPES, allow_http=True)


def log_in(address: str, name: str, password: str) -> Mastodon:
    """A client of a member, who has let a new application in."""
    client = register(address)
    redeem(client, *ask_for_code(client, name, password))
    return client
