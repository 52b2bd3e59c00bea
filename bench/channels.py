"""A small town for the scripts about moderation, and notices about its posts by every channel there is."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from roseau.domain.accounts.creation import NewAccount, Role, create_account
from roseau.domain.moderation.decisions.own_initiative import open_own_case
from roseau.domain.moderation.desk.orders import OrderDraft, file_order, load_order
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.domain.relationships.following import follow_account
from roseau.domain.site import choose
from roseau.domain.statuses.drafts import Draft, check_draft
from roseau.domain.statuses.posting import post_status
from roseau.doors.server import Server
from roseau.storage.database import Transaction
from roseau.storage.statements import statements

REASONS = ("harassment", "hate", "spam", "scam", "private_data", "threat", "other", "impersonation")


@dataclass
class Post:
    """A post, and whose it is."""

    id: int
    author_id: int
    author: str


@dataclass
class Town:
    """The site and its people: authors, those who report, a reader who follows everybody, and the team."""

    server: Server
    owner: int
    moderators: list[int]
    reader: int
    reporters: list[int]
    posts: list[Post]
    rules: list[int]
    chance: random.Random
    mails: int = 0

    def do(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """One command on the site."""
        return self.server.database.write_now(function, self.server.site, *given, **named)

    def ask(self, sql: str, **given: Any) -> list[Any]:
        """The rows that answer a question in SQL."""
        return self.server.database.read_now(lambda tx: tx.all(statements(sql, sql), **given))

    def url(self, post: Post) -> str:
        """The address of a post."""
        return f"{self.server.site.base_url}/@{post.author}/{post.id}"


def settle_town(server: Server, authors: int, chance: random.Random) -> Town:
    """Rules, a team of three and an owner, and authors with a post each; every other one reads French."""

    def fill(tx: Transaction) -> Town:
        choose(tx, None, contact_authorities="law@bench.example", contact_users="help@bench.example")
        said = (("No insults", "Pas d’insultes"), ("No advertising", "Pas de publicité"))
        set_rules(tx, [NewRule({"en": RuleText(en), "fr": RuleText(fr)}) for en, fr in said])

        def join(name: str, role: Role = "member", locale: str = "en") -> int:
            new = NewAccount(
                username=name,
                email=f"{name}@bench.example",
                role=role,
                locale=locale,
            )
            return create_account(tx, server.site, new, reserved_allowed=True)

        owner, reader = join("olga", "owner"), join("reader")
        moderators = [join(f"moderator{number}", "moderator") for number in range(3)]
        reporters = [join(f"reporter{n}", locale=("fr", "en")[n % 2]) for n in range(40)]
        posts = []
        for number in range(authors):
            name, language = f"author{number}", ("en", "fr")[number % 2]
            author = join(name, locale=language)
            follow_account(tx, reader, author)
            text = f"What I think of it, number {number}"
            draft = check_draft(server.site, Draft(text=text, language=language))
            posts.append(Post(post_status(tx, server.site, author, draft), author, name))
        rules = [rule.id for rule in list_rules(tx)]
        return Town(server, owner, moderators, reader, reporters, posts, rules, chance)

    return server.database.write_now(fill)


# A notice by each channel; each returns the notice's id.


def _by_account(town: Town, post: Post, channel: str) -> int:
    draft = NoticeDraft(
        channel=channel,  # type: ignore[arg-type]
        reason=town.chance.choice(REASONS),
        language=town.chance.choice(("en", "fr")),
        account_id=town.chance.choice(town.reporters),
        target_account_id=post.author_id,
        status_ids=(post.id,),
        comment="Please look at this.",
    )
    return int(town.do(file_notice, draft).notice_id)


def _by_stranger(town: Town, post: Post, channel: str) -> int:
    town.mails += 1
    address = f"neighbour{town.mails}@elsewhere.example"
    draft = NoticeDraft(
        channel=channel,  # type: ignore[arg-type]
        reason=town.chance.choice(REASONS),
        language=town.chance.choice(("en", "fr")),
        contact=("Vera Voisin", address),
        good_faith=True,
        uris=(town.url(post),),
        comment="It is against the law.",
        source=address,
    )
    return int(town.do(file_notice, draft).notice_id)


def _nameless(town: Town, post: Post) -> int:
    draft = NoticeDraft(
        channel="web", reason="csam", uris=(town.url(post),), comment="A child.", good_faith=True
    )
    return int(town.do(file_notice, draft).notice_id)


def _by_mail(town: Town, head: str, body: str) -> int:
    town.mails += 1
    raw = (
        f"To: abuse@bench.example\nDate: {formatdate()}\nMessage-ID: <{town.mails}@bench>\n{head}\n\n{body}\n"
    )
    received = town.do(receive_mail, raw.encode())
    if received.notice_id is None:
        raise RuntimeError(f"a mail was not taken in: {received.refusal}")
    return int(received.notice_id)


def _plain_mail(town: Town, post: Post) -> int:
    sender = f"From: Vera <neighbour{town.mails}@elsewhere.example>\nSubject: Please look"
    return _by_mail(town, sender, f"This post insults me:\n{town.url(post)}")


def _arf(town: Town, post: Post) -> int:
    head = (
        "From: fbl@isp.example\nSubject: Abuse\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"'
    )
    body = (
        f"--b\nContent-Type: text/plain\n\nA report, number {town.mails}.\n--b\n"
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: bench/1\nVersion: 1\n"
        f"Reported-URI: {town.url(post)}\n--b--"
    )
    return _by_mail(town, head, body)


def _xarf(town: Town, post: Post) -> int:
    who = {"org": "Example", "contact": "abuse@example.org", "domain": "example.org"}
    report = {
        "xarf_version": "4.0.0", "report_id": f"00000000-0000-4000-8000-{town.mails:012d}",
        "timestamp": "2026-11-20T10:00:00Z", "reporter": who, "sender": who,
        "source_identifier": "192.0.2.7", "category": "content", "type": "fraud", "url": town.url(post),
    }  # fmt: skip
    head = "From: abuse@example.org\nSubject: report\nMIME-Version: 1.0\nContent-Type: application/json"
    return _by_mail(town, head, json.dumps(report))


def _letter(town: Town, post: Post) -> int:
    head = f"From: Abuse desk <abuse@hetzner.com>\nSubject: Abuse case 47-{town.mails}"
    return _by_mail(town, head, f"Within 24 hours, please take down:\n{town.url(post)}")


def _order(town: Town, post: Post) -> int:
    draft = OrderDraft(kind="dsa_9", authority="The court of Rennes", text=town.url(post))
    order_id = town.do(file_order, town.owner, draft)
    return int(town.server.database.read_now(load_order, town.owner, order_id).notice_id)


def _own(town: Town, post: Post) -> int:
    case_id = town.do(open_own_case, town.moderators[0], f"status:{post.id}", reason="spam")
    return int(town.ask("SELECT notice_id FROM notice_items WHERE case_id = :c", c=case_id)[-1][0])


#: Every channel, and how often it comes among twenty notices.
CHANNELS: dict[str, tuple[int, Callable[[Town, Post], int]]] = {
    "in_app": (6, lambda town, post: _by_account(town, post, "in_app")),
    "web": (3, lambda town, post: _by_stranger(town, post, "web")),
    "web, nameless": (1, _nameless),
    "mail": (2, _plain_mail),
    "arf": (1, _arf),
    "xarf": (1, _xarf),
    "ap_flag": (1, lambda town, post: _by_stranger(town, post, "ap_flag")),
    "trusted_flagger": (2, lambda town, post: _by_stranger(town, post, "trusted_flagger")),
    "own_initiative": (1, _own),
    "host_letter": (1, _letter),
    "authority_order": (1, _order),
}
