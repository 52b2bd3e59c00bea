"""The job `mail`: where mails go, who they come from, and what happens to those that cannot be delivered."""

from email import message_from_bytes, policy
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from roseau.domain.accounts.mails import Letter, Mail, to_html, to_text
from roseau.doors.mailing import mail_server_of
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.storage.jobs import add_job
from roseau.storage.schema.log import jobs
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio

MAIL = Mail("nora@example.org", "Subject", "Text\n", "<p>Text</p>")


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The usual settings, with changes where a test asks for them."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return Settings(**values | getattr(request, "param", {}))


async def send(server: Any, worker: Any, mail: Mail) -> Any:
    """Queue a mail and let the worker have it; what became of the job."""
    server.database.write_now(add_job, "mail", mail)
    await worker.settle()
    left = statement(select(jobs.c.attempts, jobs.c.failed_at, jobs.c.run_at).where(jobs.c.kind == "mail"))
    return server.database.read_now(lambda tx: tx.one(left))


def written(server: Any) -> Any:
    """The one mail in the folder."""
    (path,) = (server.folder / "mail").glob("*.eml")
    return message_from_bytes(path.read_bytes(), policy=policy.default)


@pytest.mark.parametrize(
    ("settings", "sender"),
    [
        ({}, "roseau@roseau.test"),
        ({"base_url": "http://localhost:3000"}, "roseau@localhost"),
        ({"base_url": "http://[::1]:3000"}, "roseau@localhost"),
        ({"mail_from": "Reeds <hello@example.org>"}, "Reeds <hello@example.org>"),
    ],
    indirect=["settings"],
)
async def test_without_a_server_mails_are_files(server: Any, worker: Any, sender: str) -> None:
    assert await send(server, worker, MAIL) is None
    mail = written(server)
    assert (mail["from"], mail["to"], mail["subject"]) == (sender, "nora@example.org", "Subject")
    assert mail["auto-submitted"] == "auto-generated"


async def test_what_can_never_be_delivered_is_given_up(server: Any, worker: Any) -> None:
    job = await send(server, worker, Mail("not an address", "S", "T", "H"))
    assert job.attempts == 1 and job.failed_at is not None


@pytest.mark.parametrize("settings", [{"smtp_host": "127.0.0.1", "smtp_port": 1}], indirect=True, ids=[""])
async def test_when_the_server_does_not_answer_it_is_tried_again(server: Any, worker: Any) -> None:
    job = await send(server, worker, MAIL)
    assert job.attempts == 1 and job.failed_at is None and job.run_at > clock.now()


def test_the_settings_name_the_server() -> None:
    assert mail_server_of(Settings()) is None
    settings = Settings(
        smtp_host="mail.example.org", smtp_port=465, smtp_security="tls", smtp_user="u", smtp_password="p"
    )
    found = mail_server_of(settings)
    assert found is not None
    assert (found.host, found.port, found.security, found.user, found.password) == (
        "mail.example.org",
        465,
        "tls",
        "u",
        "p",
    )


def test_a_letter_is_the_same_in_text_and_in_html() -> None:
    letter = Letter("S", ("One & two.",), ("Do <it>", "https://roseau.test/x?a=1&b=2"), ("Three.",))
    text = to_text(letter, "Hello Nora,", "Reeds\nhttps://roseau.test")
    assert text == (
        "Hello Nora,\n\nOne & two.\n\nDo <it>:\nhttps://roseau.test/x?a=1&b=2\n\nThree.\n\n"
        "-- \nReeds\nhttps://roseau.test\n"
    )
    html = to_html(letter, "Hello Nora,", "Reeds", "https://roseau.test", "en")
    assert '<a href="https://roseau.test/x?a=1&amp;b=2">Do &lt;it&gt;</a>' in html
    assert "One &amp; two." in html and '<html lang="en">' in html


def test_a_queued_mail_is_read_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(MAIL), type=Mail) == MAIL
