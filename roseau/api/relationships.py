"""What members do about each other (docs.joinmastodon.org/methods/accounts): follow, block, mute, note."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.present.accounts import to_account
from roseau.api.present.relationships import to_muted_account, to_relationship
from roseau.api.routing import Call, Routes
from roseau.domain.relationships import blocking, following, listing, marks
from roseau.domain.relationships.loading import Relationship, load_relationship, load_relationships
from roseau.doors import limits
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()

#: As many people as one question may be about.
MAX_IDS = 200

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


class IdsForm(msgspec.Struct):
    """Several accounts, by id."""

    id: list[str] = []
    with_suspended: bool = False

    def ids(self) -> list[int]:
        """Those that can be ids."""
        return [found for text in self.id[:MAX_IDS] if (found := parse_id(text)) is not None]


class FollowForm(msgspec.Struct):
    """How to follow; what is not given stays as it is."""

    reblogs: bool | None = None
    notify: bool | None = None
    languages: list[str] | None = None


class MuteForm(msgspec.Struct):
    """How to mute; `duration` in seconds, 0 for good."""

    notifications: bool = True
    duration: int = 0


class NoteForm(msgspec.Struct):
    """A private note."""

    comment: str = ""


class DomainForm(msgspec.Struct):
    """Another site."""

    domain: str = ""


async def change(call: Call, command: Callable[..., None], *args: Any, **kwargs: Any) -> Response:
    """Do something about the account in the path, and answer what is between the two then."""
    target_id = call.path_id()

    def act(tx: Transaction) -> Relationship:
        command(tx, call.viewer, target_id, *args, **kwargs)
        relationship = load_relationship(tx, call.viewer, target_id)
        if relationship is None:
            raise NotFound
        return relationship

    return call.json(to_relationship(await call.server.database.write(act)))


def answer_people(call: Call, found: list[listing.Related], page: Page) -> Response:
    """A page of accounts, with links that go by the rows which relate people."""
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json_list([to_account(call.server.site.base_url, related.view) for related in found])


@routes.get("/api/v1/accounts/relationships", scope="read:follows")
async def relationships(call: Call) -> Response:
    """What is between oneself and these people."""
    form = await call.form(IdsForm)
    found = await call.server.database.read(
        load_relationships, call.viewer, form.ids(), with_suspended=form.with_suspended
    )
    return call.json([to_relationship(relationship) for relationship in found])


@routes.post("/api/v1/accounts/{id}/follow", scope="write:follows")
async def follow(call: Call) -> Response:
    """Follow, or ask a locked account to be let in."""
    form = await call.form(FollowForm)
    languages = None if form.languages is None else [code for code in form.languages if code]
    if languages and not all(_LANGUAGE.match(code) for code in languages):
        raise Invalid("Validation failed: Languages is not a list of language codes")
    call.spend(limits.FOLLOWS)
    return await change(
        call, following.follow_account, reblogs=form.reblogs, notify=form.notify, languages=languages
    )


@routes.post("/api/v1/accounts/{id}/unfollow", scope="write:follows")
async def unfollow(call: Call) -> Response:
    """Follow, or ask, no longer."""
    return await change(call, following.unfollow_account)


@routes.post("/api/v1/accounts/{id}/remove_from_followers", scope="write:follows")
async def remove_from_followers(call: Call) -> Response:
    """Have somebody follow oneself no longer."""
    return await change(call, following.remove_follower)


@routes.post("/api/v1/accounts/{id}/block", scope="write:blocks")
async def block(call: Call) -> Response:
    """Have nothing more to do with somebody."""
    return await change(call, blocking.block_account)


@routes.post("/api/v1/accounts/{id}/unblock", scope="write:blocks")
async def unblock(call: Call) -> Response:
    """Take a block back."""
    return await change(call, blocking.unblock_account)


@routes.post("/api/v1/accounts/{id}/mute", scope="write:mutes")
async def mute(call: Call) -> Response:
    """See nothing more of somebody, for a while or for good."""
    form = await call.form(MuteForm)
    return await change(call, blocking.mute_account, notifications=form.notifications, duration=form.duration)


@routes.post("/api/v1/accounts/{id}/unmute", scope="write:mutes")
async def unmute(call: Call) -> Response:
    """Take a mute back."""
    return await change(call, blocking.unmute_account)


@routes.post("/api/v1/accounts/{id}/note", scope="write:accounts")
async def note(call: Call) -> Response:
    """Keep a note that only oneself sees."""
    form = await call.form(NoteForm)
    return await change(call, marks.set_note, form.comment)


@routes.post("/api/v1/accounts/{id}/pin", scope="write:accounts")
@routes.post("/api/v1/accounts/{id}/endorse", scope="write:accounts")
async def endorse(call: Call) -> Response:
    """Show somebody on one's profile."""
    return await change(call, marks.endorse_account)


@routes.post("/api/v1/accounts/{id}/unpin", scope="write:accounts")
@routes.post("/api/v1/accounts/{id}/unendorse", scope="write:accounts")
async def unendorse(call: Call) -> Response:
    """Show somebody on one's profile no longer."""
    return await change(call, marks.unendorse_account)


@routes.get("/api/v1/endorsements", scope="read:accounts")
async def endorsements(call: Call) -> Response:
    """Whom one shows on one's profile."""
    page = call.page(40, 80)
    found = await call.server.database.read(listing.list_endorsed, call.viewer, call.viewer, page)
    return answer_people(call, found, page)


@routes.get("/api/v1/blocks", scope="read:blocks")
async def blocks(call: Call) -> Response:
    """Whom one blocks."""
    page = call.page(40, 80)
    found = await call.server.database.read(listing.list_blocked, call.viewer, page)
    return answer_people(call, found, page)


@routes.get("/api/v1/mutes", scope="read:mutes")
async def mutes(call: Call) -> Response:
    """Whom one mutes, and until when."""
    page = call.page(40, 80)
    found = await call.server.database.read(listing.list_muted, call.viewer, page)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json_list([to_muted_account(call.server.site.base_url, related) for related in found])


@routes.get("/api/v1/domain_blocks", scope="read:blocks")
async def domain_blocks(call: Call) -> Response:
    """The sites that one hides."""
    page = call.page(100, 200)
    found = await call.server.database.read(listing.list_blocked_domains, call.viewer, page)
    if found:
        call.link(found[0][0], found[-1][0], full=len(found) >= page.limit)
    return call.json([domain for _, domain in found])


@routes.post("/api/v1/domain_blocks", scope="write:blocks")
async def block_domain(call: Call) -> Response:
    """Hide another site."""
    form = await call.form(DomainForm)
    await call.server.database.write(blocking.block_domain, call.server.site, call.viewer, form.domain)
    return call.json({})


@routes.delete("/api/v1/domain_blocks", scope="write:blocks")
async def unblock_domain(call: Call) -> Response:
    """Show another site again."""
    form = await call.form(DomainForm)
    await call.server.database.write(blocking.unblock_domain, call.viewer, form.domain)
    return call.json({})
