"""Knows a letter of a host among the mails: by its sender, its number, and the time that it gives."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from roseau.domain.moderation.desk.deadlines import find_deadline
from roseau.domain.moderation.desk.mails import AbuseMail
from roseau.kernel import clock

#: What a letter has that names no time.
DEFAULT_DEADLINE: Final = clock.DAY
#: A letter counts from when it was written, as long as its date can be believed.
_OLDEST: Final = 7 * clock.DAY

#: Whose mails to the abuse address are letters: hosts, networks, registrars and shops that can end a site.
PROVIDERS: Final = {
    "1and1.com": "IONOS",
    "akamai.com": "Akamai",
    "alwaysdata.com": "alwaysdata",
    "amazon.com": "Amazon",
    "amazonaws.com": "Amazon Web Services",
    "apple.com": "Apple",
    "aws.com": "Amazon Web Services",
    "backblaze.com": "Backblaze",
    "bunny.net": "bunny.net",
    "cloudflare.com": "Cloudflare",
    "contabo.com": "Contabo",
    "contabo.de": "Contabo",
    "digitalocean.com": "DigitalOcean",
    "dreamhost.com": "DreamHost",
    "equinix.com": "Equinix",
    "fastly.com": "Fastly",
    "fly.io": "Fly.io",
    "gandi.net": "Gandi",
    "godaddy.com": "GoDaddy",
    "google.com": "Google",
    "heroku.com": "Heroku",
    "hetzner.com": "Hetzner",
    "hetzner.de": "Hetzner",
    "hostinger.com": "Hostinger",
    "ikoula.com": "Ikoula",
    "infomaniak.com": "Infomaniak",
    "ionos.com": "IONOS",
    "ionos.fr": "IONOS",
    "leaseweb.com": "Leaseweb",
    "linode.com": "Linode",
    "m247.com": "M247",
    "microsoft.com": "Microsoft",
    "namecheap.com": "Namecheap",
    "netcup.de": "netcup",
    "netlify.com": "Netlify",
    "o2switch.fr": "o2switch",
    "online.net": "Scaleway",
    "oracle.com": "Oracle",
    "ovh.com": "OVHcloud",
    "ovh.net": "OVHcloud",
    "ovhcloud.com": "OVHcloud",
    "porkbun.com": "Porkbun",
    "rackspace.com": "Rackspace",
    "render.com": "Render",
    "scaleway.com": "Scaleway",
    "tucows.com": "Tucows",
    "vultr.com": "Vultr",
}
#: Anybody can have a mailbox under these names, so that a mail from there says nothing of its writer.
_MAILBOXES: Final = frozenset(
    ("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "icloud.com", "live.com")
)

#: For a text whose white space is single spaces: two runs of it side by side would be tried in every way.
_REFERENCE: Final = re.compile(
    r"\b(?:(?:abuse|case|ticket|incident|report|complaint|request|reference|r[ée]f[ée]rence|dossier|affaire"
    r"|signalement|courrier|ref|r[ée]f)\.?"
    r" ?(?:id\b|no\b\.?|num(?:ber|[ée]ro)\b|n°|nr\b\.?|ref(?:erence)?\b\.?)?"
    r" ?[:#=]? ?[\[(#]?)"
    r"(?P<number>(?=[A-Z._/-]{0,20}\d)[A-Z0-9][A-Z0-9._/-]{3,60})",
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(
    r"[\[(] ?#? ?(?P<number>(?=[A-Z._/-]{0,20}\d)[A-Z0-9._/-]{4,60}) ?[\])]|#(?P<hashed>[A-Z0-9-]{4,60})",
    re.I,
)


class Letter(msgspec.Struct, frozen=True):
    """What makes a mail a letter of a host."""

    provider: str
    reference: str
    deadline_at: int
    deadline_found: bool


def recognise_letter(mail: AbuseMail, received_at: int, more: Iterable[str] = ()) -> Letter | None:
    """The letter that a mail is, judged by its sender; None when it is any mail.

    `more` are the domains that the site's own operators take letters from. A sender that a mail server
    says is forged is nobody's host.
    """
    provider = None if mail.forged else provider_of(mail.sender_domain, more)
    return None if provider is None else read_letter(mail, received_at, provider)


def read_letter(mail: AbuseMail, received_at: int, provider: str = "") -> Letter:
    """A mail as the letter that somebody says it is: its number and by when it wants an answer."""
    written_at = mail.sent_at
    if written_at is None or not received_at - _OLDEST <= written_at <= received_at:
        written_at = received_at
    deadline = find_deadline(f"{mail.subject}\n{mail.words}", written_at, mail.language)
    return Letter(
        provider or provider_of(mail.sender_domain) or mail.sender_name or mail.sender_domain,
        find_reference(mail),
        deadline if deadline is not None else received_at + DEFAULT_DEADLINE,
        deadline is not None,
    )


def provider_of(domain: str, more: Iterable[str] = ()) -> str | None:
    """The name of the host that sends from a domain, or from one above it."""
    if domain in _MAILBOXES:
        return None
    own = {name.strip().lower().lstrip("@"): name.strip().lower().lstrip("@") for name in more}
    labels = domain.split(".")
    for first in range(len(labels) - 1):
        above = ".".join(labels[first:])
        if found := own.get(above) or PROVIDERS.get(above):
            return found
    return None


def find_reference(mail: AbuseMail) -> str:
    """The number under which its sender keeps the matter; empty when it names none."""
    subject = " ".join(mail.subject.split())
    for text in (subject, " ".join(mail.words[:5_000].split())):
        if found := _REFERENCE.search(text):
            return found["number"].rstrip(".-/_")
    if found := _BRACKETED.search(subject):
        return found["number"] or found["hashed"]
    return mail.report.reference if mail.report else ""
