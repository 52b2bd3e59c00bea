"""What stands between the composer and the domain: drafts begin here, are read from forms, become posts."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast, get_args

import msgspec

from roseau.domain.accounts.preferences import Visibility, load_preferences
from roseau.domain.media.attachments import Attachment, find_attachment
from roseau.domain.media.uploads import MAX_DESCRIPTION, Changes, change_media, parse_focus
from roseau.domain.site import Site
from roseau.domain.statuses import drafts as domain
from roseau.domain.statuses.editing import Edit, MediaEdit, edit_status
from roseau.domain.statuses.loading import StatusView, load_status
from roseau.domain.statuses.posting import post_status
from roseau.domain.statuses.removal import delete_status
from roseau.doors.multipart import Upload
from roseau.kernel.ids import parse_id
from roseau.kernel.text.counting import count_characters
from roseau.storage.database import Transaction
from roseau.web.drafts import Draft, PictureDraft
from roseau.web.wording import meta_of

AUDIENCES: Final[tuple[str, ...]] = get_args(Visibility)
_MIDDLE: Final = "0,0"


class Form(msgspec.Struct, kw_only=True):
    """The composer as it is sent. All of it is text, so that nothing is lost when a part of it is wrong."""

    text: str = ""
    spoiler_text: str = ""
    visibility: str = ""
    local_only: bool = False
    language: str = ""
    content_type: str = ""
    sensitive: bool = False
    in_reply_to_id: str = ""
    redraft_id: str = ""
    media: list[Upload] = []
    media_ids: list[str] = []
    media_alt: list[str] = []
    media_focus: list[str] = []
    poll_options: list[str] = []
    poll_multiple: bool = False
    poll_expires_in: str = ""
    key: str = ""
    step: str = "post"


# Where drafts begin


def begin(tx: Transaction, member_id: int, language: str) -> Draft:
    """An empty draft, as the member likes to write."""
    preferences = load_preferences(tx, member_id)
    return Draft(
        visibility=preferences.default_privacy,
        local_only=preferences.default_local_only,
        language=preferences.default_language or language,
        content_type=preferences.default_content_type,
        sensitive=preferences.default_sensitive,
    )


def reply_to(tx: Transaction, member_id: int, view: StatusView, language: str) -> Draft:
    """The beginning of a reply: to those who are addressed, and no more public than what it answers."""
    draft = begin(tx, member_id, language)
    status, author = view.status, view.author.account
    people = [author.acct] if author.id != member_id else []
    people += [
        f"{mention.username}@{mention.domain}" if mention.domain else mention.username
        for mention in status.mentions
        if mention.id not in (member_id, author.id)
    ]
    draft.text = "".join(f"@{name} " for name in dict.fromkeys(people))
    draft.spoiler_text = status.spoiler_text
    draft.visibility = max(draft.visibility, status.visibility, key=AUDIENCES.index)
    draft.local_only = draft.local_only or status.local_only
    draft.in_reply_to_id = status.id
    return draft


def rewrite(view: StatusView, now: int, language: str) -> Draft:
    """A post of one's own, to be written anew; the caller says whether it is edited or replaced."""
    status, poll = view.status, view.poll
    draft = Draft(
        text=status.text,
        spoiler_text=status.spoiler_text,
        visibility=status.visibility,
        local_only=status.local_only,
        language=status.language or language,
        content_type=status.content_type,
        sensitive=status.sensitive,
        in_reply_to_id=status.in_reply_to_id,
        pictures=[to_picture(attachment) for attachment in status.media],
    )
    if poll is not None:
        draft.poll_options = [option.title for option in poll.options]
        draft.poll_multiple = poll.multiple
        left = ((poll.expires_at or now) - now) // 1000
        draft.poll_expires_in = max(domain.SHORTEST_POLL, left)
    return draft


def to_picture(attachment: Attachment) -> PictureDraft:
    """An attachment as the composer shows it."""
    return PictureDraft(
        attachment.id,
        preview=attachment.small_file or attachment.file,
        description=attachment.description or "",
        focus=_focus_of(attachment),
    )


def _focus_of(attachment: Attachment) -> str:
    focus = meta_of(attachment).focus
    return f"{focus.x:g},{focus.y:g}"


