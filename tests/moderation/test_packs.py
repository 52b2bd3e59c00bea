"""The reply pack says of each item what became of it and when, in the letter's language, and harms nobody."""

import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from roseau.domain.moderation.desk.disposing import Compliance, comply, contest, note_plain
from roseau.domain.moderation.desk.documents import Document, to_pdf
from roseau.domain.moderation.desk.packs import Facts, answer_letter, contest_draft, gather_facts, make_pack
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Invalid
from tests.conftest import Cast
from tests.moderation.acting import value
from tests.moderation.test_desk import LAW, Case

pytestmark = pytest.mark.anyio


@pytest.fixture
def case(server: Server, cast: Cast) -> Case:
    return Case(server, cast)


def facts_of(case: Case) -> Facts:
    """What the pack would be made from now."""
    site, wanted = case.server.site, case.received.letter_id or 0
    return case.server.database.read_now(lambda tx: gather_facts(tx, site, case.mona.id, wanted))


def rows_of(table: bytes) -> list[dict[str, str]]:
    """The rows of the CSV file."""
    return list(csv.DictReader(io.StringIO(table.decode())))


async def test_the_pack_says_of_each_item_what_became_of_it(case: Case) -> None:
    text = {"en": RuleText("No calls for violence.")}
    case.server.database.write_now(lambda tx: set_rules(tx, [NewRule(text)]))
    rule_id = case.server.database.read_now(list_rules)[0].id
    case.act(comply, case.mona.id, case.ids(1), Compliance(ground="rule", rule_id=rule_id, facts="A call."))
    case.act(comply, case.mona.id, case.ids(3), LAW)
    case.act(contest, case.mona.id, case.ids(2), "=cmd|' /C calc'!A0 is a quotation.")
    case.act(note_plain, case.mona.id, case.received.notice_id)
    pack = make_pack(facts_of(case))
    first, second, third, fourth, fifth = rows_of(pack.table)
    assert first["state"] == "removed" and first["answer"] == "acted upon" and first["measure"] == "removed"
    assert "No calls for violence." in first["rule_or_law"] and "version 1" in first["rule_or_law"]
    assert first["decision_url"] == f"https://roseau.test/decisions/{first['decision']}"
    assert len(first["content_sha256"]) == 64 and first["appeal"] == "none"
    for name in ("posted_at", "received_at", "seen_at", "decided_at", "content_kept_at"):
        assert clock.from_iso(first[name]), name
    assert third["rule_or_law"] == "Penal code, art. 24"
    assert second["answer"] == "kept, for the reason given" and second["state"] == "visible"
    # What a spreadsheet would run is text.
    assert second["reason"].startswith("'=cmd")
    assert (fourth["state"], fifth["state"]) == ("deleted by its author", "not on this server")
    assert "2 acted upon" in pack.letter and "Dear Amazon Web Services," in pack.letter
    assert pack.document.startswith(b"%PDF-") and pack.document.rstrip().endswith(b"%%EOF")


async def test_the_same_facts_make_the_same_bytes(case: Case, at: Callable[[float], None]) -> None:
    facts = facts_of(case)
    first = make_pack(facts)
    at(3600)
    assert make_pack(facts) == first
    assert first.sha256 == hashlib.sha256(first.archive).hexdigest()
    with zipfile.ZipFile(io.BytesIO(first.archive)) as archive:
        assert archive.namelist() == ["letter.txt", "items.csv", "items.pdf"]
        assert archive.read("items.csv") == first.table


async def test_a_letter_is_answered_when_each_item_is(case: Case) -> None:
    wanted = case.received.letter_id
    pack = make_pack(facts_of(case))
    with pytest.raises(Invalid):
        case.act(answer_letter, case.mona.id, wanted, pack.sha256)
    case.act(contest, case.mona.id, case.ids(1, 2, 3), "All three are quotations.")
    case.act(note_plain, case.mona.id, case.received.notice_id)
    case.act(answer_letter, case.mona.id, wanted, make_pack(facts_of(case)).sha256)
    assert value(case.server, "SELECT LENGTH(pack_hash) FROM host_letters") == 64
    assert value(case.server, "SELECT answered_at FROM host_letters") is not None


async def test_an_answer_is_in_the_language_of_the_letter(case: Case) -> None:
    desk = case.desk()
    draft = contest_draft(desk.letter, desk.items[0], "Roseau")
    assert "item 1" in draft and "[say why]" in draft


def test_a_document_shows_french_greek_and_what_it_cannot_spell() -> None:
    def document(cell: str) -> bytes:
        return to_pdf(
            Document(
                language="fr", title="Réponse à l’hébergeur", paragraphs=["« Œuvre » <b>&amp;</b>", ""],
                head=["N°"], rows=[[cell]], widths=(1,), footer="1",
            )
        )  # fmt: skip

    assert document("Ελλάδα") != document("Москва")
    # No font has everything: what is missing is a box, and never an error.
    assert document("漢") == document("字") == document("\u25a1")
    assert document("x" * 100_000).startswith(b"%PDF-")


def test_a_long_list_runs_over_pages() -> None:
    rows: list[list[Any]] = [[str(n), f"https://roseau.test/@bob/{n}" * 4] for n in range(300)]
    pdf = to_pdf(
        Document(
            language="en", title="A", paragraphs=[], head=["a", "b"], rows=rows, widths=(1, 9), footer=""
        )
    )
    assert pdf.count(b"/Type /Page\n") > 5


def test_a_server_does_not_load_what_draws() -> None:
    """A pack is made once in a while; the library that draws it would weigh on every server at all times."""
    asked = "import roseau.app, sys; print('reportlab' in sys.modules, 'PIL' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", asked], text=True).split() == ["False", "False"]
