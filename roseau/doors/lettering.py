"""The job `moderation_delivery`: takes a letter of the moderation to its reader, by page, notification, mail.

The mail is handed to the mail server here and not queued once more: what is written down as mailed is.
"""

from html import escape

import msgspec

from roseau.domain.accounts.mails import Letter as MailText
from roseau.domain.accounts.mails import Mail, to_html, to_text
from roseau.domain.moderation.statements.deliveries import (
    DeliveryJob,
    Envelope,
    deliver,
    note_mailed,
    postpone,
)
from roseau.domain.names import find_front_url
from roseau.domain.site import Site, load_choices
from roseau.doors.mailing import hand_over
from roseau.doors.server import Server
from roseau.kernel.i18n import translations
from roseau.network.smtp import MailDelayed, MailRejected
from roseau.storage.database import Transaction


async def send_delivery(server: Server, payload: bytes) -> None:
    """Deliver one letter. While the mail server takes nothing, it is tried again, for a month."""
    delivery_id = msgspec.json.decode(payload, type=DeliveryJob).delivery_id
    mail = await server.database.write(_take, server.site, delivery_id)
    if mail is None:
        return
    try:
        await hand_over(server, mail)
    except MailDelayed as error:
        await server.database.write(postpone, delivery_id, str(error))
        return
    except MailRejected as error:
        await server.database.write(note_mailed, delivery_id, str(error))
        return
    await server.database.write(note_mailed, delivery_id)


def _take(tx: Transaction, site: Site, delivery_id: int) -> Mail | None:
    envelope = deliver(tx, site, delivery_id)
    return None if envelope is None else to_mail(tx, site, envelope)


def to_mail(tx: Transaction, site: Site, envelope: Envelope) -> Mail:
    """The letter as a mail, with everything it says: whoever is shut out can read it there."""
    delivery = envelope.delivery
    title, front_url = load_choices(tx).title, find_front_url(tx, site)
    _ = translations(delivery.language).gettext
    greeting = _("Hello %(name)s,") % {"name": envelope.name} if envelope.name else _("Hello,")
    letter = MailText(delivery.subject, tuple(delivery.text.split("\n\n")))
    return Mail(
        envelope.address,
        f"{title} – {delivery.subject}",
        to_text(letter, greeting, f"{title}\n{front_url}"),
        _with_links(to_html(letter, greeting, title, front_url, delivery.language), front_url),
    )


def _with_links(html: str, front_url: str) -> str:
    """Our own addresses in the text, as links: they are all that is made into one."""
    start = escape(front_url) + "/"
    words = html.split(" ")
    return " ".join(_to_link(word, start) if word.startswith(start) else word for word in words)


def _to_link(word: str, start: str) -> str:
    url, mark, rest = word.partition("<")
    return f'<a href="{url}">{url}</a>{mark}{rest}'
