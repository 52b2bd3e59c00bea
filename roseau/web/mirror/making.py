"""A round of the mirror: `renew` brings a folder to what strangers may read of the site at this moment."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from babel import dates

from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView
from roseau.kernel import clock
from roseau.storage.reading import Readable
from roseau.survival.mirror import plan
from roseau.survival.mirror.content import to_digest, to_marks
from roseau.survival.mirror.folder import Folder, Sign
from roseau.survival.mirror.format import Signed
from roseau.web import assets
from roseau.web.mirror.links import Links, account_file, status_file, tag_file
from roseau.web.mirror.site import (
    Place,
    load_crew,
    load_people,
    load_place,
    load_profile,
    load_views,
    look_of,
)
from roseau.web.rendering import environment

#: Posts on the first page, on a member's, under a hashtag, in a feed; and on each page of a month.
FRONT, PROFILE, TAG, FEED, MONTH = 20, 20, 40, 20, 50
_PEOPLE = 200
#: Posts that are read in one transaction.
_BATCH = 200
#: What a conversation shows above and below a post, as on the site, and how deep answers are indented.
_ABOVE, _BELOW, _DEEPEST = 40, 60, 3
_STYLE_URL: Final = re.compile(r"url\(/static/([^)]+)\)")
_ASSETS: Final = ("icons.svg", "mark.svg", "mirror/verify.js")


class Done(msgspec.Struct, frozen=True):
    """What a round came to: the signed index, and how many files are new or different."""

    signed: Signed
    written: int


class _Round(msgspec.Struct, frozen=True, kw_only=True):
    folder: Folder
    database: Readable
    place: Place
    look: str
    now: int
    people: frozenset[str]

    def links(self, path: str) -> Links:
        return Links(path, self.place.base_url, self.people, tags=self.place.open)

    def put(self, template: str, path: str, live_path: str, *, inputs: str = "", **context: Any) -> None:
        """Render a page and have it in the mirror."""
        at = self.links(path)
        found = environment(self.place.language).get_template(f"mirror/{template}")
        body = found.render(at=at, place=self.place, now=self.now, live_path=live_path, **context)
        self.folder.put(path, body.encode(), inputs=inputs, blobs=at.blobs)

    def load(self, ids: list[int]) -> list[StatusView]:
        return self.database.read_now(load_views, ids)


def renew(
    folder: Folder,
    database: Readable,
    site: Site,
    *,
    names: tuple[str, ...],
    find_blob: Callable[[str], Path | None],
    sign: Sign,
) -> Done:
    """Make anew what is different, take away what may no longer be read, and sign the whole."""
    now = clock.now()
    folder.begin(now)
    place = database.read_now(load_place, site, names)
    look = look_of(place)
    anew = folder.fact("look") != look
    changes = plan.compare(folder.state, database, anew)
    known = folder.state.execute("SELECT username FROM people")
    made = _Round(
        folder=folder, database=database, place=place, look=look, now=now,
        people=frozenset(username for (username,) in known),
    )  # fmt: skip
    if anew:
        _put_assets(folder)
    _take_away(made, changes)
    _make_posts(made)
    _make_people(made, changes)
    _make_months(made, changes)
    _make_site(made, changes)
    folder.take_media(find_blob)
    folder.remember("look", look)
    signed = folder.finish(site=place.base_url, names=place.names, title=place.title, now=now, sign=sign)
    return Done(signed, folder.written)


def _put_assets(folder: Folder) -> None:
    style = assets.find_asset("css/roseau.css")
    text = style.body.decode()
    wanted = {f"static/{name}" for name in _STYLE_URL.findall(text)}
    bodies = {url: assets.find_asset(re.sub(r"\.[0-9a-f]{8}(\.\w+)$", r"\1", url[7:])).body for url in wanted}
    bodies |= {assets.asset(name)[1:]: assets.find_asset(name).body for name in _ASSETS}
    bodies[style.url[1:]] = _STYLE_URL.sub(r"url(../\1)", text).encode()
    for path in folder.list_paths("static/"):
        if path not in bodies:
            folder.drop(path)
    for path, body in bodies.items():
        folder.put(path, body)


def _take_away(made: _Round, changes: plan.Plan) -> None:
    for username, post_id in changes.gone_posts:
        made.folder.drop(status_file(username, post_id))
    gone = [f"@{username}/" for username in changes.gone_people]
    if not made.place.open:
        gone += ["local/", "tags/", "feed.xml"]
    for prefix in gone:
        for path in made.folder.list_paths(prefix):
            made.folder.drop(path)


# Posts


def _make_posts(made: _Round) -> None:
    for rows in plan.list_conversations(made.folder.state, _BATCH):
        views = {view.id: view for view in made.load([post_id for _, post_id, _ in rows])}
        usernames = _usernames(made, [post_id for _, post_id, _ in rows if post_id not in views])
        children: dict[int, list[int]] = {}
        for _, post_id, parent_id in rows:
            children.setdefault(parent_id, []).append(post_id)
        for _, post_id, _ in rows:
            view = views.get(post_id)
            if view is None:
                # It went away since the posts were listed; the next round forgets it.
                made.folder.drop(status_file(usernames[post_id], post_id))
                continue
            author = view.author.account
            made.put(
                "post.html",
                status_file(author.username, post_id),
                f"@{author.username}/{post_id}",
                view=view,
                above=_above(view, views),
                below=_below(post_id, views, children),
                hidden_from_search=not author.indexable or view.status.visibility != "public",
            )


def _usernames(made: _Round, ids: list[int]) -> dict[int, str]:
    state = made.folder.state
    return {
        post_id: state.execute("SELECT username FROM posts WHERE id = ?", (post_id,)).get for post_id in ids
    }


def _above(view: StatusView, views: dict[int, StatusView]) -> list[StatusView | None]:
    """What was said before, oldest first; None at the top for what is not in the mirror."""
    found: list[StatusView | None] = []
    parent_id = view.status.in_reply_to_id
    while parent_id and len(found) < _ABOVE:
        parent = views.get(parent_id)
        found.append(parent)
        parent_id = parent.status.in_reply_to_id if parent else None
    return found[::-1]


def _below(
    post_id: int, views: dict[int, StatusView], children: dict[int, list[int]]
) -> list[tuple[StatusView, int]]:
    """Each answer right below what it answers, with its depth."""
    found: list[tuple[StatusView, int]] = []
    waiting = [(child, 1) for child in reversed(children.get(post_id, []))]
    while waiting and len(found) < _BELOW:
        child, depth = waiting.pop()
        if child in views:
            found.append((views[child], min(depth, _DEEPEST)))
            waiting.extend((below, depth + 1) for below in reversed(children.get(child, [])))
    return found


# People


def _make_people(made: _Round, changes: plan.Plan) -> None:
    state = made.folder.state
    for person in changes.people:
        marks = plan.list_newest(state, PROFILE, person.username)
        found = made.database.read_now(load_profile, person.id, [post_id for post_id, _ in marks])
        if found is None:
            continue
        account = found.view.account
        pinned = [view for view in found.pinned if plan.is_listed(state, view.id)]
        above = {view.id for view in pinned}
        path = account_file(person.username)
        months = plan.list_months(state, person.username)
        made.put(
            "profile.html",
            path,
            f"@{person.username}",
            account=account,
            moved_to=found.moved_to,
            pinned=pinned,
            views=[view for view in found.views if view.id not in above],
            entries=_month_entries(made, f"@{person.username}", months),
            hidden_from_search=not account.indexable,
        )
        _put_feed(made, f"@{person.username}/feed.xml", path, account.name, found.views, account)


def _put_feed(
    made: _Round,
    path: str,
    page: str,
    title: str,
    views: list[StatusView],
    author: Any = None,
    inputs: str = "",
) -> None:
    newest = views[:FEED]
    moments = [view.status.edited_at or view.status.created_at for view in newest]
    made.put(
        "feed.xml",
        path,
        page.removesuffix("index.html").rstrip("/"),
        inputs=inputs,
        title=title,
        page=page,
        views=newest,
        author=author,
        updated=max(moments, default=made.now if author is None else author.created_at),
    )


# Months


def _make_months(made: _Round, changes: plan.Plan) -> None:
    state = made.folder.state
    for username, period in changes.months:
        marks = plan.list_month(state, username, period)
        _make_month(made, f"@{username}", period, marks, f"@{username}")
    for period in changes.periods if made.place.open else ():
        _make_month(made, "local", period, plan.list_period(state, period), made.place.title)


def _make_month(made: _Round, folder: str, period: str, marks: plan.Marks, name: str) -> None:
    """The pages of a month, so many posts each. Counted from the oldest, full ones stay as they are."""
    parts = list(plan.in_batches(marks, MONTH))
    paths = [f"{folder}/{period}-{number}.html" for number in range(1, len(parts) + 1)]
    for path in set(made.folder.list_paths(f"{folder}/{period}-")) - set(paths):
        made.folder.drop(path)
    for index, (path, part) in enumerate(zip(paths, parts, strict=True)):
        newer = paths[index + 1] if index + 1 < len(paths) else ""
        inputs = to_digest(made.look, newer, to_marks(part))
        if made.folder.inputs(path) == inputs:
            continue
        views = made.load([post_id for post_id, _ in reversed(part)])
        made.put(
            "list.html",
            path,
            "local" if folder == "local" else folder,
            inputs=inputs,
            heading=f"{name}, {_month_words(made, period)}",
            views=views,
            older=paths[index - 1] if index else "",
            newer=newer,
            hidden_from_search=True,
        )


def _month_entries(made: _Round, folder: str, months: list[str]) -> list[tuple[str, str]]:
    return [(f"{folder}/{period}-1.html", _month_words(made, period)) for period in months]


def _month_words(made: _Round, period: str) -> str:
    day = date.fromisoformat(f"{period}-01")
    return str(dates.format_skeleton("yMMMM", day, locale=made.place.language))


# The site


def _make_site(made: _Round, changes: plan.Plan) -> None:
    state = made.folder.state
    marks = plan.list_newest(state, FRONT) if made.place.open else []
    months = plan.list_months(state) if made.place.open else []
    ids = [account_id for (account_id,) in state.execute("SELECT id FROM people")]
    people = made.database.read_now(load_people, ids)[:_PEOPLE]
    shown = [f"{view.id} {view.account.version}" for view in people]
    inputs = to_digest(made.look, to_marks(marks), *months, *shown)
    if made.folder.inputs("index.html") != inputs:
        views = made.load([post_id for post_id, _ in marks])
        made.put(
            "front.html", "index.html", "", inputs=inputs, open=made.place.open, views=views, people=people,
            entries=_month_entries(made, "local", months),
        )  # fmt: skip
        if made.place.open:
            _put_feed(made, "feed.xml", "index.html", made.place.title, views, inputs=inputs)
    for tag in changes.tags if made.place.open else ():
        _make_tag(made, tag)
    staff = made.database.read_now(load_crew)
    inputs = to_digest(made.look, *(f"{view.id} {view.account.version} {role}" for view, role in staff))
    if made.folder.inputs("about.html") != inputs:
        made.put("about.html", "about.html", "about", inputs=inputs, staff=staff)
    if made.folder.inputs("rules.html") != made.look:
        made.put("rules.html", "rules.html", "rules", inputs=made.look, entries=made.place.rules)


def _make_tag(made: _Round, tag: str) -> None:
    path = tag_file(tag)
    marks = plan.list_tag(made.folder.state, tag, TAG)
    if not marks:
        made.folder.drop(path)
        return
    inputs = to_digest(made.look, to_marks(marks))
    if made.folder.inputs(path) != inputs:
        views = made.load([post_id for post_id, _ in marks])
        made.put(
            "list.html", path, f"tags/{tag}", inputs=inputs, heading=f"#{tag}", views=views,
            older="", newer="", hidden_from_search=True,
        )  # fmt: skip
