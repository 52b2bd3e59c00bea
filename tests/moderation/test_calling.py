"""What cannot wait calls people until somebody looks: those on call, then more, then the site's alarm."""

from typing import Any

import pytest

from roseau.domain.moderation.cases.working import see_case
from roseau.domain.moderation.erasing import erase_case
from roseau.domain.moderation.evidence_places import note_destroyed, note_held
from roseau.domain.moderation.team import duty
from roseau.kernel import clock
from roseau.survival.standing import Standing
from roseau.survival.watching.watch import Watch
from tests.moderation.acting import WHY, make_moderator, make_post, report, value
from tests.moderation.reasons import change
from tests.moderation.test_deliveries import mails

pytestmark = pytest.mark.anyio

WHOLE_WEEK = [duty.Duty(0, duty.WEEK_MINUTES, on_call=True)]


def called(server: Any) -> list[str]:
    """Who was called so far, in order."""
    found = [mail for mail in mails(server) if "cannot wait" in mail["subject"]]
    return [mail["to"].partition("@")[0] for mail in found]


async def alarm(server: Any, folder: Any) -> list[Any]:
    """The mails of a watch that looks around now."""
    sent: list[Any] = []

    async def send(mail: Any) -> None:
        sent.append(mail)

    watch = Watch(server.database, lambda: server.site, folder, Standing, send)
    await watch.tick()
    await watch.deliver()
    return sent


async def test_an_urgent_case_calls_until_somebody_looks(
    server: Any, cast: Any, worker: Any, at: Any, tmp_path: Any
) -> None:
    mona, nick, rosa = (make_moderator(cast, name) for name in ("mona", "nick", "rosa"))
    server.database.write_now(duty.set_duties, mona.id, mona.id, WHOLE_WEEK)
    server.database.write_now(duty.rest, server.site, rosa.id, rosa.id, clock.now() - 1)
    case_id = report(server, cast.bob, make_post(server, cast.ada), reason="threat_to_life").case_ids[0]
    await worker.settle()
    assert called(server) == ["mona"]
    at(4 * 60)
    await worker.settle()
    assert called(server) == ["mona"]
    at(6 * 60)
    await worker.settle()
    assert sorted(called(server)[1:]) == ["mona", "nick"]
    assert await alarm(server, tmp_path) == []
    at(16 * 60)
    await worker.settle()
    assert {"mona", "nick", "rosa"} <= set(called(server)[3:])
    assert "Its time is over" in str(mails(server)[-1].get_body(("plain",)).get_content())
    assert cast.olga
    [mail] = await alarm(server, tmp_path)
    assert (
        mail.recipient == "olga@roseau.test" and "before anybody of the team has seen them: 1." in mail.text
    )
    # It calls no more than that.
    count = len(called(server))
    at(5 * 3600)
    await worker.settle()
    assert len(called(server)) == count
    server.database.write_now(see_case, server.site, nick.id, case_id)
    assert not [mail for mail in await alarm(server, tmp_path) if "before anybody" in mail.text]


async def test_whoever_looked_in_time_ends_the_calling(
    server: Any, cast: Any, worker: Any, at: Any, tmp_path: Any
) -> None:
    mona = make_moderator(cast)
    case_id = report(server, cast.bob, make_post(server, cast.ada), reason="threat_to_life").case_ids[0]
    await worker.settle()
    server.database.write_now(see_case, server.site, mona.id, case_id)
    before = called(server)
    at(3600)
    await worker.settle()
    assert called(server) == before and await alarm(server, tmp_path) == []


async def test_a_machine_that_keeps_a_key_for_more_than_a_day_raises_an_alarm(
    server: Any, cast: Any, at: Any, tmp_path: Any
) -> None:
    assert cast.olga
    make_moderator(cast)
    case_id = report(server, None, make_post(server, cast.ada), reason="threat_to_life").case_ids[0]
    server.database.write_now(lambda tx: see_case(tx, server.site, cast.olga.id, case_id))
    key_id = value(server, "SELECT id FROM evidence_keys WHERE case_id = :case", case=case_id)
    server.database.write_now(note_held, "reed-1", [key_id])
    change(
        server,
        "INSERT INTO machines (id, name, address, certificate, sealing_key, role, counted, paired_at)"
        " VALUES ('reed-1', 'attic', '', '', '', 'reed', FALSE, 0)",
    )
    server.database.write_now(erase_case, server.site, None, key_id, force=WHY)
    at(23 * 3600)
    assert await alarm(server, tmp_path) == []
    at(25 * 3600)
    [mail] = await alarm(server, tmp_path)
    assert "are not yet: 1." in mail.text
    for machine in ("reed-1", server.site.evidence_keys.machine_id):
        server.database.write_now(note_destroyed, server.site, machine, [key_id])
    at(26 * 3600)
    assert not [mail for mail in await alarm(server, tmp_path) if "are not yet" in mail.text]
