"""Terms that begin on a day ahead, and members who are told of them (DSA art. 14(2))."""

from typing import Any

import pytest

from roseau.domain.moderation import terms
from roseau.domain.moderation.terms import AHEAD, find_terms, list_terms, set_terms
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound
from tests.moderation.acting import rows
from tests.moderation.reasons import change
from tests.moderation.test_deliveries import mails
from tests.moderation.test_deliveries import text_of as mail_text

pytestmark = pytest.mark.anyio

MONTH = 30 * clock.DAY
TOLD = "SELECT account_id FROM notifications WHERE type = 'terms_changed' ORDER BY account_id"


def write(server: Any, cast: Any, text: str, ahead: int = 0, **fields: Any) -> bool:
    since = clock.now() + ahead if ahead else None
    return bool(server.database.write_now(set_terms, cast.olga.id, {"en": text}, since=since, **fields))


def in_force(server: Any) -> str:
    return str(server.database.read_now(find_terms).texts["en"])


def test_terms_hold_from_their_day_on(server: Any, cast: Any, at: Any) -> None:
    write(server, cast, "Old")
    assert write(server, cast, "New", MONTH)
    new, old = server.database.read_now(list_terms)
    assert in_force(server) == "Old" and old.until == new.since
    at(MONTH / 1000 + 60)
    assert in_force(server) == "New"


def test_first_terms_that_lie_ahead_are_not_in_force(server: Any, cast: Any, at: Any) -> None:
    write(server, cast, "First", MONTH)
    with pytest.raises(NotFound):
        server.database.read_now(find_terms)
    at(MONTH / 1000 + 60)
    assert in_force(server) == "First"


def test_a_version_that_is_overtaken_before_its_day_never_holds(server: Any, cast: Any, at: Any) -> None:
    write(server, cast, "Old")
    write(server, cast, "Too hasty", MONTH)
    write(server, cast, "Better", 7 * clock.DAY)
    assert [one.texts["en"] for one in server.database.read_now(list_terms)] == ["Better", "Old"]
    at(MONTH / 1000 + 60)
    assert in_force(server) == "Better"


def test_the_same_terms_are_no_new_version_but_another_day_is(server: Any, cast: Any) -> None:
    since = clock.now() + MONTH
    put = {"en": "New"}
    assert server.database.write_now(set_terms, cast.olga.id, put, since=since)
    assert not server.database.write_now(set_terms, cast.olga.id, put, since=since)
    assert server.database.write_now(set_terms, cast.olga.id, put, since=since + clock.DAY)
    with pytest.raises(Invalid, match="within a year"):
        write(server, cast, "Later", AHEAD + clock.DAY)


async def test_members_are_told_once_in_portions(
    server: Any, cast: Any, worker: Any, monkeypatch: Any, client: Any
) -> None:
    everybody = {cast.olga.id, cast.ada.id, cast.bob.id, cast.zoe.id}
    change(server, "UPDATE users SET locale = 'fr' WHERE account_id = :id", id=cast.zoe.id)
    monkeypatch.setattr(terms, "PORTION", 1)
    write(server, cast, "Old")
    await worker.settle()
    assert rows(server, TOLD) == []
    since, new = clock.now() + MONTH, {"en": "New"}
    assert server.database.write_now(set_terms, cast.olga.id, new, since=since, tell=True)
    await worker.settle()
    assert {row[0] for row in rows(server, TOLD)} == everybody
    assert len(mails(server)) == len(everybody)
    day = clock.to_date(since)
    assert all(f"/terms/{day}" in mail_text(mail) for mail in mails(server))
    # The same version once more: nobody hears of it twice.
    assert not server.database.write_now(set_terms, cast.olga.id, new, since=since, tell=True)
    assert server.database.write_now(terms.tell_of_terms, server.site, 2, 0) is not None
    await worker.settle()
    assert len(rows(server, TOLD)) == len(everybody) == len(mails(server))
    path = "/api/v1/notifications"
    assert (await client.get(path, headers=cast.ada.auth)).json() == []
    own = (await client.get(f"{path}?types[]=terms_changed", headers=cast.ada.auth)).json()
    assert own[0]["terms_of_service"]["effective_date"] == day
