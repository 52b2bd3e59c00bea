"""The answer to a letter: a covering letter in its language, and what became of each item as PDF and CSV."""

import csv
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import bindparam, update

from roseau.domain.moderation import log
from roseau.domain.moderation.desk.documents import Document, to_pdf
from roseau.domain.moderation.desk.reading import Desk, Item, Letter, load_letter
from roseau.domain.policy import find_rule_version
from roseau.domain.site import Choices, Site, load_choices
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, mark
from roseau.kernel.i18n import format_moment, translations
from roseau.storage.database import Transaction
from roseau.storage.schema.notices import host_letters
from roseau.storage.statements import statement

Gettext = Callable[[str], str]

STATES: Final = {
    "up": mark("visible"),
    "held": mark("hidden until it is decided"),
    "removed": mark("removed"),
    "suspended": mark("not visible, its account is suspended"),
    "deleted": mark("deleted by its author"),
    "not_here": mark("not on this server"),
}
ANSWERS: Final = {
    "comply": mark("acted upon"),
    "contest": mark("kept, for the reason given"),
    "already_done": mark("was down before"),
    "not_here": mark("is not here"),
    "": mark("still open"),
}
MEASURES: Final = {
    "remove": mark("removed"),
    "suspend": mark("account suspended"),
    "freeze": mark("account frozen"),
    "limit": mark("account limited"),
    "hold": mark("hidden until it is decided"),
    "interstitial": mark("behind a warning"),
    "label": mark("labelled"),
}
APPEALS: Final = {
    "": mark("none"),
    "open": mark("open"),
    "granted": mark("granted"),
    "partly": mark("granted in part"),
    "refused": mark("refused"),
    "lapsed": mark("lapsed in favour of the author"),
}
#: The columns of the CSV file; they have the same names in every language.
COLUMNS: Final = (
    "no", "address_given", "address_here", "state", "answer", "reason", "measure", "ground", "rule_or_law",
    "decision", "decision_url", "posted_at", "received_at", "seen_at", "decided_at", "measure_until",
    "measure_ended_at", "deleted_at", "content_sha256", "content_kept_at", "appeal",
)  # fmt: skip
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a pack is made from; the same facts make the same bytes."""

    desk: Desk
    site_title: str
    site_url: str
    operator: str
    contact: str
    made_at: int
    seen_at: int | None
    #: (rule, version) -> its text in the language of the letter.
    rules: dict[str, str]


class Pack(msgspec.Struct, frozen=True):
    """The answer: a letter as text, the items as CSV and as PDF, and all three as ZIP with its SHA-256."""

    name: str
    letter: str
    table: bytes
    document: bytes
    archive: bytes
    sha256: str


_answer = statement(
    update(host_letters)
    .where(host_letters.c.id == bindparam("letter"))
    .values(answered_at=bindparam("at"), pack_hash=bindparam("digest"))
)


def gather_facts(tx: Transaction, site: Site, viewer_id: int, letter_id: int) -> Facts:
    """What the pack of a letter is made from, as of now. Raises Forbidden, NotFound."""
    desk = load_letter(tx, site, viewer_id, letter_id)
    choices = load_choices(tx)
    rules: dict[str, str] = {}
    for item in desk.items:
        verdict = item.verdict
        if verdict and verdict.rule_id and (key := f"{verdict.rule_id}.{verdict.rule_version}") not in rules:
            said = find_rule_version(tx, verdict.rule_id, verdict.rule_version, desk.letter.language)
            rules[key] = said.text if said else ""
    return Facts(
        desk=desk,
        site_title=choices.title,
        site_url=site.base_url,
        operator=choices.operator,
        contact=_contact_of(choices),
        made_at=tx.now,
        seen_at=desk.seen_at,
        rules=rules,
    )


def _contact_of(choices: Choices) -> str:
    return choices.contact_authorities or choices.contact_users or choices.contact_email


def make_pack(facts: Facts) -> Pack:
    """Write the pack. Takes a second for some hundred items: not for the event loop."""
    say = translations(facts.desk.letter.language).gettext
    letter, table = write_letter(facts, say), write_table(facts, say)
    document = write_document(facts, say, hashlib.sha256(table).hexdigest())
    reference = "".join(c if c.isascii() and c.isalnum() else "-" for c in facts.desk.letter.reference)
    name = f"answer-{reference[:60] or facts.desk.letter.id}"
    archive = _zip({"letter.txt": letter.encode(), "items.csv": table, "items.pdf": document}, facts.made_at)
    return Pack(name, letter, table, document, archive, hashlib.sha256(archive).hexdigest())


def answer_letter(tx: Transaction, site: Site, account_id: int, letter_id: int, sha256: str) -> None:
    """Note that a letter was answered with the pack of that hash. Raises Forbidden, NotFound, Invalid."""
    desk = load_letter(tx, site, account_id, letter_id)
    if desk.left:
        raise Invalid("Some items have no answer yet.")
    tx.run(_answer, letter=letter_id, at=tx.now, digest=sha256)
    late = tx.now > desk.letter.deadline_at
    log.append(tx, "letter_answer", {"items": len(desk.items), "late": late})


# The parts


def write_letter(facts: Facts, say: Gettext) -> str:
    """The covering letter, to be sent from the operator's own mailbox."""
    letter, items = facts.desk.letter, facts.desk.items
    counts = Counter(item.answer.kind if item.answer else "" for item in items)
    lines = [say(mark("Dear %(provider)s,")) % {"provider": letter.provider}, ""]
    if letter.reference:
        lines += [say(mark("Your reference: %(reference)s")) % {"reference": letter.reference}, ""]
    lines += [_opening(facts, say), ""]
    for kind, sentence in (
        ("comply", mark("%(count)s acted upon, each by a decision with reasons")),
        ("already_done", mark("%(count)s that were down before")),
        ("not_here", mark("%(count)s that are not on this server")),
        ("contest", mark("%(count)s that we keep, each for the reason that the list gives")),
        ("", mark("%(count)s that are still being looked at")),
    ):
        if counts[kind]:
            lines.append("- " + say(sentence) % {"count": counts[kind]})
    process = mark(
        "Every notice here has a clock, is seen by a person, and ends in a decision that names the rule or"
        " the law. Whoever is affected is told the reasons and may appeal, and somebody else reads the"
        " appeal. The attached list (PDF and CSV) says for each item what was done and when."
    )
    lines += [
        "",
        say(process),
        "",
        say(mark("You reach us at %(contact)s.")) % {"contact": facts.contact},
        "",
    ]
    lines += [facts.operator or facts.site_title, facts.site_url]
    return "\n".join(lines) + "\n"


