"""What is decided: cases, decisions, their measures, statements of reasons, deliveries, appeals.

Rows of decisions, measures, their ends, statements and answers to appeals are never changed and never
deleted: triggers refuse it (`append_only.py`). What ends is ended by another row.
"""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, UniqueConstraint
from sqlalchemy import text as sql

from roseau.storage.schema.columns import ID, flag, instant, key, metadata, number, ref, sealed, text

_OPEN = "state <> 'closed'"

cases = Table(
    "cases",
    metadata,
    key(),
    #: 1, 2, 3…: how people speak of it.
    Column("number", Integer, nullable=False, unique=True),
    #: What it is about: `status:ID`, `account:ID`, `domain:NAME`, `uri:…`, `letter:ID`, `order:ID` (of the
    #: notice), `flood:SOURCE`, `appeal:ID`. One open case each.
    text("subject"),
    ref("target_account_id", "accounts.id", null=True),
    ref("status_id", "statuses.id", null=True),
    text("domain", default=""),
    #: S0 (worst) to S4; `vocabulary.LANES` has their clocks.
    text("lane"),
    #: The reason that set the lane.
    text("reason"),
    #: open, paused, second_voice, decided (undo still runs) or closed
    text("state", default="open"),
    #: appeal: the case asks for a second look at a decision (`appeals.case_id`).
    text("kind", default="notice"),
    number("severity"),
    number("reach"),
    number("notices_count"),
    #: Sources that are not one and the same.
    number("sources_count"),
    instant("received_at"),
    #: When eyes have to have been on it, then when it has to be decided: what the queue is sorted by.
    instant("due_at"),
    #: What a letter or order says: nothing makes `due_at` later than this.
    instant("deadline_at", null=True),
    instant("seen_at", null=True),
    instant("decided_at", null=True),
    instant("closed_at", null=True),
    #: Whose it is now.
    ref("assignee_id", "accounts.id", null=True),
    instant("assigned_at", null=True),
    instant("paused_until", null=True),
    text("paused_reason", default=""),
    Index("uq_cases_open", "subject", unique=True, sqlite_where=sql(_OPEN), postgresql_where=sql(_OPEN)),
    Index("ix_cases_queue", "due_at", "severity", sqlite_where=sql(_OPEN), postgresql_where=sql(_OPEN)),
    Index("ix_cases_target", "target_account_id", "id"),
    Index("ix_cases_subject", "subject", "id"),
    Index("ix_cases_closed", "closed_at"),
)

#: Who has a case before their eyes; rows run out by themselves.
case_viewers = Table(
    "case_viewers",
    metadata,
    ref("case_id", "cases.id", primary_key=True),
    ref("account_id", "accounts.id", primary_key=True),
    instant("at"),
)

#: What happened in a case besides decisions: notes, claims, hand-overs, pauses, questions to members.
case_events = Table(
    "case_events",
    metadata,
    key(),
    ref("case_id", "cases.id", index=True),
    ref("account_id", "accounts.id", null=True),
    #: note, claimed, released, handed_over, paused, resumed, joined, lane, asked, answered, second_voice, …
    text("kind"),
    text("text", default=""),
    #: JSON of what the kind needs.
    text("detail", default="{}"),
    instant("at"),
)

decisions = Table(
    "decisions",
    metadata,
    key(),
    Column("number", Integer, nullable=False, unique=True),
    ref("case_id", "cases.id", index=True),
    #: rule, law, or none: nothing was found against it
    text("ground"),
    Column("rule_id", ID, nullable=True),
    Column("rule_version", Integer, nullable=True),
    text("law", default=""),
    text("facts", default=""),
    #: What the public page says of it, without anybody's name.
    text("summary", default=""),
    text("category", default="other"),
    flag("automated_detection"),
    #: not, partially or fully
    text("automated_decision", default="not"),
    #: Without a notice: somebody of the team saw it.
    flag("own_initiative"),
    ref("decider_id", "accounts.id", null=True),
    text("decider_role", default=""),
    ref("second_decider_id", "accounts.id", null=True),
    #: The decision that this one puts an end to, after an appeal or by the team's own insight.
    ref("reverses_id", "decisions.id", null=True),
    instant("decided_at"),
    #: Until then one key takes it back.
    instant("undo_until"),
    CheckConstraint("ground <> 'rule' OR rule_id IS NOT NULL", name="ck_decisions_rule"),
    CheckConstraint("ground <> 'law' OR law <> ''", name="ck_decisions_law"),
    CheckConstraint("ground = 'none' OR facts <> ''", name="ck_decisions_facts"),
    CheckConstraint("second_decider_id <> decider_id", name="ck_decisions_second"),
    CheckConstraint("automated_decision = 'fully' OR decider_id IS NOT NULL", name="ck_decisions_decider"),
)

