"""The six measures that a case offers, from mild to hard, each with a key that chooses it; and some more."""

from collections.abc import Callable
from typing import Final

import msgspec

from roseau.domain.moderation.cases.views import CaseView
from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.vocabulary import MeasureKind
from roseau.kernel import clock

#: What one may choose from: how long a limit or freeze lasts, and a suspension (0: for good), in days.
LIMIT_DAYS: Final = (1, 7, 30)
SUSPEND_DAYS: Final = (30, 90, 0)
USUAL_LIMIT: Final = 7
_MILD: Final = frozenset(("reminder", "label", "interstitial"))
_ON_POSTS: Final = frozenset(("label", "interstitial", "hold", "remove"))


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A measure to choose. `verb`: what the button says; `short`: what the bar of a phone says."""

    key: int
    name: str
    note: str = ""
    verb: str = ""
    short: str = ""
    kinds: tuple[MeasureKind, ...] = ()
    #: Asks once more before it is done.
    grave: bool = False
    #: Which of the fields for a length of time it takes: limit, suspend or none.
    lasts: str = ""
    #: Not one of the six: no key chooses it.
    further: bool = False


def options_of(view: CaseView, gettext: Callable[[str], str]) -> tuple[Option, ...]:
    """What can be decided in a case, in the words of the reader."""
    _ = gettext
    nothing = Option(key=1, name=_("Close, no action"), verb=_("Close, then next"), short=_("Close"))
    if view.line.about == "domain":
        return (nothing, *_for_server(_))
    if view.line.target_account_id is None:
        return (nothing,)
    reminder = Option(
        key=2,
        name=_("Reminder of the rule"),
        note=_("The post stays") if statuses_of(view) else _("Nothing is taken away"),
        verb=_("Remind, then next"),
        short=_("Remind"),
        kinds=("reminder",),
    )
    return (nothing, reminder, *(_for_posts(view, _) if statuses_of(view) else _for_account(_)))


def _for_posts(view: CaseView, _: Callable[[str], str]) -> tuple[Option, ...]:
    several = len(statuses_of(view)) > 1
    return (
        Option(
            key=3,
            name=_("Hide behind a warning"),
            verb=_("Hide, then next"),
            short=_("Warning"),
            kinds=("interstitial",),
        ),
        Option(
            key=4,
            name=_("Remove the posts") if several else _("Remove the post"),
            note=_("Kept sealed, and can be put back"),
            verb=_("Remove, then next"),
            short=_("Remove"),
            kinds=("remove",),
        ),
        Option(
            key=5,
            name=_("Remove, and limit the account"),
            verb=_("Remove and limit, then next"),
            short=_("Limit"),
            kinds=("remove", "limit"),
            lasts="limit",
        ),
        _suspension(_, ("remove", "suspend")),
        *_more_for_posts(_),
    )


def _more_for_posts(_: Callable[[str], str]) -> tuple[Option, ...]:
    return (
        Option(
            key=7,
            name=_("Add a note beside the post"),
            note=_("It stays, and everybody who sees it reads your words with it"),
            verb=_("Add the note, then next"),
            short=_("Note"),
            kinds=("label",),
            further=True,
        ),
        Option(
            key=8,
            name=_("Hide it until it is decided"),
            note=_("For a day at most; the case stays open, and its clock runs on"),
            verb=_("Hide meanwhile"),
            short=_("Hide meanwhile"),
            kinds=("hold",),
            further=True,
        ),
        Option(
            key=9,
            name=_("Remove, and freeze the account"),
            note=_("May read, and not write"),
            verb=_("Remove and freeze, then next"),
            short=_("Freeze"),
            kinds=("remove", "freeze"),
            lasts="limit",
            further=True,
        ),
    )


def _for_account(_: Callable[[str], str]) -> tuple[Option, ...]:
    return (
        Option(
            key=3,
            name=_("Limit the account"),
            note=_("Seen by followers only"),
            verb=_("Limit, then next"),
            short=_("Limit"),
            kinds=("limit",),
            lasts="limit",
        ),
        Option(
            key=4,
            name=_("Freeze the account"),
            note=_("May read, and not write"),
            verb=_("Freeze, then next"),
            short=_("Freeze"),
            kinds=("freeze",),
            lasts="limit",
        ),
        Option(
            key=5,
            name=_("Limit and freeze the account"),
            verb=_("Limit and freeze, then next"),
            short=_("Limit, freeze"),
            kinds=("limit", "freeze"),
            lasts="limit",
        ),
        _suspension(_, ("suspend",)),
    )


def _suspension(_: Callable[[str], str], kinds: tuple[MeasureKind, ...]) -> Option:
    return Option(
        key=6,
        name=_("Suspend the account"),
        note=_("For a time, or for good with a second voice"),
        verb=_("Suspend…"),
        short=_("Suspend"),
        kinds=kinds,
        grave=True,
        lasts="suspend",
    )


def _for_server(_: Callable[[str], str]) -> tuple[Option, ...]:
    return (
        Option(
            key=3,
            name=_("Refuse its media"),
            verb=_("Refuse media, then next"),
            short=_("Media"),
            kinds=("domain_reject_media",),
        ),
        Option(
            key=4,
            name=_("Limit the server"),
            note=_("Its people are seen by their followers only"),
            verb=_("Limit, then next"),
            short=_("Limit"),
            kinds=("domain_limit",),
        ),
        Option(
            key=6,
            name=_("Block the server"),
            note=_("Follows are cut, and kept for putting back"),
            verb=_("Block…"),
            short=_("Block"),
            kinds=("domain_suspend",),
            grave=True,
        ),
    )


def statuses_of(view: CaseView) -> list[int]:
    """The posts that a decision in this case is about: those of its author that are still to be had."""
    author = view.line.target_account_id
    there = [
        item.status.id
        for item in view.items
        if item.status and item.state in ("here", "edited", "hidden") and item.status.author.id == author
    ]
    return list(dict.fromkeys(there))


def measures_of(
    view: CaseView,
    option: Option,
    now: int,
    *,
    limit_days: int,
    suspend_days: int,
    words: str = "",
    label: str = "",
) -> tuple[MeasureDraft, ...]:
    """The measures that an option stands for here. `words` stand before a post, `label` beside it."""
    drafts: list[MeasureDraft] = []
    for kind in option.kinds:
        if kind in _ON_POSTS:
            said = {"interstitial": words, "label": label}.get(kind, "")
            drafts += [MeasureDraft(kind=kind, status_id=one, words=said) for one in statuses_of(view)]
        elif kind.startswith("domain_"):
            drafts.append(MeasureDraft(kind=kind, domain=view.line.domain))
        else:
            days = suspend_days if kind == "suspend" else 0 if kind == "reminder" else limit_days
            until = now + days * clock.DAY if days else None
            drafts.append(MeasureDraft(kind=kind, account_id=view.line.target_account_id, until_at=until))
    return tuple(drafts)


def suggested(view: CaseView, options: tuple[Option, ...]) -> Option | None:
    """The option that does what the rules suggest, if there is one; what is severe does not stay up."""
    kinds = {measure.kind for measure in view.suggestion.measures}
    if not kinds:
        return None
    if view.line.lane in ("S0", "S1") and kinds <= _MILD and statuses_of(view):
        kinds = {"remove"}
    exact = next((one for one in options if set(one.kinds) == kinds), None)
    # What is not offered as it is comes nearest to the hardest option that is no harder.
    usual = [one for one in options if one.kinds and not one.further]
    return exact or next((one for one in reversed(usual) if set(one.kinds) <= kinds), None)
