"""The job `push`: wakes one app for one notification, in the member's language."""

import msgspec

from roseau.domain.notifications.push import (
    PushJob,
    PushSubscription,
    find_receiver,
    find_vapid_keys,
    remove_subscription,
)
from roseau.domain.notifications.reading import NotificationView, find_notification
from roseau.domain.notifications.subjects import Letter, Warning
from roseau.domain.site import Site, load_choices
from roseau.doors.addresses import avatar_url
from roseau.doors.server import Server
from roseau.kernel.html import SafeHTML, plain_text
from roseau.kernel.i18n import choose_language, translations
from roseau.network.webpush import PushRequest, build_push, send_push
from roseau.storage.database import Transaction
from roseau.storage.jobs import GiveUp

#: A push service keeps it for two days, as Mastodon asks for.
TTL = 48 * 60 * 60
MOST_BODY = 140
MOST_TITLE = 120


class PushDelayed(Exception):
    """The push service cannot take it now; the job is tried again."""


async def send_queued_push(server: Server, payload: bytes) -> None:
    """Send one push. Raises PushDelayed to be tried again, GiveUp when it is refused."""
    job = msgspec.json.decode(payload, type=PushJob)
    push = await server.database.read(_compose, server.site, job)
    if push is None:
        return
    outcome = await send_push(server.client, push)
    if outcome.kind == "gone":
        await server.database.write(remove_subscription, job.subscription_id)
    elif outcome.kind == "retry":
        raise PushDelayed(f"the push service answered {outcome.status}")
    elif outcome.kind == "rejected":
        raise GiveUp(f"the push service refused it with {outcome.status}")


def _compose(tx: Transaction, site: Site, job: PushJob) -> PushRequest | None:
    """The push; None when there is nobody to wake or nothing to tell any more."""
    found, keys = find_receiver(tx, job.subscription_id), find_vapid_keys(tx, site)
    if found is None or keys is None:
        return None
    subscription, locale = found
    view = find_notification(tx, subscription.account_id, job.notification_id)
    if view is None:
        return None
    email = load_choices(tx).contact_email
    contact = f"mailto:{email}" if email else f"https://{site.domain}"
    message = to_message(site, subscription, view, locale)
    return build_push(subscription.receiver(), message, keys, contact=contact, ttl=TTL)


def to_message(site: Site, subscription: PushSubscription, view: NotificationView, locale: str) -> bytes:
    """What the app decrypts, in Mastodon's fields.

    Mastodon also sends the app its own access token; here only a hash of it is kept, so the field is empty.
    """
    language = choose_language("", locale)
    return msgspec.json.encode(
        {
            "access_token": "",
            "preferred_locale": language,
            # A number, as apps read it; the API has it as text.
            "notification_id": view.id,
            "notification_type": view.type,
            "icon": avatar_url(site.base_url, view.account.account, static=True),
            "title": _shorten(to_title(view, language), MOST_TITLE),
            "body": _shorten(_to_body(view), MOST_BODY),
        }
    )


def to_title(view: NotificationView, language: str) -> str:
    """Who did what, as a line."""
    words = translations(language)
    sentences = {
        "mention": words.gettext("%(name)s mentioned you"),
        "status": words.gettext("%(name)s posted"),
        "reblog": words.gettext("%(name)s boosted your post"),
        "favourite": words.gettext("%(name)s likes your post"),
        "follow": words.gettext("%(name)s follows you"),
        "follow_request": words.gettext("%(name)s asks to follow you"),
        "poll": words.gettext("A poll by %(name)s has ended"),
        "update": words.gettext("%(name)s edited a post"),
        "admin.sign_up": words.gettext("%(name)s signed up"),
        "admin.report": words.gettext("A new notice came in"),
        "severed_relationships": words.gettext("Some of your follows were cut"),
    }
    if isinstance(view.subject, Warning | Letter):
        return view.subject.subject
    return sentences.get(view.type, words.gettext("A word from the moderation")) % {
        "name": view.account.account.name
    }


def _to_body(view: NotificationView) -> str:
    """The content warning alone where there is one: the text stays behind it."""
    if view.subject is not None:
        return view.subject.text if isinstance(view.subject, Warning | Letter) else ""
    if view.status is None:
        return view.account.account.note if view.account.account.local else ""
    status = view.status.shown.status
    return status.spoiler_text or plain_text(SafeHTML(status.content))


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
