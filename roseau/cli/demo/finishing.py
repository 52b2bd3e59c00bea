"""What a community leaves behind for each reader: home timelines, notifications, pins, bookmarks, lists."""

from collections.abc import Callable

from roseau.cli.demo.community import Community, Post
from roseau.domain.notifications.telling import GROUP_SPAN, GROUPED
from roseau.kernel import clock

HOME = 200
#: As many of each author's posts are looked at for a home timeline.
DEEP = 200

_RULES = (
    ("Parlez aux gens comme s’ils étaient en face de vous.", "Talk to people as if they stood before you."),
    (
        "Décrivez vos images : tout le monde ne les voit pas.",
        "Describe your pictures: not everybody sees them.",
    ),
    ("Citez vos sources, corrigez vos erreurs.", "Name your sources, correct your mistakes."),
)
_LISTS = {"fr": ("Le quartier", "Journal"), "en": ("Neighbours", "News")}


def finish(community: Community, report: Callable[[int, int], None]) -> None:
    """Write everything that follows from what was said."""
    posts_by: list[list[Post]] = [[] for _ in community.people]
    for post in community.posts:
        posts_by[post.author].append(post)
    for reader in range(len(community.people)):
        _lay_out_home(community, posts_by, reader)
        _tell(community, reader)
        _keep_some(community, posts_by, reader)
        report(reader, len(community.people))
    _make_lists(community)
    _write_rules(community)
    community.rows.flush()


def _lay_out_home(community: Community, posts_by: list[list[Post]], reader: int) -> None:
    """As the fan-out would have, had it seen each post: `domain/timelines/fanout.py`."""
    known = {reader, *community.following[reader]}
    found = [post for author in known for post in posts_by[author][-DEEP:]]
    found.sort(key=lambda post: post.id, reverse=True)
    shown: set[int] = set()
    entries = []
    for post in found:
        if post.author != reader and not _is_for(community, post, known):
            continue
        if (post.reblog_of or post.id) in shown:
            continue
        shown.add(post.reblog_of or post.id)
        entries.append(post)
        if len(entries) == HOME:
            break
    for post in reversed(entries):
        community.rows.add(
            "home_entries",
            account_id=community.people[reader].id,
            status_id=post.id,
            author_id=community.people[post.author].id,
            reblog_of_id=post.reblog_of or None,
        )


def _is_for(community: Community, post: Post, known: set[int]) -> bool:
    """Whether followers of both sides only, or of the author, see it at home."""
    if post.visibility == "direct":
        return False
    return post.parent_author in (-1, post.author) or post.parent_author in known


def _tell(community: Community, reader: int) -> None:
    """As the reactions would have told: `domain/notifications/telling.py`."""
    for told in community.told[reader]:
        notification_id = community.new_id(told.at)
        about = f"{told.status_id}-{told.about}" if told.kind == "favourite" else str(told.about)
        group = f"{told.kind}-{told.at // GROUP_SPAN}"
        if told.status_id is not None:
            group = f"{told.kind}-{told.status_id}-{told.at // GROUP_SPAN}"
        community.rows.add(
            "notifications",
            id=notification_id,
            account_id=community.people[reader].id,
            type=told.kind,
            from_account_id=community.people[told.by].id,
            status_id=told.status_id,
            dedupe=f"{told.kind}-{about}",
            group_key=group if told.kind in GROUPED else f"ungrouped-{notification_id}",
            filtered=False,
            created_at=told.at,
        )


def _keep_some(community: Community, posts_by: list[list[Post]], reader: int) -> None:
    """A pin on some profiles, and a few bookmarks: more for the owner, whose pages are looked at."""
    rng, account_id = community.rng, community.people[reader].id
    own = [post for post in posts_by[reader] if post.visibility == "public" and not post.reblog_of]
    if own and (reader == 0 or rng.random() < 0.3):
        post = rng.choice(own)
        _mark(community, "pins", account_id, post)
    wanted = 15 if reader == 0 else rng.choice((0, 0, 0, 1, 2))
    late = community.posts[-2_000:]
    open_posts = {post.id: post for post in rng.sample(late, min(len(late), wanted * 3))}
    chosen = [post for post in open_posts.values() if post.visibility == "public" and not post.reblog_of]
    for post in chosen[:wanted]:
        _mark(community, "bookmarks", account_id, post)


def _mark(community: Community, table: str, account_id: int, post: Post) -> None:
    at = community.soon_after(post.at, clock.HOUR)
    community.rows.add(
        table, id=community.new_id(at), account_id=account_id, status_id=post.id, created_at=at
    )


def _make_lists(community: Community) -> None:
    """Two lists and two followed hashtags for the owner."""
    owner, friends = community.people[0], community.following[0]
    for number, title in enumerate(_LISTS[owner.language]):
        list_id = community.new_id(community.start)
        community.rows.add("lists", id=list_id, account_id=owner.id, title=title, created_at=community.start)
        for friend in friends[number::2][:12]:
            community.rows.add(
                "list_accounts",
                id=community.new_id(community.start),
                list_id=list_id,
                account_id=community.people[friend].id,
            )
    for tag_id in list(community.tag_ids.values())[:2]:
        community.rows.add(
            "tag_follows",
            id=community.new_id(community.start),
            account_id=owner.id,
            tag_id=tag_id,
            created_at=community.start,
        )


def _write_rules(community: Community) -> None:
    for place, (french, english) in enumerate(_RULES, 1):
        rule_id = community.new_id(community.start)
        community.rows.add("rules", id=rule_id, position=place, created_at=community.start)
        for language, text in (("fr", french), ("en", english)):
            community.rows.add("rule_texts", rule_id=rule_id, language=language, text=text, hint="")
