"""The member's own profile: name, bio, table, pictures, and who may find it."""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import Account
from roseau.domain.accounts.profiles import MAX_FIELDS, ProfileChanges, update_profile
from roseau.domain.media.decoding.decode import ImageRefused
from roseau.domain.media.uploads import process_profile_picture
from roseau.doors.forms import to_struct
from roseau.doors.multipart import Upload
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, TooLarge, UnsupportedType
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import forgives_files, form_of, member_of, member_only, redirect


class Line(msgspec.Struct):
    """A line of the table."""

    name: str = ""
    value: str = ""


class Profile(msgspec.Struct):
    """What the form holds; a box that is not ticked is not sent."""

    display_name: str = ""
    note: str = ""
    fields: list[Line] = []
    avatar_description: str = ""
    header_description: str = ""
    locked: bool = False
    bot: bool = False
    discoverable: bool = False
    indexable: bool = False
    hide_collections: bool = False
    step: str = ""
    avatar: Upload | None = None
    header: Upload | None = None


def _to_form(account: Account) -> Profile:
    return Profile(
        display_name=account.display_name,
        note=account.note,
        fields=[Line(field.name, field.value) for field in account.fields],
        avatar_description=account.avatar_description,
        header_description=account.header_description,
        locked=account.locked,
        bot=account.bot,
        discoverable=account.discoverable,
        indexable=account.indexable,
        hide_collections=account.hide_collections,
    )


def _answer(
    request: Request, form: Profile, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    account = member_of(request).account.account
    lines = [*form.fields, *(Line() for _ in range(MAX_FIELDS))][:MAX_FIELDS]
    return render(
        request,
        "settings/profile.html",
        status,
        form=form,
        lines=lines,
        account=account,
        problems=problems or {},
    )


@member_only
async def show(request: Request) -> Response:
    """The form."""
    return _answer(request, _to_form(member_of(request).account.account))


@member_only
@forgives_files
async def save(request: Request) -> Response:
    """Save it all at once; a picture that cannot be used leaves the rest as it was filled in."""
    form = to_struct(form_of(request), Profile)
    changes = ProfileChanges(
        display_name=form.display_name,
        note=form.note,
        fields=[(line.name, line.value) for line in form.fields],
        avatar_description=form.avatar_description,
        header_description=form.header_description,
        locked=form.locked,
        bot=form.bot,
        discoverable=form.discoverable,
        indexable=form.indexable,
        hide_collections=form.hide_collections,
    )
    server = server_of(request)
    try:
        for purpose, upload in (("avatar", form.avatar), ("header", form.header)):
            if upload is not None:
                await _take_picture(request, changes, purpose, upload)  # type: ignore[arg-type]
        if form.step == "remove_avatar":
            changes.avatar, changes.avatar_description = ("", ""), ""
        elif form.step == "remove_header":
            changes.header, changes.header_description = ("", ""), ""
        await server.database.write(update_profile, server.site, member_of(request).account.id, changes)
    except Invalid as error:
        return _answer(request, form, 422, problems_of(request, error))
    except _PictureRefused as error:
        return _answer(request, form, 422, {error.purpose: str(error)})
    _ = translations_of(request).gettext
    return redirect(request, "/settings/profile", say=_("Your profile is saved."))


class _PictureRefused(Exception):
    def __init__(self, purpose: str, sentence: str) -> None:
        super().__init__(sentence)
        self.purpose = purpose


async def _take_picture(
    request: Request, changes: ProfileChanges, purpose: Literal["avatar", "header"], upload: Upload
) -> None:
    try:
        if upload.error:
            raise upload.error
        blobs = await process_profile_picture(server_of(request), upload.path, purpose)
    except (ImageRefused, TooLarge, UnsupportedType) as error:
        raise _PictureRefused(purpose, translations_of(request).gettext(str(error))) from error
    if purpose == "avatar":
        changes.avatar = blobs
    else:
        changes.header = blobs


routes = [
    Route("/settings/profile", show),
    Route("/settings/profile", save, methods=["POST"]),
]
