"""Sentences that a team uses again for the facts of a decision, in each language, for a rule or for any."""

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.moderation.team.permissions import require
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import statement_templates
from roseau.storage.statements import insertion, statement

MAX_NAME = 80
MAX_TEXT = 2_000


class Template(msgspec.Struct, frozen=True):
    """A template; `rule_id` None: for any rule."""

    id: int
    name: str
    rule_id: int | None
    texts: dict[str, str]

    def said_in(self, *languages: str) -> str:
        """Its text in the first of these languages that it has, else in any."""
        return next(
            (self.texts[one] for one in languages if one in self.texts), next(iter(self.texts.values()), "")
        )


class TemplateDraft(msgspec.Struct, frozen=True):
    """A template as somebody wants it; languages without words are left out."""

    name: str
    texts: dict[str, str]
    rule_id: int | None = None


_t = statement_templates.c
_in_force = (
    select(_t.id, _t.name, _t.rule_id, _t.texts).where(_t.withdrawn_at.is_(None)).order_by(_t.position, _t.id)
)
_all = statement(_in_force)
_insert = insertion(statement_templates, "id name rule_id texts position created_at")
_withdraw = statement(
    update(statement_templates)
    .where(_t.id == bindparam("wanted"), _t.withdrawn_at.is_(None))
    .values(withdrawn_at=bindparam("at"))
    .returning(_t.id, _t.position)
)


def list_templates(tx: Transaction) -> list[Template]:
    """Those in use, in order."""
    return [
        Template(row.id, row.name, row.rule_id, msgspec.json.decode(row.texts, type=dict[str, str]))
        for row in tx.all(_all)
    ]


def save_template(tx: Transaction, by_id: int, draft: TemplateDraft, replaces: int | None = None) -> int:
    """Put a template in use, in the place of another if one is named; its id. Raises Invalid, NotFound."""
    require(tx, by_id, "manage_rules")
    texts = {language: text.strip() for language, text in draft.texts.items() if text.strip()}
    problems = []
    if not 0 < len(draft.name.strip()) <= MAX_NAME:
        problems.append(Problem("name", "ERR_BLANK", "A template has a name of at most 80 characters."))
    if not texts:
        problems.append(
            Problem("text_en", "ERR_BLANK", "A template says something in at least one language.")
        )
    if any(len(text) > MAX_TEXT for text in texts.values()):
        problems.append(Problem("text_en", "ERR_TOO_LONG", "A template has at most 2,000 characters."))
    if problems:
        raise Invalid(problems=tuple(problems))
    position = _take_out(tx, replaces) if replaces else 0
    template_id = ids.new_id()
    tx.run(
        _insert,
        id=template_id,
        name=draft.name.strip(),
        rule_id=draft.rule_id,
        texts=msgspec.json.encode(texts).decode(),
        position=position,
        created_at=tx.now,
    )
    return template_id


def withdraw_template(tx: Transaction, by_id: int, template_id: int) -> None:
    """Take a template out of use; what was written from it stays as it is. Raises NotFound."""
    require(tx, by_id, "manage_rules")
    _take_out(tx, template_id)


def _take_out(tx: Transaction, template_id: int) -> int:
    row = tx.one(_withdraw, wanted=template_id, at=tx.now)
    if row is None:
        raise NotFound
    return int(row.position)
