"""What a member reads of their own: the record, their sealed posts, the download; and nobody else does."""

from typing import Any

import msgspec
import pytest

from roseau.domain.moderation.appeals.own import export_record, find_entry, list_record, open_own_copy
from roseau.kernel.errors import Forbidden, NotFound
from tests.moderation.acting import BAD
from tests.moderation.appealing import appeal

pytestmark = pytest.mark.anyio


async def test_a_member_reads_their_record_and_their_own_post(
    server: Any, cast: Any, worker: Any, at: Any, story: Any
) -> None:
    told = story()
    assert server.database.read_now(list_record, cast.ada.id) == []
    at(31)
    await worker.settle()
    [entry] = server.database.read_now(list_record, cast.ada.id)
    assert entry.number == told.decision_number and entry.may_appeal and entry.ended is None
    assert [measure.kind for measure in entry.measures] == ["remove"]
    [copy] = server.database.read_now(open_own_copy, server.site, cast.ada.id, told.decision_id)
    assert copy.text == BAD and copy.status_id == told.status_id
    for other in (cast.bob, cast.zoe):
        with pytest.raises(NotFound):
            server.database.read_now(open_own_copy, server.site, other.id, told.decision_id)
        assert server.database.read_now(list_record, other.id) == []
    appeal(server, told, cast.ada)
    entry = server.database.read_now(find_entry, cast.ada.id, told.decision_number)
    assert entry.appeal is not None and not entry.may_appeal
    with pytest.raises(NotFound):
        server.database.read_now(find_entry, cast.bob.id, told.decision_number)


@pytest.mark.parametrize("reason", ["csam", "terrorism"])
async def test_some_things_are_given_back_to_nobody(server: Any, cast: Any, story: Any, reason: str) -> None:
    told = story(reason, law=True)
    with pytest.raises(Forbidden):
        server.database.read_now(open_own_copy, server.site, cast.ada.id, told.decision_id)


async def test_the_export_has_what_is_ones_own_and_nothing_else(
    server: Any, cast: Any, worker: Any, at: Any, story: Any
) -> None:
    told = story()
    at(31)
    await worker.settle()
    appeal(server, told, cast.ada, "It was a joke of mine.")
    await worker.settle()
    own = server.database.read_now(export_record, server.site, cast.ada.id)
    read = msgspec.json.decode(own)
    assert [entry["number"] for entry in read["decisions"]] == [told.decision_number]
    assert read["appeals"][0]["text"] == "It was a joke of mine." and read["notices"] == []
    assert {letter["kind"] for letter in read["letters"]} == {"statement", "appeal_receipt"}
    assert b"bob" not in own and told.notice_number.encode() not in own
    of_bob = msgspec.json.decode(server.database.read_now(export_record, server.site, cast.bob.id))
    assert of_bob["decisions"] == [] and of_bob["notices"][0]["number"] == told.notice_number
