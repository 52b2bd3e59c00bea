"""Whether a reversal has put everything back: posts, follows, homes, and word to all who were told."""

from bench.channels import Post, Town
from roseau.domain.statuses.loading import load_status
from roseau.domain.timelines.queries import list_home
from roseau.storage.database import Transaction
from roseau.storage.pages import Page


def list_told(town: Town, decision_id: int) -> set[tuple[int | None, int | None]]:
    """Who was told of a decision: members by their account, others by their notice."""
    sql = (
        "SELECT DISTINCT account_id, CASE WHEN account_id IS NULL THEN notice_id END FROM deliveries"
        " WHERE decision_id = :d AND cancelled_at IS NULL AND (shown_at IS NOT NULL OR mailed_at IS NOT NULL)"
        " AND kind IN ('statement', 'warning', 'outcome') AND coalesce(account_id, notice_id) IS NOT NULL"
    )
    return {(row[0], row[1]) for row in town.ask(sql, d=decision_id)}


def is_whole(town: Town, decision_id: int, appeal_id: int, told: set[tuple[int | None, int | None]]) -> bool:
    """Whether posts, follows and homes are as before, and everybody who was told has been told again."""
    sql = (
        "SELECT DISTINCT d.account_id, CASE WHEN d.account_id IS NULL THEN d.notice_id END FROM deliveries d"
        " WHERE d.delivered_at IS NOT NULL AND d.kind IN ('reversal', 'appeal_answer') AND (d.appeal_id = :a"
        " OR d.decision_id IN (SELECT id FROM decisions WHERE reverses_id = :d))"
    )
    if told - {(row[0], row[1]) for row in town.ask(sql, d=decision_id, a=appeal_id)}:
        return False
    sql = (
        "SELECT count(*) FROM severances s JOIN measures m ON m.id = s.measure_id"
        " WHERE m.decision_id = :d AND s.restored_at IS NULL"
    )
    if town.ask(sql, d=decision_id) != [(0,)]:
        return False
    return all(_is_back(town, post) for post in _posts_of(town, decision_id))


def _posts_of(town: Town, decision_id: int) -> list[Post]:
    """The posts that a decision took away and that nothing else keeps away."""
    sql = (
        "SELECT coalesce(s.account_id, m.account_id) FROM measures m"
        " LEFT JOIN statuses s ON s.id = m.status_id"
        " WHERE m.decision_id = :d AND m.kind IN ('remove', 'suspend')"
    )
    authors = {row[0] for row in town.ask(sql, d=decision_id)}
    sql = (
        "SELECT count(*) FROM measures m LEFT JOIN measure_ends e ON e.measure_id = m.id"
        " LEFT JOIN statuses s ON s.id = m.status_id WHERE e.measure_id IS NULL AND m.decision_id <> :d"
        " AND m.kind IN ('remove', 'hold', 'suspend') AND coalesce(s.account_id, m.account_id) = :who"
    )
    return [
        post
        for post in town.posts
        if post.author_id in authors and town.ask(sql, d=decision_id, who=post.author_id) == [(0,)]
    ]


def _is_back(town: Town, post: Post) -> bool:
    """Whether the reader who follows its author has it in the home timeline and can open it."""

    def look(tx: Transaction) -> bool:
        home = list_home(tx, town.reader, Page(limit=1, max_id=post.id + 1))
        return [view.id for view in home] == [post.id] and load_status(tx, town.reader, post.id) is not None

    return town.server.database.read_now(look)
