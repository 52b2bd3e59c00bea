"""A statement of reasons in words: a fixed frame, and between its parts what the moderator may rewrite.

DSA art. 17(3) asks for (a) the measure, its reach and duration, (b) the facts and whether somebody reported
it, (c) what machines had to do with it, (d) the law or (e) the rule and why, (f) where to turn. The frame has
all of it but the facts; whoever rewrites the text cannot lose a part of the frame.
"""

import msgspec

from roseau.domain.moderation.decisions.drafts import Grounds
from roseau.domain.moderation.statements.measures import Writer, describe_measures, describe_scope
from roseau.domain.moderation.statements.returned import say_returned
from roseau.kernel.i18n import format_date, translations

#: The Commission's list of the bodies that settle disputes out of court.
BODIES = "https://digital-strategy.ec.europa.eu/en/policies/dsa-out-court-dispute-settlement"


class Redress(msgspec.Struct, frozen=True):
    """Where somebody can turn: until when and where to appeal; the body that the site names, or none."""

    until: int
    url: str
    body: str


class Text(msgspec.Struct, frozen=True):
    """A statement: what is before and after the part that can be rewritten. Each item is a paragraph."""

    before: tuple[str, ...]
    middle: str
    after: tuple[str, ...]

    def join(self, rewritten: str = "") -> str:
        """The whole text; paragraphs of the frame that somebody left in their own text are not said twice."""
        middle = rewritten.strip() or self.middle
        before = [part for part in self.before if part not in middle]
        after = [part for part in self.after if part not in middle]
        return "\n\n".join(part for part in (*before, middle, *after) if part)


def write_text(writer: Writer, grounds: Grounds, redress: Redress) -> Text:
    """The statement for the facts as they are."""
    done = _say_what_was_done(writer, grounds)
    return Text(
        before=(" ".join(part for part in (*done, describe_scope(writer, grounds.draft)) if part),),
        middle=grounds.draft.facts.strip(),
        after=tuple(
            part
            for part in (
                _say_why(writer, grounds),
                " ".join((*_say_source(writer, grounds), _say_who(writer, grounds))),
                *say_redress(writer.language, redress, writer.zone),
            )
            if part
        ),
    )


def _say_what_was_done(writer: Writer, grounds: Grounds) -> list[str]:
    _ = translations(writer.language).gettext
    if grounds.reverses_number is not None:
        again = _("We looked again at our decision no. %(number)s and took it back.")
        sentences = [again % {"number": grounds.reverses_number}]
        if not grounds.draft.measures:
            sentences.append(_("What it took from you is back, as far as it can be put back here."))
            sentences += say_returned(writer.language, grounds.returned)
        return sentences + describe_measures(writer, grounds.draft)
    return describe_measures(writer, grounds.draft)


def _say_why(writer: Writer, grounds: Grounds) -> str:
    _ = translations(writer.language).gettext
    match grounds.draft.ground:
        case "law":
            return _("We hold this to be against the law: %(law)s") % {"law": grounds.draft.law.strip()}
        case "rule":
            said = _(
                "It is against this rule of our site: “%(rule)s”. We did not judge whether it is illegal."
            )
            return said % {"rule": grounds.rule_text.strip()}
        case _other:
            return ""


def source_of(grounds: Grounds) -> str:
    """What set the decision off: order, letter, notice, or nobody but the team."""
    if grounds.draft.own_initiative or not (set(grounds.channels) - {"own_initiative"}):
        return "own_initiative"
    if "authority_order" in grounds.channels:
        return "authority_order"
    if set(grounds.channels) <= {"host_letter", "own_initiative"}:
        return "host_letter"
    return "notice"


def _say_source(writer: Writer, grounds: Grounds) -> list[str]:
    _ = translations(writer.language).gettext
    if grounds.reverses_number is not None:
        return []
    match source_of(grounds):
        case "authority_order":
            return [_("A public authority ordered it.")]
        case "host_letter":
            return [_("The company that hosts this site wrote to us about it.")]
        case "notice":
            return [_("It was reported to us; we tell nobody by whom.")]
        case _own:
            return [_("Nobody reported it: our team came across it.")]


def _say_who(writer: Writer, grounds: Grounds) -> str:
    _ = translations(writer.language).gettext
    draft = grounds.draft
    sentences = [_("An automatic rule found it.")] if draft.automated_detection else []
    match draft.automated_decision:
        case "fully":
            sentences.append(_("A machine decided this for the time being, until a person looks at it."))
        case "partially":
            sentences.append(_("A moderator decided, with the help of a machine."))
        case _not:
            sentences.append(_("A moderator decided; no machine took part in the decision."))
    if grounds.second_voice:
        sentences.append(_("A second moderator read it before and agreed."))
    return " ".join(sentences)


def say_redress(language: str, redress: Redress, zone: str = "UTC") -> tuple[str, ...]:
    """The paragraphs on where somebody can turn (DSA art. 17(3)(f), 20, 21)."""
    _ = translations(language).gettext
    appeal = _(
        "You can appeal until %(day)s: %(url)s Somebody else will read it, and you will have an answer with"
        " its reasons within 7 days."
    ) % {"day": format_date(language, redress.until, zone), "url": redress.url}
    if redress.body:
        named = _(
            "You can also turn to a certified body for disputes out of court (article 21 of the Digital"
            " Services Act): %(body)s"
        ) % {"body": redress.body}
    else:
        named = _(
            "You can also turn to a certified body for disputes out of court (article 21 of the Digital"
            " Services Act). The European Commission lists them: %(url)s"
        ) % {"url": BODIES}
    return (appeal, named, _("And you can go to court at any time, whether you appeal here or not."))


def to_fields(writer: Writer, grounds: Grounds, redress: Redress) -> dict[str, object]:
    """The same as data, by the letters of art. 17(3)."""
    draft = grounds.draft
    return {
        "a": [
            {
                "kind": measure.kind,
                "status": str(measure.status_id) if measure.status_id else None,
                "domain": measure.domain or None,
                "from": grounds.decided_at,
                "until": measure.until_at,
                "territory": measure.territory or None,
            }
            for measure in draft.measures
        ],
        "b": {"facts": draft.facts, "source": source_of(grounds)},
        "c": {"detection": draft.automated_detection, "decision": draft.automated_decision},
        "d": {"law": draft.law} if draft.ground == "law" else None,
        "e": {"rule": str(draft.rule_id), "version": grounds.rule_version, "text": grounds.rule_text}
        if draft.ground == "rule"
        else None,
        "f": {
            "appeal_until": redress.until,
            "appeal_url": redress.url,
            "dispute_body": redress.body or BODIES,
            "court": True,
        },
    }
