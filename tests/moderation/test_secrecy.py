"""Who learns what: everything is played once with marked words, and each reader goes everywhere they can.

Nobody finds a word that is not for them: in no page, answer, mail, push, stream, file, log line or table.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from roseau.api import ROUTES as API
from roseau.domain.moderation import log
from roseau.domain.moderation.appeals.own import export_record
from roseau.domain.moderation.notices.snapshots import open_snapshot
from roseau.domain.moderation.record import reports
from roseau.domain.moderation.record.rebuild.tables import build
from roseau.domain.notifications.reading import find_notification
from roseau.doors.pushing import to_message
from roseau.storage.schema.columns import metadata
from roseau.web.routes import ROUTES
from tests.api.opened import EventSource
from tests.moderation import telling
from tests.moderation.acting import rows, value
from tests.moderation.telling import Told
from tests.web.conftest import Browser

pytestmark = pytest.mark.anyio

TEAM = (telling.NOTE, telling.DECIDER, telling.REVIEWER)
OUTSIDE = (telling.OUTSIDER, telling.ADDRESS, telling.WRITER)
COMMENTS = telling.COMMENTS
DESK = (telling.LETTER, telling.ORDER)
TAKEN = (telling.REMOVED, telling.KEPT_BACK)
AUTHORS = (telling.FACTS, telling.APPEAL, telling.REASONS)
#: Reader -> what they must not meet anywhere.
SECRETS: dict[str, tuple[str, ...]] = {
    "author": (*TEAM, *OUTSIDE, *COMMENTS, *DESK, telling.MEMBER, telling.OTHER, telling.APPEAL_OF_NOTIFIER),
    "notifier": (*TEAM, *OUTSIDE, *COMMENTS[1:], *DESK, *TAKEN, *AUTHORS, telling.OTHER),
    "other": (*TEAM, *OUTSIDE, *COMMENTS[:4], *DESK, *TAKEN, *AUTHORS, telling.MEMBER,
              telling.APPEAL_OF_NOTIFIER),
    "stranger": (*TEAM, *OUTSIDE, *COMMENTS, *DESK, *TAKEN, *AUTHORS, telling.MEMBER, telling.OTHER,
                 telling.APPEAL_OF_NOTIFIER),
}  # fmt: skip
SECRETS["anonymous"] = SECRETS["stranger"]
EVERYTHING = SECRETS["stranger"]
#: Who is of the team is no secret; who of them decided what is one.
SHOWN = {"/about": (telling.DECIDER, telling.REVIEWER)}
_PATHS = re.compile(r"{[^}]*}")


@pytest.fixture
async def told(server: Any, cast: Any, worker: Any, at: Callable[[float], None], caplog: Any) -> Told:
    """What happened, and every line that was logged meanwhile."""
    caplog.set_level(logging.DEBUG)
    story = Told(server, cast, at, worker.settle)
    await story.play()
    return story


def addresses(told: Told, own: Iterable[str]) -> list[str]:
    """Every address that can be read, with whatever of the story could stand in it."""
    known = [
        *(str(post) for post in told.posts.values()), str(told.letter_post), str(told.author.id), "bob",
        str(told.decided.number), str(told.undone.number), str(told.decided.decision_id),
        str(told.appeals[0]), *own,
    ]  # fmt: skip
    for table in ("notices", "measures", "statements", "deliveries", "snapshots", "quarantine"):
        known.append(str(value(told.server, f"SELECT min(id) FROM {table}")))
    found: list[str] = []
    paths = [route.path for route in API if route.method == "GET" and "streaming" not in route.path]
    paths += [route.path for route in ROUTES if "GET" in (route.methods or ()) and "live" not in route.path]
    for path in dict.fromkeys(paths):
        if "{" not in path:
            found.append(path)
        else:
            found += [_PATHS.sub(one, path) for one in known]
    # What a list says of somebody to whoever asks for it by a word.
    found += [f"/search?q={word}" for word in ("TEXT", "COMMENT", "bob")]
    found += [f"/api/v2/search?q={word}" for word in ("TEXT", "COMMENT", "bob")]
    found += [f"/@bob/{post}" for post in told.posts.values()]
    return found


def find(words: Iterable[str], text: str) -> list[str]:
    """The secrets that are in it."""
    low = text.casefold()
    return [word for word in words if word.casefold() in low]


@pytest.mark.parametrize("reader", SECRETS)
async def test_nothing_is_read_that_is_not_for_the_reader(
    client: Any, server: Any, told: Told, reader: str
) -> None:
    member = getattr(told, reader, None)
    own = {"notifier": [told.number], "anonymous": []}.get(reader, [])
    browser = Browser(client, server)
    if member:
        browser.sign_in(member)
    wrong, read = [], 0
    for address in addresses(told, own):
        headers = member.auth if member and address.startswith("/api") else {}
        answer = await client.get(address, headers=headers)
        assert answer.status_code < 500, address
        read += answer.status_code == 200
        # What was looked for stands in the field again.
        said = re.sub(r'(value|href)="[^"]*"', "", answer.text) if "?q=" in address else answer.text
        if "?q=" in address:
            said = re.sub(r"(TEXT|COMMENT)(?!-)", "", said)
        if leaked := find(set(SECRETS[reader]) - set(SHOWN.get(address, ())), said):
            wrong.append(f"{address}: {leaked}")
    assert wrong == []
    assert read > 60
    if member:
        exported = server.database.read_now(export_record, server.site, member.id).decode()
        assert find(SECRETS[reader], exported) == []
        assert find(SECRETS[reader], await notifications_of(told, member)) == []


async def notifications_of(told: Told, member: Any) -> str:
    """Every push that a member could get."""

    def read(tx: Any) -> str:
        found = [find_notification(tx, member.id, one) for one in ids]
        return "".join(
            to_message(told.server.site, None, view, locale).decode()  # type: ignore[arg-type]
            for view in found if view for locale in ("en", "fr")
        )  # fmt: skip

    ids = [
        row[0]
        for row in rows(told.server, "SELECT id FROM notifications WHERE account_id = :who", who=member.id)
    ]
    return told.server.database.read_now(read)


async def test_each_is_told_what_is_theirs(client: Any, server: Any, told: Told) -> None:
    """The markers do reach those for whom they are: the walk would find them."""
    author = server.database.read_now(export_record, server.site, told.author.id).decode()
    assert find(AUTHORS, author) == list(AUTHORS)
    notifier = server.database.read_now(export_record, server.site, told.notifier.id).decode()
    assert telling.COMMENTS[0] in notifier and telling.APPEAL_OF_NOTIFIER in notifier
    team = (telling.NOTE, telling.MEMBER, telling.OTHER, *COMMENTS)
    case = await Browser(client, server).sign_in(told.reviewer).get("/moderation/cases/1")
    assert find(team, case.text) == list(team)
    letter = await Browser(client, server).sign_in(told.decider).get("/moderation/letters")
    assert telling.LETTER in letter.text


async def test_mails_say_nothing_to_the_wrong_reader(server: Any, told: Told) -> None:
    readers = {
        "bob@roseau.test": SECRETS["author"], f"{telling.MEMBER}@roseau.test": SECRETS["notifier"],
        f"{telling.OTHER}@roseau.test": SECRETS["other"],
        telling.ADDRESS: tuple({*SECRETS["stranger"]} - {telling.ADDRESS, telling.OUTSIDER, COMMENTS[1]}),
        telling.WRITER: tuple({*SECRETS["stranger"]} - {telling.WRITER, COMMENTS[2]}),
    }  # fmt: skip
    seen = set()
    for path in (server.folder / "mail").glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=default)
        body = mail.get_body(("plain",))
        text = "".join(f"{name}: {value_}\n" for name, value_ in mail.items() if name.lower() != "to")
        text += "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
        assert body is not None
        to = str(mail["to"])
        reader = next((address for address in readers if address in to.casefold()), None)
        if reader is not None:
            seen.add(reader)
            assert find(readers[reader], text) == [], (reader, mail["subject"])
    # Members whose notice was decided read it here; those who were told of an end had it by mail, too.
    assert seen == set(readers) - {f"{telling.OTHER}@roseau.test"}


async def test_what_everybody_may_have_names_nobody(
    client: Any, server: Any, told: Told, caplog: Any
) -> None:
    lines = [
        log_line(entry) for entry in server.database.read_now(log.list_entries, 0, 10_000)
    ]  # fmt: skip
    assert len(lines) > 20
    assert find((*EVERYTHING, telling.APPEAL, "bob", "wren", telling.BACK), "".join(lines)) == []
    seq, tip = server.database.read_now(log.find_tail)
    year = (
        int(value(server, "SELECT at FROM moderation_log WHERE seq = :seq", seq=seq) / 31_556_952_000) + 1970
    )
    about = server.database.read_now(
        reports.describe_report, server.site, year, None, seq, tip.hex() if isinstance(tip, bytes) else tip
    )
    files = build([line.encode() for line in lines], about)
    assert find(EVERYTHING, "".join(content.decode() for content in files.values())) == []
    # Whoever has the number of a notice can follow it, so that a log with it would be a key.
    await client.get(f"/notices/{told.number}")
    logged = "\n".join(
        f"{record.getMessage()} {record.__dict__.get('exc_text') or ''}"
        for record in [*caplog.get_records("setup"), *caplog.records]
        if record.name.startswith("roseau")
    )
    assert "GET /notices/..." in logged
    assert find((*EVERYTHING, told.number, told.outside_number), logged) == []


def log_line(entry: Any) -> str:
    """An entry of the log as it is exported."""
    return json.dumps({
        "seq": entry.seq, "at": entry.at, "kind": entry.kind, "body": entry.body, "hash": entry.hash.hex(),
    }) + "\n"  # fmt: skip


def tables_with(server: Any, words: Iterable[str]) -> dict[str, list[str]]:
    """Table.column -> the words that a row of it holds in clear, in whatever form a column is kept."""
    found: dict[str, list[str]] = {}
    for table in metadata.sorted_tables:
        for column in table.columns:
            held = rows(server, f'SELECT "{column.name}" FROM "{table.name}"')
            text = "\n".join(
                (bytes(row[0]).decode("latin-1") if isinstance(row[0], bytes | memoryview) else str(row[0]))
                for row in held if row[0] is not None
            )  # fmt: skip
            if hits := find(words, text):
                found[f"{table.name}.{column.name}"] = hits
    return found


async def test_what_was_taken_away_stands_in_clear_nowhere(server: Any, told: Told) -> None:
    """Text that is quarantined is in no row of any table; what was put back is where it was."""
    assert tables_with(server, TAKEN) == {}
    back = tables_with(server, (telling.BACK,))
    assert "statuses.content" in back
    if server.database.dialect == "sqlite":
        extra = rows(server, "SELECT name FROM sqlite_master WHERE type = 'table'")
        known = {table.name for table in metadata.sorted_tables}
        for (name,) in extra:
            if name not in known:
                held = rows(server, f'SELECT * FROM "{name}"')
                assert find(TAKEN, str(held)) == [], name


async def test_contacts_and_mails_are_sealed(server: Any, told: Told) -> None:
    """Name and address of an outsider stand in no table in clear, once their letters are gone."""
    left = tables_with(server, OUTSIDE)
    assert left == {}


async def test_each_look_at_evidence_is_written_down(client: Any, server: Any, told: Told) -> None:
    before = value(server, "SELECT count(*) FROM evidence_looks")
    case = await Browser(client, server).sign_in(told.reviewer).get("/moderation/cases/1")
    assert telling.REMOVED not in case.text
    snapshot_id = value(
        server, "SELECT snapshot_id FROM notice_items WHERE case_id = :id LIMIT 1", id=told.case_id
    )
    opened = server.database.write_now(
        open_snapshot, server.site, told.reviewer.id, snapshot_id, told.case_id
    )
    assert telling.REMOVED in opened.content.status.text
    assert value(server, "SELECT count(*) FROM evidence_looks") == before + 1
    last = rows(server, "SELECT account_id, case_id FROM evidence_looks ORDER BY id DESC LIMIT 1")[0]
    assert tuple(last) == (told.reviewer.id, told.case_id)
    kind, body = rows(server, "SELECT kind, body FROM moderation_log ORDER BY seq DESC LIMIT 1")[0]
    assert kind == "look" and telling.REVIEWER not in body and str(told.reviewer.id) not in body


async def test_streams_tell_nobody_what_is_not_theirs(
    app: Any, server: Any, cast: Any, worker: Any, at: Callable[[float], None]
) -> None:
    async def settle() -> None:
        await worker.settle()
        while await server.hub.step():
            pass

    story = Told(server, cast, at, settle)
    await settle()
    readers = {"author": story.author, "notifier": story.notifier, "stranger": story.stranger}
    said = ""
    async with AsyncExitStack() as opened:
        streams = [
            (
                name,
                await opened.enter_async_context(EventSource(app, f"/api/v1/streaming/{path}", who.auth)),
            )
            for name, who in readers.items()
            for path in ("user", "public")
        ]
        await story.play()
        for name, stream in streams:
            heard = "".join(f"{one.event} {one.data}" for one in await stream.rest(server.hub))
            assert find(SECRETS[name], heard) == [], name
            said += heard
    assert "moderation_warning" in said and f"delete {story.posts[telling.REMOVED]}" in said
