"""A site where everything of moderation stands at once, and somebody of each role looks at it."""

from typing import Any

from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.decisions.second_voice import agree
from roseau.domain.moderation.desk.orders import OrderDraft, file_order
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.moderation.team.roles import RoleDraft, save_role
from roseau.domain.moderation.vocabulary import ROLES
from roseau.domain.policy import NewRule, RuleText, set_rules
from roseau.doors.server import Server
from roseau.kernel import clock
from tests.conftest import Cast, Member
from tests.moderation.acting import against, decide_on, make_post, remove, report, rows, value
from tests.moderation.reasons import change
from tests.moderation.test_letters import letter

#: Of the team, and in order: what their role holds is theirs.
TEAM = ("moderator", "party", "decider", "second", "admin", "owner", "clerk")
#: Everybody else, whom no door of the team opens to.
OTHERS = ("anonymous", "member", "author", "notifier", "reviewer", "suspended", "frozen", "unfactored")
EVERYBODY = OTHERS + TEAM
#: The one permission of the role that the site made itself.
CLERK = "view_audit_log"


class World:
    """The site. `people`: role -> who has it; the rest are ids and numbers of what there is."""

    def __init__(self, server: Server, cast: Cast) -> None:
        self.server, self.cast = server, cast
        server.database.write_now(set_rules, [NewRule({"en": RuleText("No insults")})])
        self.people: dict[str, Member | None] = {
            "anonymous": None, "member": cast.max, "author": cast.bob, "notifier": cast.ada,
            "reviewer": cast.join("rita", role="reviewer"), "owner": cast.olga,
            "admin": cast.join("adam", role="admin"),
            **{role: cast.join(name, role="moderator") for role, name in (
                ("moderator", "mona"), ("party", "paul"), ("decider", "dora"), ("second", "sven"),
                ("suspended", "susi"), ("frozen", "fred"))},
        }  # fmt: skip
        self._make_roles()
        self._make_case()
        self._make_appeal()
        self._make_proposal()
        self._make_desk()

    def id_of(self, role: str) -> int:
        """Whose id a command is given; nobody has the id 0."""
        member = self.people[role]
        return member.id if member else 0

    def holds(self, role: str, permission: str) -> bool:
        """What the role may do, as the vocabulary has it: no word of this is asked of the code under test."""
        if role not in TEAM:
            return False
        if role == "clerk":
            return permission == CLERK
        return permission in ROLES[role if role in ("admin", "owner") else "moderator"]

    def act(self, function: Any, *args: Any) -> Any:
        return self.server.database.write_now(function, self.server.site, *args)

    def _make_roles(self) -> None:
        drafts = (
            RoleDraft("clerk", permissions=(CLERK,)),
            RoleDraft("careful", permissions=tuple(ROLES["moderator"]), second_factor=True),
        )
        for draft in drafts:
            self.server.database.write_now(save_role, self.id_of("owner"), draft)
        self.people["clerk"] = self.cast.join("clara", role="clerk")
        self.spare_id = self.cast.join("cara", role="clerk").id
        self.people["unfactored"] = self.cast.join("uwe", role="careful")
        for kind, role in (("suspend", "suspended"), ("freeze", "frozen")):
            self._hold_back(kind, role)

    def _hold_back(self, kind: str, role: str) -> None:
        """Somebody of the team has done something themselves."""
        server, member, olga = self.server, self.people[role], self.people["owner"]
        assert member and olga
        case_id = report(server, None, make_post(server, member), source=role).case_ids[0]
        until = server.database.read_now(lambda tx: tx.now) + 30 * clock.DAY
        decide_on(server, olga, case_id, against(kind, member, until_at=until))

    def _make_case(self) -> None:
        """Bob's post, which Ada has reported, and Paul of the team."""
        server = self.server
        self.post_id = make_post(server, self.cast.bob)
        filed = report(server, self.cast.ada, self.post_id, reason="harassment")
        report(server, self.people["party"], self.post_id, reason="harassment")
        self.case_id, self.notice_id, self.notice_number = filed.case_ids[0], filed.notice_id, filed.number
        self.case = self._number(self.case_id)
        self.snapshot_id = value(server, "SELECT snapshot_id FROM notice_items WHERE id = :id",
                                 id=filed.item_ids[0])  # fmt: skip

    def _number(self, case_id: int) -> int:
        return int(value(self.server, "SELECT number FROM cases WHERE id = :id", id=case_id))

    def _suspend(self, name: str) -> tuple[Any, int, int]:
        target = self.cast.join(name)
        post_id = make_post(self.server, target)
        case_id = report(self.server, self.cast.ada, post_id).case_ids[0]
        report(self.server, self.people["party"], post_id)
        dora = self.people["decider"]
        assert dora
        return (
            decide_on(self.server, dora, case_id, remove(post_id), against("suspend", target)),
            case_id,
            target.id,
        )

    def _make_appeal(self) -> None:
        """Carl was suspended by Dora and Sven, and appeals; the outside reviewer may read it."""
        decided, _, target_id = self._suspend("carl")
        self.target_id = target_id
        recorded = self.act(agree, self.id_of("second"), decided.proposal_id)
        self.decision_id, self.decision = recorded.id, recorded.number
        draft = AppealDraft(decision_id=self.decision_id, text="I was not even there.", account_id=target_id)
        self.appeal_id = self.act(file_appeal, draft)
        change(self.server, "UPDATE appeals SET outside_reviewer_id = :who", who=self.id_of("reviewer"))
        self.appeal_case_id = value(self.server, "SELECT case_id FROM appeals")
        self.appeal_case = self._number(self.appeal_case_id)

    def _make_proposal(self) -> None:
        """Dora wants somebody suspended, and nobody has agreed yet."""
        decided, case_id, _ = self._suspend("cleo")
        self.proposal_id, self.interim_id = decided.proposal_id, decided.decision_id
        self.proposal_case = self._number(case_id)

    def _make_desk(self) -> None:
        """A letter and an order about a post of Bob's and one of Paul's, who is of the team."""
        paul = self.people["party"]
        assert paul
        posts = [make_post(self.server, self.cast.bob, "another"), make_post(self.server, paul, "Paul's own")]
        named = "\n".join(
            f"https://roseau.test/@{name}/{post}" for name, post in zip(("bob", "paul"), posts, strict=True)
        )
        received = self.server.database.write_now(receive_mail, self.server.site, letter(named))
        self.letter_id = received.letter_id
        self.letter_notice_id = received.notice_id
        self.letter_items = self._items(received.notice_id)
        order = OrderDraft(kind="tco", authority="Pharos", text=named)
        self.order_id = self.act(file_order, self.id_of("owner"), order)
        self.key_id = value(
            self.server,
            "SELECT evidence_keys.id FROM evidence_keys JOIN authority_orders"
            " ON authority_orders.case_id = evidence_keys.case_id",
        )
        self.order_items = self._items(value(self.server, "SELECT notice_id FROM authority_orders"))

    def _items(self, notice_id: Any) -> list[int]:
        sql = "SELECT id FROM notice_items WHERE notice_id = :id ORDER BY position"
        return [row[0] for row in rows(self.server, sql, id=notice_id)]
