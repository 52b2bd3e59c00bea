"""The words of moderation: lanes with their clocks, reasons, channels, measures, permissions and roles."""

from typing import Literal, NamedTuple

from roseau.kernel import clock
from roseau.kernel.errors import mark

Lane = Literal["S0", "S1", "S2", "S3", "S4"]
Channel = Literal[
    "in_app",
    "web",
    "mail",
    "arf",
    "xarf",
    "ap_flag",
    "host_letter",
    "authority_order",
    "trusted_flagger",
    "own_initiative",
]
#: Mastodon's categories of reports.
Category = Literal["spam", "legal", "violation", "other"]
Ground = Literal["rule", "law", "none"]
MeasureKind = Literal[
    "reminder",
    "label",
    "interstitial",
    "hold",
    "remove",
    "limit",
    "freeze",
    "suspend",
    "warn_misuse",
    "pause_notices",
    "domain_limit",
    "domain_reject_media",
    "domain_suspend",
]


class Clock(NamedTuple):
    """When a case of a lane has to have been seen, and when decided; milliseconds after its receipt."""

    seen: int
    decided: int


#: The clocks of the lanes. A deadline of a letter or order that is shorter stands above them.
LANES: dict[Lane, Clock] = {
    "S0": Clock(15 * clock.MINUTE, clock.HOUR),
    "S1": Clock(clock.HOUR, 4 * clock.HOUR),
    "S2": Clock(12 * clock.HOUR, clock.DAY),
    "S3": Clock(clock.DAY, 2 * clock.DAY),
    "S4": Clock(2 * clock.DAY, 3 * clock.DAY),
}


class Reason(NamedTuple):
    """Why something is said to be wrong: its lane, its severity within it, and its names elsewhere."""

    lane: Lane
    severity: int
    category: Category
    dsa_category: str


def _dsa(name: str) -> str:
    return f"STATEMENT_CATEGORY_{name}"


#: Every reason a notice can have. `rule` takes the lane of the rule that it names.
REASONS: dict[str, Reason] = {
    "csam": Reason("S0", 100, "legal", _dsa("PROTECTION_OF_MINORS")),
    "threat_to_life": Reason("S0", 95, "legal", _dsa("VIOLENCE")),
    "terrorism": Reason("S0", 90, "legal", _dsa("RISK_FOR_PUBLIC_SECURITY")),
    "threat": Reason("S1", 80, "violation", _dsa("VIOLENCE")),
    "incitement": Reason("S1", 80, "legal", _dsa("ILLEGAL_OR_HARMFUL_SPEECH")),
    "private_data": Reason("S1", 75, "violation", _dsa("DATA_PROTECTION_AND_PRIVACY_VIOLATIONS")),
    "intimate_images": Reason("S1", 85, "legal", _dsa("CYBER_VIOLENCE")),
    "minors": Reason("S2", 70, "violation", _dsa("PROTECTION_OF_MINORS")),
    "self_harm": Reason("S2", 70, "violation", _dsa("SELF_HARM")),
    "hate": Reason("S2", 60, "violation", _dsa("ILLEGAL_OR_HARMFUL_SPEECH")),
    "harassment": Reason("S2", 60, "violation", _dsa("CYBER_VIOLENCE")),
    "illegal": Reason("S2", 50, "legal", _dsa("OTHER_VIOLATION_TC")),
    "rule": Reason("S2", 40, "violation", _dsa("OTHER_VIOLATION_TC")),
    "scam": Reason("S3", 35, "spam", _dsa("SCAMS_AND_FRAUD")),
    "impersonation": Reason("S3", 35, "violation", _dsa("SCAMS_AND_FRAUD")),
    "copyright": Reason("S3", 30, "legal", _dsa("INTELLECTUAL_PROPERTY_INFRINGEMENTS")),
    "spam": Reason("S3", 20, "spam", _dsa("OTHER_VIOLATION_TC")),
    "misinformation": Reason("S4", 10, "other", _dsa("NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS")),
    "other": Reason("S4", 10, "other", _dsa("OTHER_VIOLATION_TC")),
}

#: One key takes a decision back so long after it was taken.
UNDO = 30 * clock.SECOND
#: How long author and notifier may appeal: six months (DSA art. 20(1)).
APPEAL = 183 * clock.DAY
APPEAL_ANSWER = 7 * clock.DAY
#: Where nobody but the decider is there to read an appeal, an outside reviewer has so long.
APPEAL_LAPSE = 14 * clock.DAY
#: A hold that nobody confirmed ends by itself.
HOLD = clock.DAY
#: Removed content and its data are kept so long for authorities (TCO art. 6).
PRESERVE = 183 * clock.DAY
#: A delivery that is later than this calls somebody.
DELIVERY_LATE = 10 * clock.MINUTE
STRIKE_KEPT = 365 * clock.DAY

#: Measures that take something from somebody: they make a strike when a person decided them.
STRIKES: dict[str, int] = {
    "label": 0,
    "interstitial": 1,
    "remove": 1,
    "limit": 2,
    "freeze": 2,
    "suspend": 3,
}

Permission = Literal[
    "view_cases",
    "decide_cases",
    "manage_appeals",
    "manage_users",
    "manage_federation",
    "manage_blocks",
    "manage_rules",
    "manage_letters",
    "manage_orders",
    "open_evidence",
    "view_audit_log",
    "manage_roles",
    "manage_settings",
]
#: What each permission lets somebody do, as the pages say it.
PERMISSIONS: dict[Permission, str] = {
    "view_cases": mark("See the queue and the cases"),
    "decide_cases": mark("Decide cases"),
    "manage_appeals": mark("Answer appeals"),
    "manage_users": mark("Approve, look up and help members"),
    "manage_federation": mark("Limit or block other servers"),
    "manage_blocks": mark("Block mail providers and networks from signing up"),
    "manage_rules": mark("Write the rules and templates"),
    "manage_letters": mark("Answer letters of hosts"),
    "manage_orders": mark("Answer orders of authorities"),
    "open_evidence": mark("Open sealed evidence"),
    "view_audit_log": mark("Read the log of the team"),
    "manage_roles": mark("Appoint the team and its roles"),
    "manage_settings": mark("Change the settings of the site"),
}
_ALL = frozenset(PERMISSIONS)
#: The roles that every site has. `reviewer` reads the appeals that are handed to them, and may do no more.
ROLES: dict[str, frozenset[Permission]] = {
    "owner": _ALL,
    "admin": _ALL,
    "moderator": _ALL - {"manage_roles", "manage_settings", "manage_orders"},
    "reviewer": frozenset(),
    "member": frozenset(),
}
