"""What was done, as sentences to the person it was done to."""

import msgspec

from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.vocabulary import HOLD
from roseau.kernel.i18n import country_names, format_moment, translations

#: So many posts are named one by one; of more, the first and the last.
NAMED = 3
#: These say something and restrict nothing.
WORDS_ONLY = frozenset(("reminder", "warn_misuse"))


class Writer(msgspec.Struct, frozen=True):
    """How somebody is written to: their language and time zone; and when the posts were written."""

    language: str
    zone: str
    written: dict[int, int]
    #: The moment of the decision.
    now: int

    def moment(self, at: int) -> str:
        """A day and an hour, as the reader writes them."""
        return format_moment(self.language, at, self.zone)


def describe_measures(writer: Writer, draft: DecisionDraft) -> list[str]:
    """A sentence for each measure, or one for many removals at once."""
    removed = sorted(
        writer.written.get(measure.status_id, writer.now)
        for measure in draft.measures
        if measure.kind == "remove" and measure.status_id is not None
    )
    many = len(removed) > NAMED
    sentences: list[str] = []
    if many:
        sentences.append(
            translations(writer.language).ngettext(
                "We removed %(count)s post of yours, from %(first)s to %(last)s.",
                "We removed %(count)s posts of yours, from %(first)s to %(last)s.",
                len(removed),
            )
            % {"count": len(removed), "first": writer.moment(removed[0]), "last": writer.moment(removed[-1])}
        )
    for measure in draft.measures:
        if many and measure.kind == "remove" and measure.status_id is not None:
            continue
        sentence = _to_sentence(writer, measure, draft.misuse)
        if sentence not in sentences:
            sentences.append(sentence)
    return sentences


def _to_sentence(writer: Writer, measure: MeasureDraft, misuse: bool) -> str:
    if measure.status_id is not None:
        sentence = _about_a_post(writer.language, measure)
    elif measure.domain:
        sentence = _about_a_server(writer.language, measure)
    elif measure.kind == "warn_misuse" and misuse:
        sentence = translations(writer.language).gettext(
            "You published manifestly illegal things more than once. If it happens again, we will suspend"
            " your account for a time."
        )
    else:
        sentence = _about_an_account(writer.language, measure)
    until = measure.until_at
    if until is None and measure.kind == "hold":
        until = writer.now + HOLD
    return sentence % {
        "moment": writer.moment(writer.written.get(measure.status_id or 0, writer.now)),
        "until": "" if until is None else writer.moment(until),
        "words": measure.words,
        "domain": measure.domain,
    }


def _about_a_post(language: str, measure: MeasureDraft) -> str:
    _ = translations(language).gettext
    match measure.kind:
        case "remove":
            return _("We removed your post of %(moment)s.")
        case "hold":
            return _("Your post of %(moment)s is hidden while we look at it, until %(until)s at the latest.")
        case "interstitial" if measure.words:
            return _("Your post of %(moment)s now stands behind a warning: “%(words)s”.")
        case "interstitial":
            return _("Your post of %(moment)s now stands behind a warning.")
        case "label":
            return _("We added a note to your post of %(moment)s: “%(words)s”.")
        case _other:
            return _(
                "We remind you of our rules, about your post of %(moment)s. It stays as it is, and this does"
                " not count against you."
            )


def _about_an_account(language: str, measure: MeasureDraft) -> str:
    _ = translations(language).gettext
    lasting = measure.until_at is None
    match measure.kind:
        case "suspend" if lasting:
            return _(
                "Your account is suspended for good: nobody sees it or what you posted. You can still sign"
                " in, read this, take your data with you, and appeal."
            )
        case "suspend":
            return _(
                "Your account is suspended until %(until)s: nobody sees it or what you posted. You can still"
                " sign in, read this, take your data with you, and appeal."
            )
        case "freeze" if lasting:
            return _("Your account is frozen: you can sign in and read, and you cannot post.")
        case "freeze":
            return _("Your account is frozen until %(until)s: you can sign in and read, and you cannot post.")
        case "limit" if lasting:
            return _("Your account is limited: what you post reaches those who follow you, and nobody else.")
        case "limit":
            return _(
                "Your account is limited until %(until)s: what you post reaches those who follow you, and"
                " nobody else."
            )
        case "pause_notices" if lasting:
            return _("We do not handle notices of yours any more.")
        case "pause_notices":
            return _("We do not handle notices of yours until %(until)s.")
        case "warn_misuse":
            return _(
                "You sent manifestly unfounded notices more than once. If it happens again, we will not"
                " handle notices of yours for a time."
            )
        case _other:
            return _about_a_profile(language, measure)


def _about_a_profile(language: str, measure: MeasureDraft) -> str:
    _ = translations(language).gettext
    match measure.kind:
        case "remove":
            return _("We removed what was wrong from your profile.")
        case "hold":
            return _("Your profile is hidden while we look at it, until %(until)s at the latest.")
        case "interstitial" if measure.words:
            return _("Your profile now stands behind a warning: “%(words)s”.")
        case "interstitial":
            return _("Your profile now stands behind a warning.")
        case "label":
            return _("We added a note to your profile: “%(words)s”.")
        case _other:
            return _(
                "We remind you of our rules. Nothing was taken from you, and this does not count against you."
            )


def _about_a_server(language: str, measure: MeasureDraft) -> str:
    _ = translations(language).gettext
    match measure.kind:
        case "domain_suspend":
            return _("This site exchanges nothing with the server %(domain)s any more.")
        case "domain_reject_media":
            return _("This site takes in no pictures and no films of the server %(domain)s.")
        case _other:
            return _(
                "The server %(domain)s is limited here: its posts reach those who follow their authors, and"
                " nobody else."
            )


def describe_scope(writer: Writer, draft: DecisionDraft) -> str:
    """Where it holds and for how long; empty for what restricts nothing."""
    restricting = [measure for measure in draft.measures if measure.kind not in WORDS_ONLY]
    if not restricting:
        return ""
    _ = translations(writer.language).gettext
    countries = sorted({code for measure in restricting for code in list_territory(measure)})
    if countries:
        names = country_names(writer.language)
        named = ", ".join(names.get(code, code) for code in countries)
        return _("This holds in these countries: %(countries)s.") % {"countries": named}
    if any(measure.until_at is None and measure.kind != "hold" for measure in restricting):
        return _("This holds everywhere, and for good unless an appeal changes it.")
    return _("This holds everywhere.")


def list_territory(measure: MeasureDraft) -> list[str]:
    """The countries where a measure holds, as ISO 3166 codes; none: everywhere."""
    return msgspec.json.decode(measure.territory, type=list[str]) if measure.territory else []
