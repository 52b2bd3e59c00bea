"""What `roseau check` looks at, one function for each thing that can be wrong."""

import ipaddress
import os
import shutil
import smtplib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import apsw
import msgspec
import psycopg
from sqlalchemy import func, select

from roseau.control import is_running
from roseau.domain.recovery_key import Standing, standing_of
from roseau.domain.site import load_choices
from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.settings import Settings
from roseau.storage.database import Database, Transaction
from roseau.storage.migrations import find_applied, list_migrations
from roseau.storage.postgresql import PostgresDatabase
from roseau.storage.schema.log import events
from roseau.storage.sqlite import SqliteDatabase, UnsafeSQLite, check_library
from roseau.storage.statements import statement

TIGHT, SCARCE = 2 * 1024**3, 300 * 1024**2
#: No machine that runs this program can honestly believe in an earlier time: 2026-11-01.
EARLIEST = 1_793_491_200_000
SMTP_SECONDS = DATABASE_SECONDS = 5
#: Names that only a machine or a house knows (RFC 6761, RFC 6762), or that carry their own encryption.
_INWARD = (".localhost", ".local", ".test", ".internal", ".lan", ".home.arpa", ".onion")

State = Literal["ok", "look", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """What was found about one thing; `look` is not wrong, but may not be meant."""

    about: str
    state: State
    sentence: str


class Known(msgspec.Struct):
    """What the database knows that matters here."""

    applied: list[str]
    base_url: str = ""
    newest_event_at: int | None = None
    recovery: Standing = "missing"


_newest = statement(select(func.max(events.c.at)))


def examine(settings: Settings) -> list[Finding]:
    """Look at everything."""
    folder = Path(settings.data)
    found = [_check_library(), *_check_folder(folder), *_check_listening(settings, folder)]
    known, database = _check_database(settings, folder)
    found.append(database)
    if known.applied:
        found.append(_check_recovery_key(known))
    found.append(_check_clock(known))
    found.append(_check_address(settings, known))
    found += [*_check_proxies(settings, known), _check_mail(settings), *_check_certificates()]
    if settings.synchronous == "OFF" and not settings.database:
        sentence = "OFF loses posts that were acknowledged when the power fails. Remove the setting."
        found.append(Finding("synchronous", "wrong", sentence))
    return found


def _check_library() -> Finding:
    try:
        check_library()
    except UnsafeSQLite as error:
        return Finding("SQLite", "wrong", str(error))
    return Finding("SQLite", "ok", f"version {apsw.sqlite_lib_version()}, brought along by apsw.")


# The data folder


def _check_folder(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding("data", "look", f"{folder} is not there yet; `roseau serve` or `roseau init` makes it.")
        return
    try:
        with tempfile.TemporaryFile(dir=folder):
            yield Finding("data", "ok", f"{folder.resolve()} can be written.")
    except OSError as error:
        yield Finding("data", "wrong", f"{folder} cannot be written: {error.strerror}. Give it to this user.")
    free = shutil.disk_usage(folder).free
    state: State = "wrong" if free < SCARCE else "look" if free < TIGHT else "ok"
    yield Finding("disk", state, f"{free // 1024**2} MB are free where the data folder lies.")
    yield _check_key(folder / "machine.key")


def _check_key(path: Path) -> Finding:
    if not path.exists():
        if (path.parent / "roseau.db").exists():
            sentence = "gone, and the database opens with it. Put it back, or run `roseau recovery open`."
            return Finding("machine.key", "wrong", sentence)
        return Finding("machine.key", "look", "not made yet; the first start makes it.")
    if path.stat().st_mode & 0o077:
        return Finding("machine.key", "wrong", f"others can read it. Close it: chmod 600 {path}")
    if not os.access(path, os.R_OK):
        return Finding(
            "machine.key", "wrong", "this user cannot read it. Run Roseau as the user that owns it."
        )
    return Finding("machine.key", "ok", "readable by its owner alone.")


def _check_listening(settings: Settings, folder: Path) -> Iterator[Finding]:
    if is_running(folder):
        yield Finding("server", "ok", "a server runs on this data folder.")
        return
    try:
        address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address[4])
    except OSError as error:
        sentence = f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}. Choose others."
        yield Finding("host and port", "wrong", sentence)
    else:
        yield Finding("host and port", "ok", f"{settings.host}, port {settings.port}, free to listen on.")


# The database