# From the form


def load_pictures(tx: Transaction, member_id: int, ids: Iterable[str]) -> list[Attachment]:
    """The member's own attachments of these ids, in this order; the rest is left out."""
    wanted = dict.fromkeys(number for text in ids if (number := parse_id(text)) is not None)
    found = [find_attachment(tx, member_id, number) for number in list(wanted)[:20]]
    return [attachment for attachment in found if attachment is not None and attachment.state != "failed"]


def from_form(form: Form, attachments: Sequence[Attachment], edit_id: int | None) -> Draft:
    """What was filled in. What a button other than "publish" asks for is done as well."""
    said = {
        media_id: (alt, focus)
        for media_id, alt, focus in zip(
            form.media_ids, _filled(form.media_alt, form), _filled(form.media_focus, form), strict=False
        )
    }
    removed = form.step.removeprefix("remove_picture:")
    pictures = []
    for attachment in attachments:
        picture = to_picture(attachment)
        if str(picture.id) == removed:
            continue
        alt, focus = said.get(str(picture.id), (picture.description, picture.focus))
        picture.description, picture.focus = alt, focus or _MIDDLE
        pictures.append(picture)
    # Answers that nobody filled in do not make a poll.
    options = form.poll_options[:100] if any(option.strip() for option in form.poll_options) else []
    if form.step == "add_option":
        options = [*(options or form.poll_options or [""] * 2), ""][: domain.MAX_OPTIONS]
    return Draft(
        text=form.text,
        spoiler_text=form.spoiler_text,
        visibility=form.visibility,
        local_only=form.local_only,
        language=form.language,
        content_type="text/markdown" if form.content_type == "text/markdown" else "text/plain",
        sensitive=form.sensitive,
        in_reply_to_id=parse_id(form.in_reply_to_id),
        edit_id=edit_id,
        redraft_id=parse_id(form.redraft_id),
        pictures=pictures,
        poll_options=options,
        poll_multiple=form.poll_multiple,
        poll_expires_in=int(form.poll_expires_in) if _is_number(form.poll_expires_in) else 86_400,
        key=form.key,
        returned=True,
    )


def _filled(values: list[str], form: Form) -> list[str]:
    return [*values, *[""] * (len(form.media_ids) - len(values))]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


# What is wrong with it


def find_problems(draft: Draft, site: Site, words: Any) -> dict[str, str]:
    """What keeps the draft from being posted, by field, in sentences for its writer."""
    _ = words.gettext
    problems: dict[str, str] = {}
    if not (draft.text.strip() or draft.spoiler_text.strip() or draft.pictures or draft.has_poll):
        problems["text"] = _("Write something first.")
    elif sentence := _too_long(draft, site.settings.max_characters, words):
        problems["text"] = sentence
    most = site.settings.max_media
    if len(draft.pictures) > most:
        problems["media"] = words.ngettext(
            "A post has %(num)s picture at most.", "A post has %(num)s pictures at most.", most
        ) % {"num": most}
    for picture in draft.pictures:
        if len(picture.description) > MAX_DESCRIPTION:
            problems[f"alt-{picture.id}"] = _(
                "A description has %(number)s characters at most; this one has %(length)s."
            ) % {"number": MAX_DESCRIPTION, "length": len(picture.description)}
    if sentence := _poll_problem(draft, words):
        problems["poll_options"] = sentence
    if draft.edit_id is None and draft.visibility not in AUDIENCES:
        problems["visibility"] = _("Choose who will see this post.")
    return problems


def _too_long(draft: Draft, limit: int, words: Any) -> str:
    raw = len(draft.text) + len(draft.spoiler_text)
    if raw > max(domain.MAX_RAW, limit):
        over = raw - limit
    else:
        over = count_characters(draft.text, draft.spoiler_text) - limit
    if over <= 0:
        return ""
    sentence: str = words.ngettext(
        "This is %(num)s character too long.", "This is %(num)s characters too long.", over
    )
    return sentence % {"num": over}


