"""What is written about appeals: that one came, that somebody is asked to read it, what was answered."""

from roseau.domain.moderation.appeals.drafts import Appeal, Appealed
from roseau.domain.moderation.statements.deliveries import Kind, Letter, queue_delivery
from roseau.domain.moderation.statements.outcomes import to_notifier
from roseau.domain.moderation.statements.places import appeal_url
from roseau.domain.moderation.statements.readers import find_member
from roseau.domain.moderation.statements.returned import load_returned, say_returned
from roseau.domain.moderation.statements.wording import BODIES
from roseau.domain.names import find_front_url
from roseau.domain.site import Site, load_choices
from roseau.kernel.i18n import format_date, format_moment, translations
from roseau.storage.database import Transaction


def send_receipt(tx: Transaction, site: Site, appeal: Appeal, decision: Appealed) -> None:
    """Tell whoever appealed that it came, and when an answer is owed."""
    language, zone = _reader(tx, site, appeal)
    _ = translations(language).gettext
    said = [
        _("We have your appeal against decision no. %(number)s, of %(moment)s.")
        % {"number": decision.number, "moment": format_moment(language, appeal.filed_at, zone)},
        _(
            "Somebody who did not take the decision reads it. You will have an answer with its reasons by"
            " %(day)s."
        )
        % {"day": format_date(language, appeal.answer_due_at, zone)},
    ]
    if appeal.lapses_at is not None:
        lapse = _("If nobody has answered by %(day)s, the decision lapses by itself.")
        said.append(lapse % {"day": format_date(language, appeal.lapses_at, zone)})
    _send(tx, site, appeal, "appeal_receipt", language, _("We have your appeal"), said)


def hand_out(tx: Transaction, site: Site, appeal: Appeal, decision: Appealed) -> None:
    """Ask the outside reviewer to read an appeal, which nobody of the team may refuse."""
    reviewer = find_member(tx, appeal.outside_reviewer_id)
    if reviewer is None:
        return
    _ = translations(reviewer.language).gettext
    said = [
        _("Somebody appealed against decision no. %(number)s of this site.") % {"number": decision.number},
        _(
            "Whoever decided may not refuse it, and there is nobody else in the team. So you are asked to"
            " read it."
        ),
        _("Please answer by %(day)s, with your reasons: %(url)s")
        % {
            "day": format_date(reviewer.language, appeal.answer_due_at, reviewer.zone),
            "url": appeal_url(find_front_url(tx, site), appeal.id),
        },
    ]
    letter = Letter(
        kind="question",
        subject=_("An appeal waits for your answer"),
        text="\n\n".join(said),
        account_id=reviewer.account_id,
        appeal_id=appeal.id,
        decision_id=decision.id,
        language=reviewer.language,
    )
    queue_delivery(tx, site, letter)


def send_answer(tx: Transaction, site: Site, appeal: Appeal, decision: Appealed) -> None:
    """Tell whoever appealed what was answered and why, and where else they can turn (DSA art. 20(5))."""
    language, _zone = _reader(tx, site, appeal)
    _ = translations(language).gettext
    about = {"number": decision.number}
    match appeal.outcome:
        case "granted" if appeal.appellant == "author":
            subject = _("Your appeal was granted")
            said = [
                _("You appealed against decision no. %(number)s. You were right: it is taken back.") % about,
                _("What it took from you is back, as far as it can be put back here."),
            ]
        case "granted":
            subject = _("Your appeal was granted")
            said = [
                _("You appealed against decision no. %(number)s. You were right: we decide anew.") % about,
                _("You will hear what was decided."),
            ]
        case "partly":
            subject = _("Your appeal was granted in part")
            said = [
                _("You appealed against decision no. %(number)s. A part of it is taken back.") % about,
                _("What that part took is back, as far as it can be put back here. The rest stays."),
            ]
        case "lapsed":
            subject = _("The decision has lapsed")
            said = [
                _("Nobody answered your appeal against decision no. %(number)s in time. So it lapses.")
                % about,
                _("What it took from you is back, as far as it can be put back here."),
            ]
        case _refused:
            subject = _("Your appeal was refused")
            said = [_("You appealed against decision no. %(number)s. It stays as it is.") % about]
    if appeal.appellant == "author" and appeal.outcome != "refused":
        said += say_returned(language, load_returned(tx, decision.id))
    if appeal.reasons and appeal.outcome != "lapsed":
        said.append(_("The reasons: %(reasons)s") % {"reasons": appeal.reasons})
    if appeal.outcome in ("refused", "partly"):
        said += _say_further(tx, language)
    _send(tx, site, appeal, "appeal_answer", language, subject, said)


def _say_further(tx: Transaction, language: str) -> list[str]:
    _ = translations(language).gettext
    body = load_choices(tx).dispute_body or BODIES
    return [
        _("Somebody answered who had not taken the decision. No machine decided."),
        _("You can turn to a certified body for disputes out of court (article 21 of the DSA): %(body)s")
        % {"body": body},
        _("And you can go to court at any time, whether you appeal here or not."),
    ]


def _reader(tx: Transaction, site: Site, appeal: Appeal) -> tuple[str, str]:
    member = find_member(tx, appeal.account_id)
    return (member.language, member.zone) if member else (appeal.language, "UTC")


def _send(
    tx: Transaction,
    site: Site,
    appeal: Appeal,
    kind: Kind,
    language: str,
    subject: str,
    paragraphs: list[str],
) -> None:
    address = ""
    if appeal.account_id is None and appeal.notice_id is not None:
        notifier = to_notifier(tx, site, appeal.notice_id)
        address = notifier.address if notifier else ""
    letter = Letter(
        kind=kind,
        subject=subject,
        text="\n\n".join(paragraphs),
        account_id=appeal.account_id,
        address=address,
        notice_id=appeal.notice_id,
        decision_id=appeal.decision_id,
        appeal_id=appeal.id,
        language=language,
    )
    queue_delivery(tx, site, letter)
