"""Letters on their way: by page, notification and mail, once, on time, and without anybody's name in them."""

from email import message_from_bytes, policy
from typing import Any

import msgspec
import pytest

from roseau.domain.accounts.preferences import set_preferences
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.statements.deliveries import (
    Letter,
    deliver,
    list_late_deliveries,
    note_mailed,
    queue_delivery,
)
from roseau.kernel import clock
from roseau.survival.standing import Standing
from roseau.survival.watching.watch import Watch
from tests.moderation.acting import (
    against,
    decide_on,
    make_moderator,
    make_post,
    remove,
    report,
    rows,
    value,
)
from tests.moderation.reasons import change

pytestmark = pytest.mark.anyio

STATEMENT = (
    "SELECT shown_at, notified_at, mailed_at, delivered_at, trouble FROM deliveries WHERE kind = 'statement'"
)


def mails(server: Any, recipient: str = "") -> list[Any]:
    """The mails that were handed over, oldest first; to one address only, if it is given."""
    paths = sorted((server.folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    read = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
    return [mail for mail in read if not recipient or mail["to"] == recipient]


def text_of(mail: Any, kind: str = "plain") -> str:
    return str(mail.get_body((kind,)).get_content())


async def test_a_statement_comes_by_page_notification_and_mail(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id).case_ids[0]
    decided = decide_on(server, make_moderator(cast), case_id, remove(status_id))
    await worker.settle()
    # The decision can still be undone: nobody has heard of it.
    assert rows(server, STATEMENT) == [(None, None, None, None, "")]
    assert mails(server, "ada@roseau.test") == []
    at(31)
    await worker.settle()
    [(shown, notified, mailed, delivered, trouble)] = rows(server, STATEMENT)
    assert shown and notified and mailed and delivered and not trouble
    [mail] = mails(server, "ada@roseau.test")
    said = value(server, "SELECT text FROM statements")
    for body in (text_of(mail), text_of(mail, "html")):
        assert f"/record/{decided.number}" in body and "We removed your post of" in body
        assert "bob" not in body.lower()
    assert said in text_of(mail).replace("\r\n", "\n")
    assert f'<a href="https://roseau.test/record/{decided.number}">' in text_of(mail, "html")
    assert mail["list-unsubscribe"] is None
    assert rows(server, "SELECT type, account_id FROM notifications WHERE type = 'moderation_warning'") == [
        ("moderation_warning", cast.ada.id)
    ]
    body = value(server, "SELECT body FROM moderation_log WHERE kind = 'delivery' ORDER BY seq DESC LIMIT 1")
    assert '"ways":["page","notification","mail"]' in body or '"kind":"outcome"' in body


async def test_nothing_goes_out_twice(server: Any, cast: Any, worker: Any, at: Any) -> None:
    letter = Letter(kind="outcome", subject="S", text="T", account_id=cast.ada.id)
    made = server.database.write_now(queue_delivery, server.site, letter)
    for _ in range(3):
        server.database.write_now(deliver, server.site, made)
    await worker.settle()
    assert value(server, "SELECT count(*) FROM notifications") == 1
    assert value(server, "SELECT count(*) FROM moderation_log WHERE kind = 'delivery'") == 1


async def test_an_undone_decision_is_told_to_nobody(server: Any, cast: Any, worker: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id).case_ids[0]
    decided = decide_on(server, mona, case_id, remove(status_id))
    server.database.write_now(undo, server.site, mona.id, decided.decision_id)
    at(60)
    await worker.settle()
    assert rows(server, "SELECT count(*) FROM deliveries WHERE kind <> 'receipt' AND delivered_at > 0") == [
        (0,)
    ]
    assert mails(server, "ada@roseau.test") == []
    assert server.database.read_now(list_late_deliveries) == []


async def test_whoever_is_suspended_gets_the_mail_whatever_they_prefer(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    server.database.write_now(set_preferences, cast.ada.id, mail_moderation="none")
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id).case_ids[0]
    until = clock.now() + 7 * clock.DAY
    decide_on(server, make_moderator(cast), case_id, against("suspend", cast.ada, until_at=until))
    at(31)
    await worker.settle()
    [(shown, notified, mailed, delivered, _)] = rows(server, STATEMENT)
    assert shown and mailed and delivered and notified is None
    [mail] = mails(server, "ada@roseau.test")
    assert "Your account is suspended until" in text_of(mail) and "/record/" in text_of(mail)


@pytest.mark.parametrize(
    ("wish", "kinds"),
    [("all", {"statement", "outcome"}), ("decisions", {"statement"}), ("none", set())],
)
async def test_members_choose_what_comes_by_mail(
    server: Any, cast: Any, worker: Any, wish: str, kinds: set[str]
) -> None:
    server.database.write_now(set_preferences, cast.ada.id, mail_moderation=wish)
    for kind in ("statement", "outcome"):
        letter = Letter(kind=kind, subject=kind, text="T", account_id=cast.ada.id)
        server.database.write_now(queue_delivery, server.site, letter)
    await worker.settle()
    assert {str(mail["subject"]).rpartition(" ")[2] for mail in mails(server, "ada@roseau.test")} == kinds
    assert value(server, "SELECT count(*) FROM deliveries WHERE delivered_at IS NULL") == 0


async def test_an_address_that_is_not_confirmed_gets_nothing(server: Any, cast: Any, worker: Any) -> None:
    change(server, "UPDATE users SET confirmed_at = NULL WHERE account_id = :a", a=cast.ada.id)
    letter = Letter(kind="statement", subject="S", text="T", account_id=cast.ada.id)
    server.database.write_now(queue_delivery, server.site, letter)
    await worker.settle()
    [(shown, notified, mailed, delivered, _)] = rows(server, STATEMENT)
    assert shown and notified and delivered and mailed is None
    assert mails(server, "ada@roseau.test") == []


async def test_an_outsider_is_reached_by_mail_alone(server: Any, cast: Any, worker: Any) -> None:
    letter = Letter(kind="outcome", subject="S", text="T", address="eve@far.example")
    made = server.database.write_now(queue_delivery, server.site, letter)
    sealed = value(server, "SELECT address FROM deliveries WHERE id = :id", id=made)
    assert b"eve" not in bytes(sealed)
    await worker.settle()
    [mail] = mails(server, "eve@far.example")
    assert text_of(mail).startswith("Hello,")
    # Once it is there, the letter knows the address no more.
    assert rows(server, "SELECT address, shown_at, notified_at FROM deliveries") == [(None, None, None)]


async def test_a_letter_that_is_late_is_found_and_calls_somebody(
    server: Any, cast: Any, at: Any, tmp_path: Any
) -> None:
    letter = Letter(kind="outcome", subject="S", text="T", address="eve@far.example")
    server.database.write_now(queue_delivery, server.site, letter)
    sent: list[Any] = []

    async def send(mail: Any) -> None:
        sent.append(mail)

    def watch() -> Watch:
        return Watch(server.database, lambda: server.site, tmp_path, Standing, send)

    assert cast.olga
    looking = watch()
    await looking.tick()
    await looking.deliver()
    assert sent == []
    at(11 * 60)
    assert len(server.database.read_now(list_late_deliveries)) == 1
    looking = watch()
    await looking.tick()
    await looking.deliver()
    assert [mail.recipient for mail in sent] == ["olga@roseau.test"]
    assert "have not arrived in time: 1." in sent[0].text


async def test_a_mail_that_nobody_takes_leaves_the_other_ways(server: Any, cast: Any) -> None:
    for reader in ({"account_id": cast.ada.id}, {"address": "eve@far.example"}):
        letter = Letter(kind="statement", subject="S", text="T", **reader)
        made = server.database.write_now(queue_delivery, server.site, letter)
        assert server.database.write_now(deliver, server.site, made) is not None
        server.database.write_now(note_mailed, made, "550 no such user")
    assert rows(server, "SELECT delivered_at IS NOT NULL, trouble FROM deliveries ORDER BY id") in (
        [(1, "550 no such user"), (0, "550 no such user")],
        [(True, "550 no such user"), (False, "550 no such user")],
    )


async def test_an_embargo_is_kept(server: Any, cast: Any, worker: Any, at: Any) -> None:
    later = clock.now() + 42 * clock.DAY
    letter = Letter(kind="statement", subject="S", text="T", account_id=cast.ada.id, send_at=later)
    made = server.database.write_now(queue_delivery, server.site, letter)
    assert server.database.write_now(deliver, server.site, made) is None
    at(41 * 24 * 3600)
    await worker.settle()
    assert rows(server, STATEMENT) == [(None, None, None, None, "")]
    assert server.database.read_now(list_late_deliveries) == []
    at(42 * 24 * 3600 + 60)
    await worker.settle()
    assert rows(server, STATEMENT)[0][3] is not None


@pytest.mark.parametrize("mail_server", [{"smtp_host": "127.0.0.1", "smtp_port": 1}], ids=[""])
async def test_while_no_mail_server_answers_a_letter_is_tried_again(
    server: Any, cast: Any, worker: Any, at: Any, mail_server: dict[str, Any]
) -> None:
    working = server.site
    letter = Letter(kind="statement", subject="S", text="T", account_id=cast.ada.id)
    server.database.write_now(queue_delivery, server.site, letter)
    broken = msgspec.structs.replace(working.settings, **mail_server)
    server.site = msgspec.structs.replace(working, settings=broken)
    # Longer than any other job is tried.
    for minutes in range(0, 40 * 6, 6):
        at(minutes * 60)
        await worker.settle()
    [(shown, notified, mailed, delivered, trouble)] = rows(server, STATEMENT)
    assert shown and notified and trouble and not mailed and not delivered
    assert len(server.database.read_now(list_late_deliveries)) == 1
    server.site = working
    at(40 * 6 * 60)
    await worker.settle()
    assert rows(server, STATEMENT)[0][3] and not rows(server, STATEMENT)[0][4]
    assert len(mails(server, "ada@roseau.test")) == 1
