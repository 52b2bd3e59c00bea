"""The composer: a post begins, takes in pictures, is published, is written anew.

Every button of it sends the whole form, and whatever does not work comes back with all that was filled in.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.media.attachments import Attachment, find_attachment
from roseau.domain.media.uploads import process_media, receive_media
from roseau.domain.statuses.loading import StatusView, load_status
from roseau.doors import limits
from roseau.doors.forms import to_struct
from roseau.doors.multipart import Upload
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound, RoseauError
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.addresses import local_path, status_path
from roseau.web.composing import (
    Form,
    begin,
    find_problems,
    from_form,
    load_pictures,
    publish,
    reply_to,
    rewrite,
    save_edit,
    to_picture,
)
from roseau.web.drafts import Draft
from roseau.web.pages.statuses import id_of, look_at
from roseau.web.problems import problems_of
from roseau.web.rendering import is_fragment, language_of, render, render_part, translations_of
from roseau.web.sessions import back_of, forgives_files, form_of, member_of, member_only, redirect, spend

#: How long a picture may take until the composer goes on without showing it (seconds).
_PATIENCE: Final = 10.0
_MAX_PREFILLED: Final = 20_000


class _Begun(msgspec.Struct):
    draft: Draft
    #: The post that is answered, if any.
    parent: StatusView | None = None


def _begin(tx: Transaction, member_id: int, language: str, asked: dict[str, str]) -> _Begun:
    if "edit" in asked or "redraft" in asked:
        return _begin_again(tx, member_id, language, asked)
    reply_id = parse_id(asked.get("reply_to"))
    if "reply_to" in asked:
        parent = look_at(tx, member_id, reply_id or 0).shown
        return _Begun(reply_to(tx, member_id, parent, language), parent)
    draft = begin(tx, member_id, language)
    mention = asked.get("mention", "").strip().removeprefix("@")
    draft.text = (f"@{mention} " if mention else "") + asked.get("text", "")
    draft.text = draft.text[:_MAX_PREFILLED]
    return _Begun(draft)


def _begin_again(tx: Transaction, member_id: int, language: str, asked: dict[str, str]) -> _Begun:
    status_id = parse_id(asked.get("edit", asked.get("redraft"))) or 0
    draft = rewrite(_look_at_own(tx, member_id, status_id), tx.now, language)
    if "edit" in asked:
        draft.edit_id = status_id
    else:
        draft.redraft_id = status_id
    return _Begun(draft, _find_parent(tx, member_id, draft))


def _look_at_own(tx: Transaction, member_id: int, status_id: int) -> StatusView:
    view = look_at(tx, member_id, status_id)
    if view.status.account_id != member_id or view.reblog is not None:
        raise NotFound
    return view


def _find_parent(tx: Transaction, member_id: int, draft: Draft) -> StatusView | None:
    return load_status(tx, member_id, draft.in_reply_to_id) if draft.in_reply_to_id else None


@member_only
async def compose(request: Request) -> Response:
    """The composer: empty, or with what the address asks for."""
    asked = dict(request.query_params)
    begun = await server_of(request).database.read(
        _begin, member_of(request).account.id, language_of(request), asked
    )
    return render(
        request, "compose.html", begun=begun, draft=begun.draft, problems={}, back=_came_from(request)
    )


def _came_from(request: Request) -> str:
    """The page of this site that led here, to return to when the post has left."""
    referer = urlsplit(request.headers.get("referer", ""))
    if referer.netloc != request.headers.get("host"):
        return "/home"
    path = local_path(referer.path + (f"?{referer.query}" if referer.query else ""))
    left = ("/compose", "/statuses", "/sign_in", "/sign_up", "/first-run")
    return "/home" if path == "/" or path.startswith(left) else path


@member_only
@forgives_files
async def create(request: Request) -> Response:
    """Publish, or do what another button of the composer says."""
    return await _obey(request, None)


@member_only
@forgives_files
async def edit(request: Request) -> Response:
    """The same for a post that is there already."""
    return await _obey(request, id_of(request))


async def _obey(request: Request, edit_id: int | None) -> Response:
    form = to_struct(form_of(request), Form)
    server, member_id = server_of(request), member_of(request).account.id
    taken, problems = await _take_in(request, form)
    attachments = await server.database.read(load_pictures, member_id, form.media_ids)
    draft = from_form(form, attachments, edit_id)
    draft.pictures += [to_picture(attachment) for attachment in taken]
    if edit_id is not None:
        # Who sees a post is not edited with it, and so is not sent.
        status = (await server.database.read(_look_at_own, member_id, edit_id)).status
        draft.visibility, draft.local_only = status.visibility, status.local_only
    words = translations_of(request)
    if form.step == "post" and not problems:
        problems = find_problems(draft, server.site, words)
        if taken and not problems:
            # Without JavaScript this is the first that the writer sees of them: the time to describe them.
            problems = {"": words.gettext("The pictures are here. Describe them if you can, then publish.")}
        if not problems:
            try:
                return await _send(request, draft)
            except RoseauError as error:
                return await _show(request, draft, _what_is_wrong(request, draft, error), error.status)
    return await _show(request, draft, problems, 422 if problems else 200)


def _what_is_wrong(request: Request, draft: Draft, error: RoseauError) -> dict[str, str]:
    if isinstance(error, NotFound) and draft.in_reply_to_id and draft.edit_id is None:
        _ = translations_of(request).gettext
        return {
            "": _(
                "The post that you answer is no longer there. Your text is kept: copy it to keep it longer."
            )
        }
    return problems_of(request, error, {"description": "media", "focus": "media"})


async def _send(request: Request, draft: Draft) -> Response:
    """Into the domain with it, and back to where the writer was."""
    server, viewer = server_of(request), member_of(request)
    _ = translations_of(request).gettext
    back = back_of(request).partition("#")[0]
    if draft.edit_id is None:
        spend(request, limits.POSTS, str(viewer.account.id))
        status_id = await server.database.write(publish, server.site, viewer.account.id, draft)
        said, anchor = _("Posted."), draft.in_reply_to_id
    else:
        status_id = draft.edit_id
        await server.database.write(save_edit, server.site, viewer.account.id, status_id, draft)
        said, anchor = _("The changes are saved."), status_id
    path = status_path(viewer.account.account, status_id)
    if draft.redraft_id and back.startswith(status_path(viewer.account.account, draft.redraft_id)):
        # The page of what was replaced is gone.
        back = path
    to = f"{back}#s-{anchor}" if anchor else back
    return redirect(request, to, say=said, href=path, words=_("See it"))


async def _show(request: Request, draft: Draft, problems: dict[str, str], status: int) -> Response:
    """The composer again, with everything in it."""
    context: dict[str, Any] = {"draft": draft, "problems": problems, "back": back_of(request)}
    if is_fragment(request):
        return render_part(request, "fragments/composer.html", status, **context)
    parent = await server_of(request).database.read(_find_parent, member_of(request).account.id, draft)
    return render(request, "compose.html", status, begun=_Begun(draft, parent), **context)


# Pictures


async def _take_in(request: Request, form: Form) -> tuple[list[Attachment], dict[str, str]]:
    """The pictures that came with the form, and what is wrong with those that could not be taken."""
    words = translations_of(request)
    most = server_of(request).settings.max_media
    room = max(0, most - len(set(form.media_ids)))
    taken: list[Attachment] = []
    problems: dict[str, str] = {}
    if len(form.media) > room:
        problems["media"] = words.ngettext(
            "A post has %(num)s picture at most.", "A post has %(num)s pictures at most.", most
        ) % {"num": most}
    for upload in form.media[:room]:
        try:
            if upload.error is not None:
                raise upload.error
            attachment = await _take(request, upload)
        except RoseauError as error:
            problems["media"] = error.say(words.gettext)
            continue
        if attachment.state == "failed":
            problems["media"] = words.gettext(attachment.error or "")
        else:
            taken.append(attachment)
    return taken, problems


async def _take(request: Request, upload: Upload) -> Attachment:
    server, member_id = server_of(request), member_of(request).account.id
    spend(request, limits.UPLOADS, str(member_id))
    media_id = await receive_media(server, member_id, upload.path)
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await process_media(server, media_id)
    attachment = await server.database.read(find_attachment, member_id, media_id)
    if attachment is None:
        raise NotFound
    return attachment


routes = [
    Route("/compose", compose),
    Route("/statuses", create, methods=["POST"]),
    Route("/statuses/{id}/edit", edit, methods=["POST"]),
]
