"""A decision as somebody wants it, and all that its statement of reasons is written from."""

from typing import Literal

import msgspec

from roseau.domain.moderation.statements.returned import Returned
from roseau.domain.moderation.vocabulary import Ground, MeasureKind


class MeasureDraft(msgspec.Struct, frozen=True, kw_only=True):
    """One measure: about a status, an account or a domain. `until_at` None: for good."""

    kind: MeasureKind
    status_id: int | None = None
    account_id: int | None = None
    domain: str = ""
    until_at: int | None = None
    #: JSON list of countries; empty: everywhere.
    territory: str = ""
    #: What a label or interstitial says.
    words: str = ""


class DecisionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody decides in a case. Without measures nothing is done, and the notifiers are told so."""

    ground: Ground
    rule_id: int | None = None
    #: Which law, and how it is broken; for the ground `law`.
    law: str = ""
    facts: str = ""
    measures: tuple[MeasureDraft, ...] = ()
    #: The statement as the moderator changed it; empty: as it is written from the facts.
    text: str = ""
    #: For the public page, without names.
    summary: str = ""
    #: The language of the facts; empty: the author's.
    language: str = ""
    automated_detection: bool = False
    automated_decision: Literal["not", "partially", "fully"] = "not"
    own_initiative: bool = False
    #: The notices were manifestly unfounded (DSA art. 23(2)).
    unfounded: bool = False
    #: The measures are those of somebody who publishes manifestly illegal things (art. 23(1)).
    misuse: bool = False


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement of reasons says (DSA art. 17(3)), as facts; `statements` turns it into words."""

    decision_id: int
    decision_number: int
    case_number: int
    draft: DecisionDraft
    #: Whom it is for; None for an author of another server or nobody.
    account_id: int | None
    #: The site's own words in the language of the statement.
    rule_text: str
    rule_version: int | None
    #: The case's reason (`vocabulary.REASONS`), lane, and how it came in: channel -> how many notices.
    reason: str
    lane: str
    channels: dict[str, int]
    #: What it is about: when it was written, in what language, of what it is made.
    status_id: int | None = None
    status_uri: str = ""
    written_at: int | None = None
    status_language: str = ""
    content_types: tuple[str, ...] = ()
    decider_role: str = ""
    second_voice: bool = False
    decided_at: int = 0
    #: Not to be sent before: the end of the undo window, or an authority's embargo.
    send_at: int = 0
    #: Of a decision that reverses another: that one's number.
    reverses_number: int | None = None
    #: What came back with that one's end, and what could not.
    returned: tuple[Returned, ...] = ()
