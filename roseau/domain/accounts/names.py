"""What an account of this site may be called."""

import re

from roseau.kernel.errors import Problem

MAX_USERNAME = 30
MAX_DISPLAY_NAME = 40

_USERNAME = re.compile(r"[a-zA-Z0-9_]+\Z")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\\x00-\x1f]+@[^\s@<>\"(),:;\[\]\\\x00-\x1f]+\Z")

#: Names that would stand for the site itself. Operators may take them; a sign-up may not.
RESERVED = frozenset(
    [
        "abuse",
        "account",
        "accounts",
        "admin",
        "administrator",
        "api",
        "help",
        "helpdesk",
        "instance",
        "mod",
        "moderation",
        "moderator",
        "moderators",
        "mods",
        "oauth",
        "owner",
        "postmaster",
        "root",
        "roseau",
        "security",
        "settings",
        "static",
        "support",
        "system",
        "webmaster",
    ]
)


def check_username(username: str, *, reserved_allowed: bool = False) -> Problem | None:
    """Why this cannot be a user name here, or None."""
    if not username:
        return Problem("username", "ERR_BLANK", "Username can't be blank")
    if len(username) > MAX_USERNAME:
        return Problem("username", "ERR_TOO_LONG", "Username is too long (maximum is 30 characters)")
    if not _USERNAME.match(username):
        return Problem(
            "username", "ERR_INVALID", "Username must contain only letters, numbers and underscores"
        )
    if not reserved_allowed and username.lower() in RESERVED:
        return Problem("username", "ERR_RESERVED", "Username is reserved")
    return None


def check_email(email: str) -> Problem | None:
    """Why this cannot be a mail address, or None. Its shape is all that is looked at."""
    if not email:
        return Problem("email", "ERR_BLANK", "Email can't be blank")
    if len(email) > 320 or not _EMAIL.match(email):
        return Problem("email", "ERR_INVALID", "Email is invalid")
    return None


def email_key(email: str) -> str:
    """The form in which mail addresses are compared."""
    return email.strip().lower()