def _check_database(settings: Settings, folder: Path) -> tuple[Known, Finding]:
    path = folder / "roseau.db"
    if not settings.database and not path.exists():
        return Known([]), Finding("database", "look", "not made yet; the first start makes it.")
    try:
        if settings.database:
            # Asked once, because the pool would go on asking for a while.
            psycopg.connect(settings.database, connect_timeout=DATABASE_SECONDS).close()
        database: Database = (
            PostgresDatabase(settings.database, 1) if settings.database else SqliteDatabase(path)
        )
        try:
            known = database.read_now(_look)
        finally:
            database.close()
    except (Unavailable, apsw.Error, psycopg.Error, UnsafeSQLite) as error:
        return Known([]), Finding("database", "wrong", f"cannot be read: {error.__cause__ or error}")
    present = list_migrations(database.dialect)
    if unknown := set(known.applied) - set(present):
        sentence = f"written by a newer Roseau (it has {max(unknown)}). Update Roseau."
        return known, Finding("database", "wrong", sentence)
    waiting = len(present) - len(known.applied)
    state = f"{waiting} migrations wait for the next start" if waiting else "up to date"
    return known, Finding("database", "ok", f"{database.dialect}, {state}.")


def _look(tx: Transaction) -> Known:
    applied = find_applied(tx)
    if not applied:
        return Known([])
    choices = load_choices(tx)
    return Known(applied, choices.base_url, tx.value(_newest), standing_of(choices))


def _check_recovery_key(known: Known) -> Finding:
    if known.recovery == "missing":
        sentence = "none: when machine.key is lost, so is what it opens. `roseau recovery make` makes one."
        return Finding("recovery key", "look", sentence)
    if known.recovery == "unproven":
        sentence = "nobody has shown that its words were kept. `roseau recovery prove` asks for them."
        return Finding("recovery key", "look", sentence)
    return Finding("recovery key", "ok", "made, and its words were proven.")


def _check_clock(known: Known) -> Finding:
    now = clock.now()
    if now < max(EARLIEST, (known.newest_event_at or 0) - clock.MINUTE):
        sentence = f"it says {clock.to_iso(now)}, which is past. Set it, and keep it set (NTP)."
        return Finding("clock", "wrong", sentence)
    return Finding("clock", "ok", f"{clock.to_iso(now)}.")


# The outside


def _check_address(settings: Settings, known: Known) -> Finding:
    url = settings.base_url or known.base_url
    if settings.base_url and known.base_url and settings.base_url.rstrip("/") != known.base_url:
        sentence = (
            f"the setting says {settings.base_url}, the site was made as {known.base_url}, and its posts "
            "and accounts carry that. Remove the setting, or put the old address back."
        )
        return Finding("base_url", "wrong", sentence)
    if not url:
        sentence = f"none chosen; http://{settings.host}:{settings.port} will do until others are to come."
        return Finding("base_url", "look", sentence)
    if url.startswith("http://") and is_public(urlsplit(url).hostname or ""):
        sentence = (
            f"{url} is a public name without TLS: passwords can be read on the way. Use https, with a proxy."
        )
        return Finding("base_url", "wrong", sentence)
    return Finding("base_url", "ok", f"{url}.")


def is_public(host: str) -> bool:
    """Whether a host may be reached from elsewhere than its own machine or house."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_INWARD)


def _check_proxies(settings: Settings, known: Known) -> Iterator[Finding]:
    url = settings.base_url or known.base_url
    if url.startswith("https://") and not settings.trusted_proxies:
        yield Finding(
            "trusted_proxies",
            "look",
            "the address is https, so a proxy stands before Roseau, but none is named: all visitors look "
            "like one, and share one limit. Name its network, such as 127.0.0.1/32.",
        )


def _check_mail(settings: Settings) -> Finding:
    if not settings.smtp_host:
        sentence = (
            "no mail server is set. Mails are written to mail/*.eml in the data folder, and reach nobody."
        )
        return Finding("smtp_host", "look", sentence)
    kind = smtplib.SMTP_SSL if settings.smtp_security == "tls" else smtplib.SMTP
    try:
        with kind(settings.smtp_host, settings.smtp_port, timeout=SMTP_SECONDS) as server:
            server.ehlo()
            if settings.smtp_security == "starttls" and not server.has_extn("starttls"):
                sentence = (
                    f"{settings.smtp_host} offers no STARTTLS. Set smtp_security to tls, with its port."
                )
                return Finding("smtp_host", "wrong", sentence)
    except (OSError, smtplib.SMTPException) as error:
        sentence = f"{settings.smtp_host}, port {settings.smtp_port}, does not answer: {error}."
        return Finding("smtp_host", "wrong", sentence)
    return Finding("smtp_host", "ok", f"{settings.smtp_host}, port {settings.smtp_port}, answers.")


def _check_certificates() -> Iterator[Finding]:
    path = os.environ.get("SSL_CERT_FILE")
    if path and not os.access(path, os.R_OK):
        yield Finding("SSL_CERT_FILE", "wrong", f"{path} cannot be read, so no other server can be trusted.")
