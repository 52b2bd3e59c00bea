"""What the console calls things, in one language: severities, reasons, channels, measures, what happened."""

from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec

from roseau.kernel import clock, i18n


class Words(msgspec.Struct, frozen=True):
    """Tables of words: by the names of `domain.moderation.vocabulary` and of the schema."""

    lanes: dict[str, str]
    reasons: dict[str, str]
    channels: dict[str, str]
    measures: dict[str, str]
    outcomes: dict[str, str]
    ends: dict[str, str]
    happened: dict[str, str]
    roles: dict[str, str]
    language: str

    def shortly(self, time: int) -> str:
        """A length of time in few letters: `12 min`, `5 h 52`, `2 d`; in milliseconds."""
        _ = i18n.translations(self.language).gettext
        minutes = time // clock.MINUTE
        if minutes < 60:
            return _("%(count)s min") % {"count": minutes}
        if minutes < 12 * 60:
            return _("%(hours)s h %(minutes)s") % {"hours": minutes // 60, "minutes": f"{minutes % 60:02}"}
        if minutes < 36 * 60:
            return _("%(count)s h") % {"count": minutes // 60}
        return _("%(count)s d") % {"count": minutes // 1440}

    @property
    def icons(self) -> dict[str, str]:
        """The icon that stands beside a channel."""
        return CHANNEL_ICONS


#: The icon that stands beside a channel.
CHANNEL_ICONS: Final = {
    "in_app": "users",
    "web": "globe",
    "mail": "mail",
    "arf": "mail",
    "xarf": "mail",
    "ap_flag": "network",
    "host_letter": "landmark",
    "authority_order": "gavel",
    "trusted_flagger": "badge-check",
    "own_initiative": "eye",
}


@cache
def words_in(language: str) -> Words:
    """The words in a language of the pages."""
    _ = i18n.translations(language).gettext
    return Words(
        lanes=_lanes(_),
        reasons=_reasons(_),
        channels=_channels(_),
        measures=_measures(_),
        outcomes={
            "upheld": _("Something was done"),
            "not_upheld": _("Nothing was done"),
            "unfounded": _("Manifestly unfounded"),
            "granted": _("Granted"),
            "partly": _("Granted in part"),
            "refused": _("Refused"),
            "lapsed": _("Lapsed without an answer"),
            "agreed": _("Agreed"),
            "withdrawn": _("Withdrawn"),
        },
        ends={
            "undone": _("Undone"),
            "reversed": _("Reversed"),
            "expired": _("Over"),
            "lapsed": _("Lapsed"),
            "superseded": _("Replaced by another decision"),
        },
        happened=_happened(_),
        roles={
            "owner": _("Owner"),
            "admin": _("Administration"),
            "moderator": _("Moderation"),
            "reviewer": _("Outside reviewer"),
            "member": _("Member"),
        },
        language=language,
    )


def _lanes(_: Callable[[str], str]) -> dict[str, str]:
    return {
        "S0": _("Critical"),
        "S1": _("Severe"),
        "S2": _("Serious"),
        "S3": _("Nuisance"),
        "S4": _("Minor"),
    }


def _reasons(_: Callable[[str], str]) -> dict[str, str]:
    return {
        "csam": _("Sexual abuse of children"),
        "threat_to_life": _("Danger to somebody’s life"),
        "terrorism": _("Terrorist content"),
        "threat": _("A threat"),
        "incitement": _("Incitement to violence"),
        "private_data": _("Somebody’s private data"),
        "intimate_images": _("Intimate pictures without consent"),
        "minors": _("Minors are not safe"),
        "self_harm": _("Self-harm"),
        "hate": _("Hate"),
        "harassment": _("Harassment"),
        "illegal": _("Said to be against the law"),
        "rule": _("Against a rule"),
        "scam": _("A scam"),
        "impersonation": _("Somebody posing as another"),
        "copyright": _("Copyright"),
        "spam": _("Spam"),
        "misinformation": _("Said to be untrue"),
        "other": _("Something else"),
    }


def _channels(_: Callable[[str], str]) -> dict[str, str]:
    return {
        "in_app": _("A member"),
        "web": _("The public form"),
        "mail": _("A mail"),
        "arf": _("A mail (ARF)"),
        "xarf": _("A mail (XARF)"),
        "ap_flag": _("Another server"),
        "host_letter": _("The host"),
        "authority_order": _("An authority"),
        "trusted_flagger": _("A trusted flagger"),
        "own_initiative": _("The team itself"),
    }


def _measures(_: Callable[[str], str]) -> dict[str, str]:
    return {
        "reminder": _("Reminder of the rule"),
        "label": _("Note beside the post"),
        "interstitial": _("Hidden behind a warning"),
        "hold": _("Hidden meanwhile"),
        "remove": _("Removed"),
        "limit": _("Account limited"),
        "freeze": _("Account frozen"),
        "suspend": _("Account suspended"),
        "warn_misuse": _("Warned of misuse"),
        "pause_notices": _("Reports paused"),
        "domain_limit": _("Server limited"),
        "domain_reject_media": _("Media of the server refused"),
        "domain_suspend": _("Server blocked"),
    }


def _happened(_: Callable[[str], str]) -> dict[str, str]:
    return {
        "note": _("Note of the team"),
        "claimed": _("Taken"),
        "released": _("Put back"),
        "handed_over": _("Handed over"),
        "threat_reported": _("An authority is told of danger to life"),
        "paused": _("Set to wait"),
        "resumed": _("Taken up again"),
        "joined": _("Came together with another report"),
        "lane": _("More serious than it was"),
        "asked": _("Asked the author"),
        "answered": _("The author answered"),
        "second_voice": _("Waits for a second voice"),
        "seen": _("Opened for the first time"),
        "opened": _("Opened"),
        "closed": _("Closed"),
        "reopened": _("Open again"),
        "decided": _("Decided"),
        "undone": _("Undone"),
        "erased": _("Evidence erased"),
    }
