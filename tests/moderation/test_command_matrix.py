"""Every command of moderation, called by everybody: the doors can be wrong, and nothing is lost by it.

Each call is taken back afterwards, so that all of them meet the same site.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

import roseau.domain.moderation
from roseau.domain.moderation.audit import Question
from roseau.domain.moderation.blocks import IpBlockDraft
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.desk.disposing import Compliance
from roseau.domain.moderation.desk.orders import OrderDraft
from roseau.domain.moderation.desk.threats import ThreatDraft
from roseau.domain.moderation.flaggers import FlaggerDraft
from roseau.domain.moderation.misuse_deciding import Answer
from roseau.domain.moderation.servers.formats import Entry
from roseau.domain.moderation.servers.permissions import DomainPermissionDraft
from roseau.domain.moderation.servers.subscriptions import SubscriptionDraft
from roseau.domain.moderation.team.acting import Action
from roseau.domain.moderation.team.roles import RoleDraft
from roseau.domain.moderation.templates import TemplateDraft
from roseau.kernel.errors import Forbidden, RoseauError
from roseau.storage.pages import Page
from tests.moderation.acting import LAW, remove
from tests.moderation.world import EVERYBODY, World

pytestmark = pytest.mark.anyio

LAWFUL: dict[str, Any] = {"ground": "law", "law": LAW, "facts": "It is so."}
#: Names of parameters that say who asks.
ASKERS = ("by_id", "viewer_id", "decider_id", "reviewer_id", "account_id")
#: Functions that say Forbidden, or name somebody who acts, and are no command of their own: who calls them
#: has asked (the reason), or they are the question itself.
INNER = {
    "cases.access": {"is_handed_to", "require_look", "require_work"},  # the question
    "cases.parties": {"refuse_party"},  # the question
    "cases.queue": {"load_lines"},  # after require_look
    "cases.working": {"leave_case"},  # forgets only that somebody was there
    "decisions.checking": {"check_draft"},  # after enter
    "decisions.recording": {"record", "log_decision"},  # after enter, or a reversal
    "decisions.reversing": {"reverse"},  # after reverse_own, or an answer
    "decisions.second_voice": {"needs_second_voice", "propose"},  # after enter
    "notices.checking": {"check_draft"},  # of a draft, which anybody may send
    "notices.filing": {"file_notice"},  # anybody may, but for those whose notices are paused
    "notices.resolving": {"resolve_statuses"},  # what the viewer may see, as everywhere
    "appeals.own": {"open_own_copy"},  # a member's own
    "appeals.reviewing": {"list_open_outcomes", "list_handed", "list_elsewhere", "find_standings"},
    "misuse_deciding": {"find_suggestion"},  # nothing to those who may not decide
    "team.permissions": {"require"},  # the question
    "team.acting": {"in_each"},  # does what it is given, which asks
}

#: Command, what one needs to hold, and of whose case it is, as in the table of the doors. `answer`: the
#: outside reviewer may, too. `own`: nobody but who proposed it.
COMMANDS = """
appeals.answering.answer_appeal manage_appeals answer
audit.list_audit view_audit_log
blocks.block_email_domain manage_blocks
blocks.unblock_email_domain manage_blocks
blocks.block_ip manage_blocks
blocks.change_ip_block manage_blocks
blocks.unblock_ip manage_blocks
blocks.block_email manage_blocks
blocks.unblock_email manage_blocks
cases.asking.ask decide_cases case
cases.queue.list_cases view_cases
cases.queue.count_cases view_cases
cases.queue.next_case decide_cases
cases.reading.load_case view_cases case
cases.splitting.split_item decide_cases case
cases.working.see_case view_cases case
cases.working.claim decide_cases case
cases.working.release decide_cases case
cases.working.hand_over decide_cases case
cases.working.add_note decide_cases case
cases.working.pause decide_cases case
cases.working.resume decide_cases case
decisions.deciding.decide decide_cases case
decisions.deciding.enter decide_cases case
decisions.deciding.decide_items decide_cases case
decisions.own_initiative.open_own_case decide_cases case
decisions.reversing.reverse_own decide_cases case
decisions.second_voice.agree decide_cases proposal
decisions.second_voice.refuse decide_cases proposal
decisions.second_voice.withdraw decide_cases own
decisions.undoing.undo decide_cases case
desk.answers.gather_order_facts manage_orders case
desk.disclosures.gather_disclosure manage_orders case
desk.disposing.comply manage_letters case
desk.disposing.hold decide_cases case
desk.disposing.contest manage_letters case
desk.disposing.note manage_letters case
desk.moving.make_letter manage_letters case
desk.threats.report_threat manage_orders case
preserved_media.list_sealed open_evidence
servers.drafts.put_import manage_federation
desk.orders.file_order manage_orders
desk.orders.list_orders manage_orders
desk.orders.load_order manage_orders case
desk.orders.load_order_items manage_orders case
desk.orders.answer_order manage_orders case
desk.packs.gather_facts manage_letters case
desk.packs.answer_letter manage_letters case
desk.reading.list_letters manage_letters
desk.reading.load_letter manage_letters case
erasing.erase_case manage_orders case
flaggers.add_flagger manage_settings
flaggers.set_mail_authority manage_settings
flaggers.withdraw_flagger manage_settings
looking.find_looked_at view_cases case
members.load_member_record manage_users
misuse.answer_source decide_cases
misuse_deciding.answer_misuse decide_cases
misuse_deciding.answer_source_of decide_cases case
misuse.lift_mark decide_cases
notices.snapshots.open_snapshot view_cases case
notices.snapshots.open_snapshots view_cases case
servers.allows.allow_domain manage_federation
servers.allows.disallow_domain manage_federation
servers.drafts.accept_draft manage_federation
servers.drafts.discard_draft manage_federation
servers.permissions.set_domain_permission manage_federation
servers.permissions.lift_domain_permission manage_federation
servers.permissions.describe_domain_permission manage_federation
servers.subscriptions.subscribe manage_federation
servers.subscriptions.change_subscription manage_federation
servers.subscriptions.unsubscribe manage_federation
servers.subscriptions.exclude manage_federation
servers.subscriptions.include manage_federation
team.acting.act decide_cases case
team.acting.lift decide_cases case
team.acting.resolve decide_cases case
team.duty.set_duties manage_roles
team.duty.rest manage_roles
team.duty.end_rest manage_roles
team.reports.list_reports view_cases
team.reports.find_report view_cases case
team.reports.change_report decide_cases case
team.reports.reopen_report decide_cases case
team.roles.save_role manage_roles
team.roles.remove_role manage_roles
team.roles.appoint manage_roles
templates.save_template manage_rules
templates.withdraw_template manage_rules
terms.set_terms manage_settings
"""

LIST = "https://x.example/list.csv"
BLOCK = IpBlockDraft("10.0.0.0/8", "no_access")
#: What a command is given after the transaction, the site and who asks.
ARGUMENTS: dict[str, Callable[[World], tuple[Any, ...]]] = {
    "appeals.answering.answer_appeal": lambda w: (w.appeal_id, "refused", "No."),
    "audit.list_audit": lambda w: (Question(),),
    "blocks.block_email_domain": lambda w: ("x.example",),
    "blocks.unblock_email_domain": lambda w: (1,),
    "blocks.block_ip": lambda w: (BLOCK,),
    "blocks.change_ip_block": lambda w: (1, BLOCK),
    "blocks.unblock_ip": lambda w: (1,),
    "blocks.unblock_email": lambda w: (1,),
    "cases.asking.ask": lambda w: (w.case_id, w.id_of("author"), "Why?"),
    "cases.queue.list_cases": lambda w: ("todo",),
    "cases.reading.load_case": lambda w: (w.case,),
    "cases.splitting.split_item": lambda w: (w.case_id, 1),
    "cases.working.see_case": lambda w: (w.case_id,),
    "cases.working.claim": lambda w: (w.case_id,),
    "cases.working.release": lambda w: (w.case_id,),
    "cases.working.hand_over": lambda w: (w.case_id, w.id_of("moderator")),
    "cases.working.add_note": lambda w: (w.case_id, "A note."),
    "cases.working.pause": lambda w: (w.case_id, 2**42, "Later."),
    "cases.working.resume": lambda w: (w.case_id,),
    "decisions.deciding.decide": lambda w: (
        w.case_id,
        DecisionDraft(measures=(remove(w.post_id),), **LAWFUL),
    ),
    "decisions.deciding.enter": lambda w: (w.case_id,),
    "decisions.deciding.decide_items": lambda w: (w.case_id, {}),
    "decisions.own_initiative.open_own_case": lambda w: (f"status:{w.post_id}",),
    "decisions.reversing.reverse_own": lambda w: (w.decision_id, "We were wrong."),
    "decisions.second_voice.agree": lambda w: (w.proposal_id,),
    "decisions.second_voice.refuse": lambda w: (w.proposal_id, "No."),
    "decisions.second_voice.withdraw": lambda w: (w.proposal_id,),
    "decisions.undoing.undo": lambda w: (w.decision_id,),
    "desk.answers.gather_order_facts": lambda w: (w.order_id,),
    "desk.disclosures.gather_disclosure": lambda w: (w.order_id, w.order_items),
    "desk.disposing.comply": lambda w: (w.letter_items[:1], Compliance(**LAWFUL)),
    "desk.disposing.hold": lambda w: (w.letter_items[:1], "It is so.", LAW),
    "desk.disposing.contest": lambda w: (w.letter_items[:1], "It is not."),
    "desk.disposing.note": lambda w: (w.letter_items[:1], "not_here"),
    "desk.threats.report_threat": lambda w: (w.case_id, ThreatDraft(authority="Pharos", text="At once.")),
    "preserved_media.list_sealed": lambda w: (w.case_id, "blob"),
    "servers.drafts.put_import": lambda w: (Entry("x.example"),),
    "desk.moving.make_letter": lambda w: (w.notice_id,),
    "desk.orders.file_order": lambda w: (OrderDraft(kind="dsa_9", authority="A", text="Words."),),
    "desk.orders.load_order": lambda w: (w.order_id,),
    "desk.orders.load_order_items": lambda w: (w.order_id,),
    "desk.orders.answer_order": lambda w: (w.order_id, "Done."),
    "desk.packs.gather_facts": lambda w: (w.letter_id,),
    "desk.packs.answer_letter": lambda w: (w.letter_id, "ab" * 32),
    "desk.reading.load_letter": lambda w: (w.letter_id,),
    "erasing.erase_case": lambda w: (w.key_id,),
    "flaggers.add_flagger": lambda w: (FlaggerDraft("Point de contact", "contact@x.example"),),
    "flaggers.set_mail_authority": lambda w: ("mx.x.example",),
    "flaggers.withdraw_flagger": lambda w: (1,),
    "looking.find_looked_at": lambda w: (w.case, "blob"),
    "members.load_member_record": lambda w: (w.id_of("author"),),
    "misuse.answer_source": lambda w: ("source",),
    "misuse_deciding.answer_misuse": lambda w: ("notifier", w.id_of("member"), Answer()),
    "misuse_deciding.answer_source_of": lambda w: (w.case_id, w.notice_id),
    "misuse.lift_mark": lambda w: (1,),
    "notices.snapshots.open_snapshot": lambda w: (w.snapshot_id, w.case_id),
    "notices.snapshots.open_snapshots": lambda w: (w.case_id, w.case_id),
    "servers.allows.allow_domain": lambda w: ("x.example",),
    "servers.allows.disallow_domain": lambda w: (1,),
    "servers.drafts.accept_draft": lambda w: (1,),
    "servers.drafts.discard_draft": lambda w: (1,),
    "servers.permissions.set_domain_permission": lambda w: (
        DomainPermissionDraft(domain="x.example", severity="suspend", law=LAW),
    ),
    "servers.permissions.lift_domain_permission": lambda w: ("x.example",),
    "servers.permissions.describe_domain_permission": lambda w: (1,),
    "servers.subscriptions.subscribe": lambda w: (SubscriptionDraft(uri=LIST),),
    "servers.subscriptions.change_subscription": lambda w: (1, SubscriptionDraft(uri=LIST)),
    "servers.subscriptions.unsubscribe": lambda w: (1,),
    "servers.subscriptions.exclude": lambda w: ("x.example",),
    "servers.subscriptions.include": lambda w: ("x.example",),
    "team.acting.act": lambda w: (
        w.id_of("author"),
        Action(type="silence", report_id=w.notice_id),
    ),
    "team.acting.lift": lambda w: (w.target_id, "suspend"),
    "team.acting.resolve": lambda w: ([w.case_id],),
    "team.duty.set_duties": lambda w: (w.spare_id, []),
    "team.duty.rest": lambda w: (w.spare_id, 1, None),
    "team.duty.end_rest": lambda w: (w.spare_id,),
    "team.reports.list_reports": lambda w: (Page(),),
    "team.reports.find_report": lambda w: (w.notice_id,),
    "team.reports.change_report": lambda w: (w.notice_id,),
    "team.reports.reopen_report": lambda w: (w.notice_id,),
    "team.roles.save_role": lambda w: (RoleDraft("quiet"),),
    "team.roles.remove_role": lambda w: ("quiet",),
    "team.roles.appoint": lambda w: (w.id_of("member"), "moderator"),
    "templates.save_template": lambda w: (TemplateDraft("a", {"en": "b"}),),
    "templates.withdraw_template": lambda w: (1,),
    "terms.set_terms": lambda w: ({"en": "Be kind."},),
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "erasing.erase_case": {"force": "The court has said so."},
    "servers.subscriptions.unsubscribe": {"lift": False},
    "team.reports.change_report": {"category": None, "rule_ids": None},
    "servers.permissions.describe_domain_permission": {
        "public_comment": "", "private_comment": "", "obfuscate": False,
    },
}  # fmt: skip


class TakenBack(Exception):
    """What was done is not to be kept."""


def table() -> dict[str, tuple[str, str]]:
    """Command -> permission, whose."""
    found = [line.split() for line in COMMANDS.strip().splitlines()]
    return {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in found}


def load(name: str) -> Any:
    """The function of that name."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(f"roseau.domain.moderation.{module}"), function)