#: A decision that no longer stands: undone, reversed, lapsed or superseded.
decision_ends = Table(
    "decision_ends",
    metadata,
    ref("decision_id", "decisions.id", primary_key=True, autoincrement=False),
    text("kind"),
    ref("account_id", "accounts.id", null=True),
    ref("appeal_id", "appeals.id", null=True),
    instant("at"),
)

#: A decision that waits for a second voice.
proposals = Table(
    "proposals",
    metadata,
    key(),
    ref("case_id", "cases.id", index=True),
    #: JSON of `deciding.DecisionDraft`
    text("draft"),
    ref("account_id", "accounts.id"),
    #: What was done meanwhile: removed and frozen, with its own statement.
    ref("interim_decision_id", "decisions.id", null=True),
    instant("at"),
    #: agreed, refused or withdrawn
    text("outcome", null=True),
    ref("answered_by_id", "accounts.id", null=True),
    text("answer", default=""),
    instant("answered_at", null=True),
    CheckConstraint("outcome <> 'agreed' OR answered_by_id <> account_id", name="ck_proposals_other"),
)

#: A letter to somebody about moderation, and how far it has come. Written in the transaction of its cause.
deliveries = Table(
    "deliveries",
    metadata,
    key(),
    #: statement, receipt, outcome, appeal_receipt, appeal_answer, reversal, question, warning
    text("kind"),
    #: A member, or the sealed mail address of an outsider, or neither: an author of another server.
    ref("account_id", "accounts.id", null=True),
    sealed("address", null=True),
    ref("notice_id", "notices.id", null=True),
    ref("decision_id", "decisions.id", null=True),
    ref("appeal_id", "appeals.id", null=True),
    text("language", default="en"),
    text("subject"),
    text("text"),
    instant("created_at"),
    #: Not before: the undo window, or an authority's embargo.
    instant("send_at"),
    #: Later than this somebody is called.
    instant("due_at"),
    #: On their page, as a notification, handed to the mail server.
    instant("shown_at", null=True),
    instant("notified_at", null=True),
    instant("mailed_at", null=True),
    #: Every way that there is was gone.
    instant("delivered_at", null=True),
    instant("cancelled_at", null=True),
    #: Why a way failed; empty when none did.
    text("trouble", default=""),
    Index(
        "ix_deliveries_waiting",
        "due_at",
        sqlite_where=sql("delivered_at IS NULL AND cancelled_at IS NULL"),
        postgresql_where=sql("delivered_at IS NULL AND cancelled_at IS NULL"),
    ),
    Index("ix_deliveries_account", "account_id", "id"),
    Index("ix_deliveries_notice", "notice_id"),
)

#: The reasons of one decision for one person: DSA art. 17(3).
statements = Table(
    "statements",
    metadata,
    key(),
    ref("decision_id", "decisions.id"),
    ref("account_id", "accounts.id", null=True),
    #: What the Transparency Database calls it: letters, digits, - and _.
    text("puid", unique=True),
    text("language"),
    text("text"),
    #: JSON: the fields of art. 17(3) (a) to (f), and the object of the Transparency Database's schema.
    text("fields"),
    text("dsa"),
    ref("delivery_id", "deliveries.id", unique=True),
    instant("created_at"),
    instant("appeal_until"),
    UniqueConstraint("decision_id", name="uq_statements_decision"),
    CheckConstraint("text <> ''", name="ck_statements_text"),
)

measures = Table(
    "measures",
    metadata,
    key(),
    ref("decision_id", "decisions.id", index=True),
    #: No measure without a statement, and no statement without a delivery.
    ref("statement_id", "statements.id"),
    #: reminder, label, interstitial, hold, remove, limit, freeze, suspend, warn_misuse, pause_notices,
    #: domain_limit, domain_reject_media, domain_suspend
    text("kind"),
    ref("status_id", "statuses.id", null=True),
    ref("account_id", "accounts.id", null=True),
    text("domain", default=""),
    instant("from_at"),
    #: null: for good
    instant("until_at", null=True),
    #: Where it holds: everywhere, or JSON list of countries.
    text("territory", default=""),
    #: What a label or interstitial says.
    text("words", default=""),
    Index("ix_measures_status", "status_id"),
    Index("ix_measures_account", "account_id"),
    CheckConstraint(
        "status_id IS NOT NULL OR account_id IS NOT NULL OR domain <> ''", name="ck_measures_target"
    ),
)

