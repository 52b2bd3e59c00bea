"""Every setting: its default, what it does, and how it is found.

One name, three ways: `max_characters = 500` in `roseau.toml`, `ROSEAU_MAX_CHARACTERS=500`,
`--max-characters 500`. The later wins over the earlier, and all win over the default. Read once at
start-up, checked, and never changed. What the operator chooses in the pages (name, rules, sign-up
mode) is kept in the database instead, and a setting given here stands above it.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

Registrations = Literal["open", "approval", "invitation", "closed"]


class WrongSetting(ValueError):
    """A setting that cannot be used; the message names it and says what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in force."""

    data: Annotated[
        str, Meta(description="The folder that holds the database, the secrets and the media.")
    ] = "data"
    base_url: Annotated[
        str,
        Meta(
            description="The address that members and other servers see, such as https://example.org. "
            "Empty: the one chosen at `init` or in the first-run pages, else http://HOST:PORT."
        ),
    ] = ""
    host: Annotated[str, Meta(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(description="The port to listen on.", ge=0, le=65535)] = 8000
    database: Annotated[
        str, Meta(description="Empty for SQLite in the data folder, or a postgresql:// address.")
    ] = ""
    synchronous: Annotated[
        Literal["FULL", "OFF"],
        Meta(description="SQLite only. FULL: what was acknowledged is on disk. OFF is for measuring only."),
    ] = "FULL"
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Networks (CIDR) whose X-Forwarded-For and X-Forwarded-Proto are believed."),
    ] = ()
    outgoing_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Private networks (CIDR) that outgoing requests may reach, besides public addresses."
        ),
    ] = ()
    registrations: Annotated[
        Registrations | None,
        Meta(
            description="Who may sign up: open, approval, invitation, closed. Empty: as chosen in the pages."
        ),
    ] = None
    mail_confirmation: Annotated[
        bool, Meta(description="Whether a new member confirms the mail address before posting.")
    ] = True
    minimum_age: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The age that people confirm when they sign up. Empty: as chosen in the pages."),
    ] = None
    rate_limits: Annotated[bool, Meta(description="Whether callers are limited as Mastodon limits them.")] = (
        True
    )
    max_characters: Annotated[
        int, Meta(description="Longest post, in characters; a link counts 23.", ge=100)
    ] = 2000
    max_media: Annotated[int, Meta(description="Most pictures in a post.", ge=1, le=16)] = 4
    max_image_bytes: Annotated[
        int, Meta(description="Largest picture that can be uploaded, in bytes.", ge=1024)
    ] = 16 * 1024 * 1024
    max_image_pixels: Annotated[
        int, Meta(description="Largest picture that is decoded, in pixels.", ge=1024)
    ] = 50_000_000
    decode_seconds: Annotated[
        int, Meta(description="Processor time that decoding a picture may take.", ge=1)
    ] = 10
    decode_memory: Annotated[
        int, Meta(description="Memory that decoding a picture may take, in bytes.", ge=2**27)
    ] = 2**30
    smtp_host: Annotated[
        str, Meta(description="The mail server. Empty: mails are written to mail/*.eml.")
    ] = ""
    smtp_port: Annotated[int, Meta(description="The mail server's port.", ge=1, le=65535)] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="How the connection to the mail server is protected."),
    ] = "starttls"
    smtp_user: Annotated[
        str, Meta(description="The name to sign in with at the mail server, if it asks for one.")
    ] = ""
    smtp_password: Annotated[str, Meta(description="The password that goes with it.")] = ""
    mail_from: Annotated[str, Meta(description="The sender of mails. Empty: roseau@ the site's domain.")] = ""
    survival_automatic: Annotated[
        bool,
        Meta(description="Whether three reeds or more promote one of themselves when the primary is lost."),
    ] = False
    survival_log_bytes: Annotated[
        int,
        Meta(description="How much of the log is kept for a reed or vault that is away, in bytes.", ge=2**20),
    ] = 2**30
    media_stores: Annotated[
        tuple[str, ...],
        Meta(description="Further places for media besides the data folder: folders, or s3:// addresses."),
    ] = ()
    media_copies: Annotated[
        int,
        Meta(
            description="In how many places an upload is before it is acknowledged, if there are so many.",
            ge=1,
        ),
    ] = 2
    vaults: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders or s3:// addresses for sealed copies from which any moment can be restored."
        ),
    ] = ()
    vault_days: Annotated[int, Meta(description="How many days back a vault can restore.", ge=1)] = 30
    backup_folder: Annotated[
        str, Meta(description="Where a backup is written each night and tried out. Empty: none is.")
    ] = ""
    backup_hour: Annotated[
        int, Meta(description="The hour (UTC) at which the nightly backup begins.", ge=0, le=23)
    ] = 2
    backup_keep: Annotated[int, Meta(description="How many nightly backups are kept.", ge=1)] = 7
    dns_hook: Annotated[
        str,
        Meta(
            description="How the site's name is pointed at a promoted machine: rfc2136://…, lexicon:…, or "
            "command:…. Empty: by hand."
        ),
    ] = ""
    public_address: Annotated[
        str,
        Meta(
            description="This machine's public address, IPv4 or IPv6 or both with a comma, to which dns_hook "
            "points the names when it is promoted."
        ),
    ] = ""
    abuse_mailbox: Annotated[
        str,
        Meta(
            description="Where mail to abuse@ is fetched: imaps://USER:PASSWORD@HOST/INBOX. Empty: nowhere."
        ),
    ] = ""
    abuse_folder: Annotated[
        str,
        Meta(description="A folder in which a mail program leaves mails to abuse@ as *.eml. Empty: none."),
    ] = ""
    log: Annotated[
        Literal["requests", "events", "quiet"],
        Meta(
            description="What is written to the log: every request, only what matters, or nothing but errors."
        ),
    ] = "requests"


_HOST = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
SECRET_SETTINGS = frozenset(
    {"smtp_password", "database", "media_stores", "vaults", "dns_hook", "abuse_mailbox"}
)
_TYPES: dict[str, Any] = get_type_hints(Settings)


def describe_settings() -> dict[str, str]:
    """Each setting's name and what it does, in the order of the struct."""
    return {
        name: next(item.description or "" for item in kind.__metadata__ if isinstance(item, Meta))
        for name, kind in get_type_hints(Settings, include_extras=True).items()
    }