def _opening(facts: Facts, say: Gettext) -> str:
    letter = facts.desk.letter
    sentence = mark(
        "We received your letter on %(received)s. What became of the items that it names (%(count)s):"
    )
    received = format_moment(letter.language, letter.received_at)
    return say(sentence) % {"received": received, "count": len(facts.desk.items)}


def write_table(facts: Facts, say: Gettext) -> bytes:
    """The items as CSV (RFC 4180, UTF-8), safe to be opened in a spreadsheet."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for item in facts.desk.items:
        writer.writerow([_disarm(cell) for cell in _to_cells(facts, item, say)])
    return file.getvalue().encode()


def _to_cells(facts: Facts, item: Item, say: Gettext) -> Sequence[str]:
    verdict, letter = item.verdict, facts.desk.letter
    answer = item.answer.kind if item.answer else ""
    seen = facts.seen_at or (item.answer.at if item.answer else None)
    return (
        str(item.number), item.uri, item.resolved, say(STATES[item.state]), say(ANSWERS[answer]),
        item.answer.reason if item.answer and answer == "contest" else "",
        say(MEASURES.get(verdict.measure, verdict.measure)) if verdict else "",
        verdict.ground if verdict else "", _ground(facts, item, say),
        str(verdict.number) if verdict else "",
        f"{facts.site_url}/decisions/{verdict.number}" if verdict else "",
        _iso(item.posted_at), _iso(letter.received_at), _iso(seen),
        _iso(verdict.decided_at if verdict else None),
        _iso(verdict.until_at if verdict else None), _iso(verdict.ended_at if verdict else None),
        _iso(item.deleted_at), item.content_hash, _iso(item.kept_at), say(APPEALS[item.appeal]),
    )  # fmt: skip


def _ground(facts: Facts, item: Item, say: Gettext) -> str:
    verdict = item.verdict
    if verdict is None:
        return ""
    if verdict.rule_id is None:
        return verdict.law
    key = f"{verdict.rule_id}.{verdict.rule_version}"
    version = say(mark("version %(number)s")) % {"number": verdict.rule_version}
    return f"{facts.rules.get(key, '')} ({version})".strip()


def _disarm(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _iso(at: int | None) -> str:
    return "" if at is None else clock.to_iso(at).replace(".000Z", "Z")


def _short(at: int | None) -> str:
    return "" if at is None else f"{clock.to_iso(at)[:16].replace('T', ' ')} UTC"


def write_document(facts: Facts, say: Gettext, table_hash: str) -> bytes:
    """The covering letter and the items for people, as PDF."""
    letter = facts.desk.letter
    title = say(mark("Answer to the letter of %(provider)s")) % {"provider": letter.provider}
    head = (
        mark("No."), mark("Address"), mark("State"), mark("Answer"), mark("Rule or law"), mark("Decision"),
        mark("Decided"), mark("SHA-256 of the content"), mark("Appeal"),
    )  # fmt: skip
    footer = say(mark("Made on %(moment)s. The CSV file has the SHA-256 %(hash)s.")) % {
        "moment": format_moment(letter.language, facts.made_at),
        "hash": table_hash,
    }
    return to_pdf(
        Document(
            language=letter.language,
            title=title,
            paragraphs=[part for part in write_letter(facts, say).split("\n\n") if part.strip()],
            head=[say(column) for column in head],
            rows=[_to_row(facts, item, say) for item in facts.desk.items],
            widths=(4, 26, 11, 20, 22, 7, 13, 17, 9),
            footer=footer,
        )
    )


def _to_row(facts: Facts, item: Item, say: Gettext) -> Sequence[str]:
    verdict = item.verdict
    answer = item.answer.kind if item.answer else ""
    said = say(ANSWERS[answer])
    if item.answer and item.answer.reason and answer == "contest":
        said = f"{said}\n{item.answer.reason}"
    elif verdict and answer == "comply":
        said = f"{said}\n{say(MEASURES.get(verdict.measure, verdict.measure))}"
    return (
        str(item.number),
        item.uri or item.resolved,
        say(STATES[item.state]),
        said,
        _ground(facts, item, say),
        str(verdict.number) if verdict else "",
        _short(verdict.decided_at if verdict else None),
        item.content_hash,
        say(APPEALS[item.appeal]),
    )


def _zip(contents: dict[str, bytes], made_at: int) -> bytes:
    moment = clock.to_datetime(made_at)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            info = zipfile.ZipInfo(name, moment.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return file.getvalue()


def contest_draft(letter: Letter, item: Item, site_title: str) -> str:
    """A first draft of why an item is kept, in the language of the letter, for a person to finish."""
    say = translations(letter.language).gettext
    draft = mark(
        "We have looked at item %(number)s and keep it. It does not break our rules or the law that your"
        " letter names: [say why]. We can share the context with you on request. Should you see it"
        " otherwise, please name the passage and the law, and somebody else at %(site)s will look again."
    )
    return say(draft) % {"number": item.number, "site": site_title}
