"""A browser without JavaScript for the tests of pages: it keeps cookies, and sends the forms it was shown."""

import html
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import httpx2
import pytest

from roseau.domain.accounts.sessions import open_session
from roseau.doors.server import Server
from roseau.kernel import keys

PASSWORD = "correct horse battery staple"
PASSWORD_HASH = keys.hash_password(PASSWORD)


class Browser:
    """One person's browser."""

    def __init__(self, client: httpx2.AsyncClient, server: Server) -> None:
        self.client = client
        self.server = server
        self.csrf = ""

    def sign_in(self, member: Any) -> "Browser":
        """Give it the cookie of a session of the member's."""
        token = self.server.database.write_now(open_session, member.id, "Test browser")
        self.client.cookies.set("__Host-session", token)
        return self

    async def get(self, path: str, **kw: Any) -> Any:
        """Open a page."""
        answer = await self.client.get(path, **kw)
        if found := re.search(r'name="csrf" value="([^"]+)"', answer.text):
            self.csrf = html.unescape(found[1])
        return answer

    async def submit(self, path: str, *, on: str = "", **fields: Any) -> Any:
        """Send a form to `path`, with the token of the page `on`, or of the page that was opened last."""
        if on:
            await self.get(on)
        headers = {"Origin": str(self.client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        files = {name: fields.pop(name) for name in list(fields) if isinstance(fields[name], tuple)}
        return await self.client.post(
            path, data={"csrf": self.csrf, **fields}, files=files or None, headers=headers
        )


@pytest.fixture
def browser(client: httpx2.AsyncClient, server: Server) -> Browser:
    """A browser that nobody is signed in with yet."""
    return Browser(client, server)


def text_of(answer: Any) -> str:
    """The words of a page, as somebody reads them."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def read_mails(server: Server) -> list[EmailMessage]:
    """The mails that were sent, in their order: without a mail server they are files."""
    paths = sorted((server.folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=default) for path in paths]


def link_in(mail: EmailMessage) -> str:
    """The path that a mail's link leads to."""
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(r"https://roseau\.test(/\S+/\S+)", text)
    assert found, text
    return found[1]
