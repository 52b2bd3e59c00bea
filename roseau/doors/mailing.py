"""The job `mail`: hands a queued mail to the mail server, or writes it into the data folder without one."""

from urllib.parse import urlsplit

import msgspec

from roseau.domain.accounts.mails import Mail
from roseau.doors.server import Server
from roseau.network.smtp import MailRejected, MailServer, compose_mail, send_mail
from roseau.settings import Settings
from roseau.storage.jobs import GiveUp


def mail_server_of(settings: Settings) -> MailServer | None:
    """The mail server that the settings name; None when mails are written to files."""
    if not settings.smtp_host:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user or None,
        password=settings.smtp_password or None,
    )


async def send_queued_mail(server: Server, payload: bytes) -> None:
    """Send one mail. Raises MailDelayed to be tried again, GiveUp when it can never be delivered."""
    try:
        await hand_over(server, msgspec.json.decode(payload, type=Mail))
    except MailRejected as error:
        raise GiveUp(str(error)) from error


async def hand_over(server: Server, mail: Mail) -> None:
    """Send a mail now, without a job: alerts have to leave while nothing can be saved.

    Raises MailDelayed, MailRejected.
    """
    # A sender has no port, and a site without a name mails from nowhere in particular.
    host = urlsplit(server.site.base_url).hostname or ""
    host = "localhost" if ":" in host or not host else host
    sender = server.settings.mail_from or f"roseau@{host}"
    message = compose_mail(sender, mail.recipient, mail.subject, mail.text, mail.html, domain=host)
    await send_mail(mail_server_of(server.settings), server.folder / "mail", message)