#: A measure that holds no longer: undone, reversed, expired, lapsed or superseded.
measure_ends = Table(
    "measure_ends",
    metadata,
    ref("measure_id", "measures.id", primary_key=True, autoincrement=False),
    text("kind"),
    ref("decision_id", "decisions.id", null=True),
    instant("at"),
    #: JSON: what was put back, and what cannot come back.
    text("detail", default="{}"),
)

#: What other servers have been told, or are to be told, because of a measure: the seam for federation.
measure_announcements = Table(
    "measure_announcements",
    metadata,
    key(),
    ref("measure_id", "measures.id", index=True),
    #: delete, undo_delete (the post anew), block, flag
    text("kind"),
    text("object_uri", default=""),
    #: Not before: at once for S0 and S1, else after the undo window.
    instant("send_at"),
    instant("sent_at", null=True),
    instant("cancelled_at", null=True),
)

strikes = Table(
    "strikes",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    ref("decision_id", "decisions.id"),
    number("weight", default=1),
    instant("created_at"),
    instant("expires_at"),
    instant("voided_at", null=True),
)

appeals = Table(
    "appeals",
    metadata,
    key(),
    ref("decision_id", "decisions.id", index=True),
    #: author or notifier
    text("appellant"),
    ref("account_id", "accounts.id", null=True),
    ref("notice_id", "notices.id", null=True),
    text("text"),
    text("language", default="en"),
    instant("filed_at"),
    #: An answer is owed by then; without one the measure lapses at `lapses_at`, where it may.
    instant("answer_due_at"),
    instant("lapses_at", null=True),
    #: The case under which it is queued.
    ref("case_id", "cases.id", null=True, index=True),
    #: The outside reviewer whom it was handed to, since the only moderator may not refuse it.
    ref("outside_reviewer_id", "accounts.id", null=True),
    instant("handed_out_at", null=True),
    CheckConstraint("account_id IS NOT NULL OR notice_id IS NOT NULL", name="ck_appeals_who"),
    # One of each person against each decision; without an account a notice stands for the person.
    Index("uq_appeals_account", "decision_id", "account_id", unique=True),
    Index("uq_appeals_notice", "decision_id", "notice_id", unique=True),
)

#: Uploads that were sent along with an appeal: they are kept, though no status shows them.
appeal_media = Table(
    "appeal_media",
    metadata,
    ref("appeal_id", "appeals.id", primary_key=True, autoincrement=False),
    ref("media_id", "media_attachments.id", primary_key=True, index=True),
    Column("position", Integer, nullable=False, server_default="0"),
)

appeal_answers = Table(
    "appeal_answers",
    metadata,
    ref("appeal_id", "appeals.id", primary_key=True, autoincrement=False),
    #: null: nobody answered, and the measure lapsed
    ref("reviewer_id", "accounts.id", null=True),
    #: Who decided what is appealed against, and who was the second voice.
    ref("decider_id", "accounts.id", null=True),
    ref("second_decider_id", "accounts.id", null=True),
    #: granted, partly, refused or lapsed
    text("outcome"),
    text("reasons", default=""),
    #: The decision that puts the first one right.
    ref("decision_id", "decisions.id", null=True),
    instant("at"),
    CheckConstraint(
        "outcome IN ('granted', 'lapsed') OR (reviewer_id IS NOT NULL"
        " AND (decider_id IS NULL OR reviewer_id <> decider_id)"
        " AND (second_decider_id IS NULL OR reviewer_id <> second_decider_id))",
        name="ck_appeal_answers_reviewer",
    ),
    CheckConstraint("outcome = 'lapsed' OR reasons <> ''", name="ck_appeal_answers_reasons"),
)

#: Relations that a measure cut; kept, and tied again when it ends.
severances = Table(
    "severances",
    metadata,
    key(),
    ref("measure_id", "measures.id", index=True),
    #: follow, follow_request, list or endorsement
    text("kind"),
    ref("account_id", "accounts.id"),
    ref("target_id", "accounts.id"),
    #: JSON of the row as it was.
    text("detail", default="{}"),
    instant("severed_at"),
    instant("restored_at", null=True),
    Index("ix_severances_account", "account_id", "measure_id"),
)

#: Sentences for facts and answers that a team uses again.
statement_templates = Table(
    "statement_templates",
    metadata,
    key(),
    text("name"),
    #: For which rule; null: any.
    Column("rule_id", ID, nullable=True),
    #: JSON: language -> text
    text("texts"),
    Column("position", Integer, nullable=False, server_default="0"),
    instant("created_at"),
    instant("withdrawn_at", null=True),
)

#: What a notification of moderation is about: a statement, an appeal, a notice, or a measure.
notification_subjects = Table(
    "notification_subjects",
    metadata,
    ref("notification_id", "notifications.id", primary_key=True, autoincrement=False),
    text("kind"),
    Column("subject_id", ID, nullable=False),
)
