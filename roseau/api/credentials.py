"""A member's own account (docs.joinmastodon.org/methods/accounts): verify and update credentials."""

import re
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from roseau.api.present.credentials import Credentials, to_credentials
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.loading import load_account
from roseau.domain.accounts.preferences import Visibility, load_preferences, set_preferences
from roseau.domain.accounts.profiles import ProfileChanges, update_profile
from roseau.domain.media.uploads import process_profile_picture
from roseau.domain.moderation.team.permissions import permissions_of
from roseau.domain.relationships.blocking import to_domain
from roseau.domain.relationships.following import count_follow_requests
from roseau.doors import limits
from roseau.doors.multipart import Upload
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction

routes = Routes()

MAX_ATTRIBUTION_DOMAINS = 100
#: More fields than there can be, so that too many are told from far too many.
MAX_FIELDS_READ = 20

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


class FieldForm(msgspec.Struct):
    """A line of the profile's table."""

    name: str = ""
    value: str = ""


class SourceForm(msgspec.Struct):
    """Defaults for posts; an empty language is none."""

    privacy: Visibility | UnsetType = UNSET
    sensitive: bool | UnsetType = UNSET
    language: str | UnsetType = UNSET
    quote_policy: Literal["public", "followers", "nobody"] | UnsetType = UNSET

    def preferences(self) -> dict[str, Any]:
        """What is given, by the names of preferences. Raises Invalid."""
        given: dict[str, Any] = {
            "default_privacy": self.privacy,
            "default_sensitive": self.sensitive,
            "quote_policy": self.quote_policy,
        }
        if self.language is not UNSET:
            if self.language and not _LANGUAGE.match(self.language):
                raise Invalid("Validation failed: Language is not a language code")
            given["default_language"] = self.language or None
        return {name: value for name, value in given.items() if value is not UNSET}


class ProfileForm(msgspec.Struct, kw_only=True):
    """What is to change of a profile; what is not given stays."""

    display_name: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    fields_attributes: list[FieldForm] | UnsetType = UNSET
    avatar: Upload | UnsetType = UNSET
    avatar_description: str | UnsetType = UNSET
    header: Upload | UnsetType = UNSET
    header_description: str | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    bot: bool | UnsetType = UNSET
    discoverable: bool | UnsetType = UNSET
    indexable: bool | UnsetType = UNSET
    hide_collections: bool | UnsetType = UNSET
    show_media: bool | UnsetType = UNSET
    show_media_replies: bool | UnsetType = UNSET
    show_featured: bool | UnsetType = UNSET
    attribution_domains: list[str] | UnsetType = UNSET
    source: SourceForm | UnsetType = UNSET


async def change_profile(call: Call) -> None:
    """Change the caller's profile as the request asks."""
    form = await call.form(ProfileForm, call.server.settings.max_image_bytes, 2)
    changes = ProfileChanges(
        **{
            name: getattr(form, name)
            for name in ProfileChanges.__struct_fields__
            if name not in ("fields", "avatar", "header")
        }
    )
    if form.fields_attributes is not UNSET:
        changes.fields = [(field.name, field.value) for field in form.fields_attributes[:MAX_FIELDS_READ]]
    preferences = form.source.preferences() if form.source is not UNSET else {}
    if form.attribution_domains is not UNSET:
        preferences["attribution_domains"] = _check_domains(form.attribution_domains)
    if form.avatar is not UNSET:
        call.spend(limits.UPLOADS)
        changes.avatar = await process_profile_picture(call.server, form.avatar.path, "avatar")
    if form.header is not UNSET:
        call.spend(limits.UPLOADS)
        changes.header = await process_profile_picture(call.server, form.header.path, "header")
    await call.server.database.write(_change, call, changes, preferences)


def _check_domains(names: list[str]) -> list[str]:
    domains = list(dict.fromkeys(to_domain(name) for name in names if name.strip()))
    if len(domains) > MAX_ATTRIBUTION_DOMAINS:
        raise Invalid(
            "Validation failed: Attribution domains can't be more than %(most)s",
            values={"most": MAX_ATTRIBUTION_DOMAINS},
        )
    return domains


def _change(tx: Transaction, call: Call, changes: ProfileChanges, preferences: dict[str, Any]) -> None:
    if preferences:
        set_preferences(tx, call.viewer, **preferences)
    if msgspec.to_builtins(changes):
        update_profile(tx, call.server.site, call.viewer, changes)


def load_credentials(tx: Transaction, member_id: int) -> Credentials:
    """What a member is told of their own account."""
    view = load_account(tx, member_id)
    if view is None:
        raise NotFound
    return Credentials(
        view,
        load_preferences(tx, member_id),
        count_follow_requests(tx, member_id),
        permissions_of(tx, member_id),
    )


async def answer_credentials(call: Call) -> Response:
    """The caller's account as it is now."""
    credentials = await call.server.database.read(load_credentials, call.viewer)
    return call.json(to_credentials(call.server.site.base_url, credentials))


@routes.get("/api/v1/accounts/verify_credentials", scope="profile")
async def verify_credentials(call: Call) -> Response:
    """Who one is."""
    return await answer_credentials(call)


@routes.patch("/api/v1/accounts/update_credentials", scope="write:accounts")
async def update_credentials(call: Call) -> Response:
    """Change one's profile."""
    await change_profile(call)
    return await answer_credentials(call)
