"""Media of preserved cases: sealed, the original dropped once that is final, brought back, and erased."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from roseau.domain.media.cleanup import sweep
from roseau.domain.media.naming import PARTS, list_in_history, list_named
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.erasing import erase_case
from roseau.domain.moderation.evidence import find_key
from roseau.domain.moderation.vocabulary import UNDO
from roseau.domain.policy import NewRule, RuleText, set_rules
from roseau.doors.server import Server
from roseau.storage.database import Transaction
from roseau.worker import Worker
from tests.conftest import Cast
from tests.media.pictures import draw, encode
from tests.moderation.acting import WHY, make_moderator, report, rows, value

pytestmark = pytest.mark.anyio

AFTER_UNDO = UNDO / 1000 + 60


class Reported:
    """A post of Ada's with a picture, reported as abuse of a child."""

    def __init__(self, server: Server, status_id: int, case_id: int, path: str) -> None:
        self.server, self.status_id, self.case_id, self.path = server, status_id, case_id, path
        self.blobs = {path.rpartition("/")[2], *self._blobs()}

    def _blobs(self) -> list[str]:
        question = "SELECT file, small_file FROM media_attachments WHERE status_id = :id"
        return [name for row in rows(self.server, question, id=self.status_id) for name in row if name]

    def remove(self, by: int, **draft: Any) -> int:
        """Remove the post; the decision."""
        measure = MeasureDraft(kind="remove", status_id=self.status_id)
        wanted = DecisionDraft(
            **{"ground": "law", "law": "Penal code, 227-23", "facts": "It is.", "measures": (measure,)}
            | draft
        )
        return self.server.database.write_now(decide, self.server.site, by, self.case_id, wanted).decision_id

    def are_here(self) -> bool:
        """Whether the originals lie in the store: all of them, or none."""
        found = {self.server.blobs.has(blob) for blob in self.blobs}
        assert len(found) == 1
        return found.pop()

    @property
    def key_id(self) -> str:
        """The case's key."""
        found = self.server.database.read_now(find_key, self.server.site, self.case_id)
        assert found is not None
        return found.id

    def sealed(self) -> list[str]:
        """The sealed blobs."""
        return [row[0] for row in rows(self.server, "SELECT sealed_blob FROM preserved_media ORDER BY blob")]


@pytest.fixture
async def reported(client: httpx2.AsyncClient, server: Server, cast: Cast, worker: Worker) -> Reported:
    """A reported post with a picture."""
    upload = {"file": ("a.png", encode(draw(60, 60), "png"))}
    answer = await client.post("/api/v2/media", headers=cast.ada.auth, files=upload)
    assert answer.status_code == 200, answer.text
    media = answer.json()
    form = {"status": "Look", "media_ids[]": media["id"]}
    answer = await client.post("/api/v1/statuses", headers=cast.ada.auth, data=form)
    assert answer.status_code == 200, answer.text
    status_id = int(answer.json()["id"])
    filed = report(server, cast.bob, status_id, reason="csam")
    await worker.settle()
    return Reported(server, status_id, filed.case_ids[0], urlsplit(media["url"]).path)


def named(tx: Transaction) -> set[str]:
    """The blobs that the site wants to have."""
    return {name for prefix in PARTS for name in list_named(tx, prefix)} | list_in_history(tx)


async def test_the_media_of_a_preserved_case_are_sealed(server: Server, reported: Reported) -> None:
    sealed = reported.sealed()
    assert len(sealed) == len(reported.blobs) and reported.are_here()
    originals = [server.blobs.path_of(blob).read_bytes() for blob in reported.blobs]
    for name in sealed:
        content = server.blobs.path_of(name).read_bytes()
        assert not any(original[:64] in content for original in originals)
    assert set(sealed) <= server.database.read_now(named)


async def test_originals_go_when_the_removal_is_final_and_come_back_when_it_is_reversed(
    client: httpx2.AsyncClient,
    server: Server,
    cast: Cast,
    worker: Worker,
    reported: Reported,
    at: Callable[[float], None],
) -> None:
    mona = make_moderator(cast)
    before = (await client.get(reported.path)).content
    decision_id = reported.remove(mona.id)
    await worker.settle()
    assert reported.are_here(), "it can still be undone"
    at(AFTER_UNDO)
    await worker.settle()
    assert not reported.are_here()
    assert not reported.blobs & server.database.read_now(named), "nobody misses them"
    assert (await client.get(reported.path)).status_code == 404
    server.database.write_now(reverse, server.site, decision_id, by_id=cast.olga.id, facts="It was not.")
    await worker.settle()
    assert reported.are_here()
    assert (await client.get(reported.path)).content == before
    assert reported.blobs <= server.database.read_now(named)


async def test_an_undone_removal_drops_nothing(
    server: Server, cast: Cast, worker: Worker, reported: Reported, at: Callable[[float], None]
) -> None:
    mona = make_moderator(cast)
    server.database.write_now(undo, server.site, mona.id, reported.remove(mona.id))
    at(AFTER_UNDO)
    await worker.settle()
    assert reported.are_here()


async def test_a_removal_by_a_rule_drops_nothing(
    server: Server, cast: Cast, worker: Worker, reported: Reported, at: Callable[[float], None]
) -> None:
    server.database.write_now(set_rules, [NewRule({"en": RuleText("Be kind.")})])
    rule = value(server, "SELECT max(id) FROM rules")
    reported.remove(make_moderator(cast).id, ground="rule", rule_id=rule, law="")
    at(AFTER_UNDO)
    await worker.settle()
    assert reported.are_here()


async def test_a_second_case_takes_its_own_copy_from_the_first(
    server: Server, cast: Cast, worker: Worker, reported: Reported, at: Callable[[float], None]
) -> None:
    first = reported.key_id
    decision_id = reported.remove(make_moderator(cast).id)
    await worker.settle()
    at(AFTER_UNDO)
    await worker.settle()
    assert not reported.are_here()
    report(server, None, reported.status_id, channel="authority_order", source="an authority")
    await worker.settle()
    assert len(reported.sealed()) == 2 * len(reported.blobs)
    # Sealing it a second time left no original behind; and of the first case nothing is needed any more.
    await worker.settle()
    assert not reported.are_here()
    server.database.write_now(erase_case, server.site, None, first, force=WHY)
    server.database.write_now(reverse, server.site, decision_id, by_id=cast.olga.id, facts="It was not.")
    await worker.settle()
    assert reported.are_here()


async def test_after_an_erasure_the_sealed_ones_are_swept(
    server: Server, cast: Cast, worker: Worker, reported: Reported, at: Callable[[float], None]
) -> None:
    sealed = set(reported.sealed())
    server.database.write_now(erase_case, server.site, None, reported.key_id, force=WHY)
    await worker.settle()
    assert not sealed & server.database.read_now(named)
    at(3 * 86_400)
    await sweep(server)
    assert not any(server.blobs.has(name) for name in sealed)
    assert reported.are_here(), "the post itself was not removed"