def test_every_command_has_a_row() -> None:
    package = roseau.domain.moderation
    missing = []
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module, short = importlib.import_module(found.name), found.name.removeprefix(f"{package.__name__}.")
        for name, value_ in vars(module).items():
            own = inspect.isfunction(value_) and value_.__module__ == found.name
            if not own or name.startswith("_") or name in INNER.get(short, ()):
                continue
            parameters = list(inspect.signature(value_).parameters)
            asks = set(parameters) & set(ASKERS[:-1]) or "Forbidden" in (value_.__doc__ or "")
            if parameters[:1] == ["tx"] and asks and f"{short}.{name}" not in table():
                missing.append(f"{short}.{name}")
    assert missing == []


def call(world: World, name: str, role: str) -> str:
    """What somebody is told who calls the command; nothing of it stays."""
    function, told = load(name), "done"
    parameters = list(inspect.signature(function).parameters)
    site = [world.server.site] if parameters[1] == "site" else []
    arguments = ARGUMENTS[name](world) if name in ARGUMENTS else ()

    def run(tx: Any) -> None:
        nonlocal told
        try:
            function(tx, *site, world.id_of(role), *arguments, **KEYWORDS.get(name, {}))
        except RoseauError as error:
            told = type(error).__name__
            if isinstance(error, Forbidden):
                told = "Forbidden"
        raise TakenBack

    with pytest.raises(TakenBack):
        world.server.database.write_now(run)
    return told


def may(world: World, role: str, permission: str, whose: str) -> bool:
    """What the table says."""
    if whose == "answer" and role == "reviewer":
        return True
    if whose == "own":
        return role == "decider"
    out = {
        "case": {"party"}, "proposal": {"party", "decider"}, "answer": {"party", "decider", "second"},
    }  # fmt: skip
    return world.holds(role, permission) and role not in out.get(whose, set())


@pytest.mark.parametrize("role", EVERYBODY)
async def test_every_command(server: Any, cast: Any, at: Callable[[float], None], role: str) -> None:
    world = World(server, cast)
    at(60)
    wrong = []
    for name, (permission, whose) in table().items():
        told = call(world, name, role)
        # To a party there is no such report.
        refused = told == "Forbidden" or (name.startswith("team.reports") and told == "NotFound")
        if refused == may(world, role, permission, whose):
            wrong.append(f"{name}: {told}")
    assert wrong == []
