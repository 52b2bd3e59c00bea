"""The whole of moderation played once, with marked words, so that a test finds each wherever it got to."""

from collections.abc import Callable
from typing import Any

from roseau.domain.moderation.cases.working import add_note, claim
from roseau.domain.moderation.desk.disposing import Compliance, comply
from roseau.domain.moderation.desk.orders import OrderDraft, file_order
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.doors.server import Server
from roseau.kernel import clock
from tests.conftest import Cast
from tests.moderation.acting import LAW, decide_on, make_post, remove, report, rows, value
from tests.moderation.appealing import Story, answer, appeal
from tests.moderation.test_letters import letter

#: Who sent notices: a member, somebody with the form, somebody by mail, and another server's word for it.
MEMBER, OUTSIDER, ADDRESS = "wren_notifies", "Olive Outsider", "olive.outsider@far.example"
WRITER = "walt.writer@mail.example"
COMMENTS = ("COMMENT-BY-APP", "COMMENT-BY-FORM", "COMMENT-BY-MAIL", "COMMENT-BY-FLAG", "COMMENT-BY-OTHER")
OTHER = "finch_notifies"
#: What the team says to itself, and who it is.
NOTE, DECIDER, REVIEWER = "NOTE-OF-TEAM", "mona_decides", "karim_reviews"
#: What was taken away, why the author was told that it was, and what was said against that.
REMOVED, KEPT_BACK, FACTS, APPEAL = "TEXT-REMOVED", "TEXT-UNDER-ORDER", "FACTS-FOR-AUTHOR", "APPEAL-OF-AUTHOR"
BACK = "TEXT-PUT-BACK"
REASONS, APPEAL_OF_NOTIFIER = "REASONS-TO-AUTHOR", "APPEAL-OF-NOTIFIER"
LETTER, ORDER = "LETTER-OF-HOST", "ORDER-OF-POLICE"


class Told:
    """Everything that happened; `posts`: marked text -> status."""

    def __init__(self, server: Server, cast: Cast, at: Callable[[float], None], settle: Any) -> None:
        self.server, self.cast, self.at, self.settle = server, cast, at, settle
        server.database.write_now(set_rules, [NewRule({"en": RuleText("No insults")})])
        self.author, self.stranger, self.other = cast.bob, cast.max, cast.join(OTHER)
        self.notifier = cast.join(MEMBER)
        self.decider = cast.join(DECIDER, role="moderator")
        self.reviewer = cast.join(REVIEWER, role="moderator")
        self.posts = {
            text: make_post(server, self.author, f"{text} and more") for text in (REMOVED, BACK, KEPT_BACK)
        }
        self.letter_post = make_post(server, self.author, f"{REMOVED} by letter")

    async def play(self) -> None:
        """From the first notice to the last answer."""
        await self.settle()
        self._report()
        await self.settle()
        await self._decide()
        await self._appeal()
        await self._desk()
        self.at(4000)
        await self.settle()

    def _write(self, function: Any, *args: Any) -> Any:
        return self.server.database.write_now(function, self.server.site, *args)

    def _report(self) -> None:
        removed, back = self.posts[REMOVED], self.posts[BACK]
        server, reason = self.server, {"reason": "harassment"}
        filed = report(server, self.notifier, removed, comment=COMMENTS[0], **reason)
        self.case_id, self.number = filed.case_ids[0], filed.number
        report(server, self.other, removed, comment=COMMENTS[4], **reason)
        contact = (OUTSIDER, ADDRESS)
        self.outside_number = report(
            server, None, removed, comment=COMMENTS[1], contact=contact, source="203.0.113.9", **reason
        ).number
        body = f"{COMMENTS[2]}: https://roseau.test/@bob/{removed}"
        server.database.write_now(receive_mail, server.site, letter(body, WRITER, "A post"))
        report(server, None, removed, channel="ap_flag", comment=COMMENTS[3], source="far.example", **reason)
        self.back_case = report(server, self.notifier, back, comment=COMMENTS[0], **reason).case_ids[0]

    async def _decide(self) -> None:
        rule_id = self.server.database.read_now(list_rules)[0].id
        by_rule = {"ground": "rule", "rule_id": rule_id, "law": "", "facts": FACTS}
        self._write(claim, self.decider.id, self.case_id)
        self._write(add_note, self.decider.id, self.case_id, NOTE)
        self.decided = decide_on(
            self.server, self.decider, self.case_id, remove(self.posts[REMOVED]), **by_rule
        )
        self.undone = decide_on(
            self.server, self.decider, self.back_case, remove(self.posts[BACK]), **by_rule
        )
        self.at(60)
        await self.settle()

    async def _appeal(self) -> None:
        stories = [
            Story(0, "", 0, decided.decision_id, decided.number) for decided in (self.decided, self.undone)
        ]
        self.appeals = [appeal(self.server, one, self.author, text=APPEAL) for one in stories]
        self.appeals.append(appeal(self.server, stories[0], self.notifier, text=APPEAL_OF_NOTIFIER))
        await self.settle()
        for appeal_id, outcome in zip(self.appeals, ("refused", "granted", "refused"), strict=True):
            reasons = "It is as it is." if appeal_id == self.appeals[2] else REASONS
            answer(self.server, self.reviewer, appeal_id, outcome, reasons=reasons)
        await self.settle()

    async def _desk(self) -> None:
        raw = letter(f"https://roseau.test/@bob/{self.letter_post}", subject=LETTER)
        received = self.server.database.write_now(receive_mail, self.server.site, raw)
        now = self.server.database.read_now(lambda tx: tx.now)
        order = OrderDraft(
            kind="tco", authority=ORDER, text=f"https://roseau.test/@bob/{self.posts[KEPT_BACK]}",
            confidential_until=now + 40 * clock.DAY,
        )  # fmt: skip
        self._write(file_order, self.cast.olga.id, order)
        how = Compliance(ground="law", law=LAW, facts=FACTS)
        self._write(comply, self.decider.id, self.items(received.notice_id), how)
        of_order = value(self.server, "SELECT notice_id FROM authority_orders")
        self._write(comply, self.cast.olga.id, self.items(of_order), how)
        self.at(120)
        await self.settle()

    def items(self, notice_id: Any) -> list[int]:
        """The items of a notice."""
        return [
            row[0]
            for row in rows(self.server, "SELECT id FROM notice_items WHERE notice_id = :id", id=notice_id)
        ]