def parse_setting(name: str, text: str) -> Any:
    """Read one setting from text (environment, flag). Raises WrongSetting."""
    kind = _TYPES[name]
    arguments = get_args(kind)
    value: Any = text.strip()
    if type(None) in arguments and value == "":
        return None
    if kind is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if value.lower() not in words:
            raise WrongSetting(f"{name}: {text!r} is neither true nor false.")
        return words[value.lower()]
    if kind == tuple[str, ...]:
        return tuple(part for part in value.replace(",", " ").split() if part)
    if kind is int or int in arguments:
        try:
            return int(value.replace("_", ""))
        except ValueError:
            raise WrongSetting(f"{name}: {text!r} is not a whole number.") from None
    return value


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{path}: {error}") from None
    found = _flatten(found)
    if unknown := sorted(set(found) - set(_TYPES)):
        raise WrongSetting(f"{path}: there is no setting {unknown[0]!r}. `roseau check` lists them all.")
    return found


def _flatten(found: dict[str, Any]) -> dict[str, Any]:
    """Tables may be used: `media.copies` is `media_copies`."""
    flat: dict[str, Any] = {}
    for name, value in found.items():
        parts = _flatten(value) if isinstance(value, dict) else {"": value}
        flat.update({f"{name}_{part}".rstrip("_"): inner for part, inner in parts.items()})
    return flat


def load_settings(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Settings, dict[str, str]]:
    """The settings in force, and for each where it comes from.

    `roseau.toml` is looked for in the data folder, then in the present one. Raises WrongSetting.
    """
    environment = os.environ if environment is None else environment
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    data = str(flags.get("data") or environment.get("ROSEAU_DATA") or "data")
    values: dict[str, Any] = {}
    origin = dict.fromkeys(_TYPES, "default")
    for path in (Path(data) / "roseau.toml", Path("roseau.toml")):
        if path.is_file():
            found = _from_toml(path)
            values.update(found)
            origin.update(dict.fromkeys(found, str(path)))
            break
    for name in _TYPES:
        variable = f"ROSEAU_{name.upper()}"
        if variable in environment:
            values[name], origin[name] = parse_setting(name, environment[variable]), variable
    for name, value in flags.items():
        values[name] = parse_setting(name, value) if isinstance(value, str) else value
        origin[name] = "--" + name.replace("_", "-")
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise WrongSetting(_explain(error)) from None
    _check(settings)
    return settings, origin


def _explain(error: msgspec.ValidationError) -> str:
    message, _, place = str(error).partition(" - at `$.")
    return f"{place.rstrip('`') or 'roseau.toml'}: {message[0].lower()}{message[1:]}."


def _check(settings: Settings) -> None:
    for name in ("trusted_proxies", "outgoing_networks"):
        for network in getattr(settings, name):
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise WrongSetting(f"{name}: {network!r} is not a network such as 10.0.0.0/8.") from None
    if settings.base_url:
        check_base_url(settings.base_url)
    if settings.database and not settings.database.startswith(("postgresql://", "postgres://")):
        raise WrongSetting("database: only postgresql:// addresses are known. Leave it empty for SQLite.")


def check_base_url(url: str) -> str:
    """An address without path or trailing slash. Raises WrongSetting."""
    parts = urlsplit(url)
    if (
        not url.isprintable()
        or parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(parts.netloc)
        or parts.username
        or parts.query
        or parts.fragment
    ):
        raise WrongSetting(f"base_url: {url!r} is not an address such as https://example.org.")
    if parts.path not in ("", "/"):
        raise WrongSetting("base_url: Roseau needs a name of its own; it cannot live under a path.")
    return f"{parts.scheme}://{parts.netloc}"
