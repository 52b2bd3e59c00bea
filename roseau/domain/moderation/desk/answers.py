"""What is sent back to an authority: the form of an answer to its order, with times, to be finished."""

from collections.abc import Callable
from typing import Final

import msgspec

from roseau.domain.moderation.desk.orders import KINDS, Order, load_order, load_order_items
from roseau.domain.moderation.desk.packs import MEASURES, STATES
from roseau.domain.moderation.desk.reading import Item
from roseau.domain.site import Site, load_choices
from roseau.kernel.errors import mark
from roseau.kernel.i18n import format_moment, translations
from roseau.storage.database import Transaction

Gettext = Callable[[str], str]

#: What each kind of order asks for, as the answer's first line says it.
TITLES: Final = {
    "tco": mark("Feedback following a removal order (Regulation (EU) 2021/784, art. 3(6) and annex II)"),
    "ofac": mark("Answer to a request to remove content"),
    "dsa_9": mark("Information on the effect given to an order (Regulation (EU) 2022/2065, art. 9(1))"),
    "dsa_10": mark("Receipt of an order to provide information (Regulation (EU) 2022/2065, art. 10(1))"),
    "preservation": mark("Answer to an order to preserve data"),
    "threat_to_life": mark("Notification of a suspicion of an offence that threatens life (art. 18)"),
    "other": mark("Answer to an order"),
}
_GONE: Final = ("removed", "suspended", "deleted", "held")


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an answer is written from."""

    order: Order
    items: list[Item]
    operator: str
    contact: str
    site_url: str
    now: int


def gather_order_facts(tx: Transaction, site: Site, viewer_id: int, order_id: int) -> OrderFacts:
    """What the answer to an order is written from, as of now. Raises Forbidden, NotFound."""
    choices = load_choices(tx)
    return OrderFacts(
        order=load_order(tx, viewer_id, order_id),
        items=load_order_items(tx, site, viewer_id, order_id),
        operator=choices.operator or choices.title,
        contact=choices.contact_authorities or choices.contact_users or choices.contact_email,
        site_url=site.base_url,
        now=tx.now,
    )


def write_answer(facts: OrderFacts) -> str:
    """The answer in the order's language: what was done about each address and when, or why nothing was."""
    order = facts.order
    say = translations(order.language).gettext

    def moment(at: int) -> str:
        return format_moment(order.language, at)

    lines = [
        say(TITLES[order.kind]),
        "",
        say(mark("To: %(authority)s")) % {"authority": order.authority},
        say(mark("Reference: %(reference)s")) % {"reference": order.reference or "-"},
        say(mark("Legal basis: %(law)s")) % {"law": order.legal_basis or KINDS[order.kind].law or "-"},
        *_say_when(order, say, moment),
        "",
    ]
    for item in facts.items:
        lines.append(f"{item.number}. {item.uri or item.resolved or '-'}")
        lines.append("   " + _say_item(item, say, moment))
    if order.preserve_until is not None:
        preserved = mark("What was named is preserved, sealed, until %(moment)s.")
        lines += ["", say(preserved) % {"moment": moment(order.preserve_until)}]
    if order.confidential_until is not None:
        quiet = mark("As the order asks, the author is told nothing before %(moment)s.")
        lines += ["", say(quiet) % {"moment": moment(order.confidential_until)}]
    lines += ["", say(mark("Written on %(moment)s.")) % {"moment": moment(facts.now)}]
    lines += [facts.operator, facts.site_url, facts.contact]
    return "\n".join(lines).rstrip() + "\n"


def _say_when(order: Order, say: Gettext, moment: Callable[[int], str]) -> list[str]:
    if order.own:
        known = say(mark("Known to us since: %(moment)s")) % {"moment": moment(order.received_at)}
        return [known, "", order.words]
    return [
        say(mark("Received: %(moment)s")) % {"moment": moment(order.received_at)},
        say(mark("Due: %(moment)s")) % {"moment": moment(order.due_at)},
    ]


def _say_item(item: Item, say: Gettext, moment: Callable[[int], str]) -> str:
    verdict = item.verdict
    if item.state in _GONE and verdict is not None and verdict.ended_at is None:
        values = {
            "measure": say(MEASURES.get(verdict.measure, verdict.measure)),
            "moment": moment(verdict.decided_at),
            "number": verdict.number,
        }
        return say(mark("Done everywhere on %(moment)s: %(measure)s (decision %(number)s).")) % values
    if item.state == "deleted" and item.deleted_at is not None:
        return say(mark("Its author had deleted it on %(moment)s.")) % {"moment": moment(item.deleted_at)}
    if item.state == "not_here":
        return say(mark("It cannot be carried out: nothing of this server stands under that address."))
    if item.answer is not None and item.answer.kind == "contest":
        return say(mark("Not carried out: %(reason)s")) % {"reason": item.answer.reason}
    return say(mark("State: %(state)s.")) % {"state": say(STATES[item.state])}