def _poll_problem(draft: Draft, words: Any) -> str:
    _ = words.gettext
    options = [option.strip() for option in draft.poll_options if option.strip()]
    if not options:
        return ""
    sentence = ""
    if len(options) < 2:
        sentence = _("A poll has two answers at least.")
    elif len(options) > domain.MAX_OPTIONS:
        sentence = _("A poll has %(number)s answers at most.") % {"number": domain.MAX_OPTIONS}
    elif len(set(options)) < len(options):
        sentence = _("Two answers of the poll are the same.")
    elif any(count_characters(option) > domain.MAX_OPTION_CHARACTERS for option in options):
        sentence = _("An answer has %(number)s characters at most.") % {
            "number": domain.MAX_OPTION_CHARACTERS
        }
    return sentence


# Into the domain


def publish(tx: Transaction, site: Site, member_id: int, draft: Draft) -> int:
    """Post it; the id of the status. What it takes the place of is deleted with the same stroke.

    Raises what `delete_status`, `change_media` and `post_status` raise.
    """
    # Once it is published under this key, what it replaced and its pictures are not free any more.
    if draft.redraft_id is not None and load_status(tx, member_id, draft.redraft_id) is not None:
        delete_status(tx, member_id, draft.redraft_id)
    for picture in draft.pictures:
        attachment = find_attachment(tx, member_id, picture.id)
        if attachment is not None and attachment.status_id is None:
            changes = _changed(picture, attachment)
            focus = parse_focus(changes.focus) if isinstance(changes.focus, str) else None
            described = Changes(description=changes.description, focus=focus or msgspec.UNSET)
            change_media(tx, member_id, picture.id, described)
    post = domain.Draft(
        text=draft.text,
        content_type=cast(domain.ContentType, draft.content_type),
        spoiler_text=draft.spoiler_text,
        sensitive=_is_sensitive(draft),
        visibility=cast(Visibility, draft.visibility),
        local_only=draft.local_only,
        language=draft.language or None,
        in_reply_to_id=draft.in_reply_to_id,
        media_ids=[picture.id for picture in draft.pictures],
        poll=_to_poll(draft),
    )
    return post_status(tx, site, member_id, domain.check_draft(site, post), idempotency_key=_key_of(draft))


def _key_of(draft: Draft) -> str:
    """One for each draft and text: who goes back in the browser and writes something else posts that too."""
    if not draft.key:
        return ""
    said = [
        draft.key,
        draft.text,
        draft.spoiler_text,
        draft.poll_options,
        [item.id for item in draft.pictures],
    ]
    return "web:" + hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def save_edit(tx: Transaction, site: Site, member_id: int, status_id: int, draft: Draft) -> None:
    """Write a post anew. Raises what `edit_status` raises."""
    view = load_status(tx, member_id, status_id)
    poll = _to_poll(draft)
    if poll is not None and view is not None and view.poll is not None:
        poll.hide_totals = view.poll.hide_totals
    media = []
    for picture in draft.pictures:
        attachment = find_attachment(tx, member_id, picture.id)
        if attachment is not None:
            media.append(_changed(picture, attachment))
    edit = Edit(
        text=draft.text,
        spoiler_text=draft.spoiler_text,
        sensitive=_is_sensitive(draft),
        language=draft.language or None,
        content_type=cast(domain.ContentType, draft.content_type),
        media_ids=[picture.id for picture in draft.pictures],
        media=media,
        poll=poll,
    )
    edit_status(tx, site, member_id, status_id, edit)


def _is_sensitive(draft: Draft) -> bool:
    """Pictures stay behind a warning that stands before the text."""
    return draft.sensitive or bool(draft.spoiler_text.strip())


def _to_poll(draft: Draft) -> domain.PollDraft | None:
    options = [option for option in draft.poll_options if option.strip()]
    return domain.PollDraft(options, draft.poll_expires_in, draft.poll_multiple) if options else None


def _changed(picture: PictureDraft, attachment: Attachment) -> MediaEdit:
    """What the composer says otherwise than the attachment does."""
    edit = MediaEdit(id=picture.id)
    if picture.description.strip() != (attachment.description or ""):
        edit.description = picture.description
    if picture.focus != _focus_of(attachment):
        edit.focus = picture.focus
    return edit
