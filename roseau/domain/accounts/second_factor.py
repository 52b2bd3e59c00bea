"""The second factor: codes of an app (TOTP, RFC 6238), and recovery codes for the day the phone is lost."""

import msgspec
import pyotp
from sqlalchemy import bindparam, delete, func, select, update

from roseau.domain.accounts.mails import find_reader, mail_second_factor
from roseau.domain.site import Site, load_choices
from roseau.kernel import keys
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import recovery_codes, users
from roseau.storage.statements import insertion, statement

#: Seconds that a code lasts; the one before and the one after are taken too, for clocks that are off.
STEP = 30


class Offer(msgspec.Struct, frozen=True):
    """What an app is given: the secret to type, and the `otpauth:` address to show as a QR code."""

    secret: str
    uri: str


class SecondFactor(msgspec.Struct, frozen=True):
    """How a member stands: since when codes are asked for, and how many recovery codes are left."""

    enabled_at: int | None
    recovery_codes: int


class _Otp(msgspec.Struct, frozen=True):
    secret: bytes | None
    enabled_at: int | None


_otp = statement(
    select(users.c.otp_secret.label("secret"), users.c.otp_enabled_at.label("enabled_at")).where(
        users.c.account_id == bindparam("account")
    ),
    into=_Otp,
)
_offer = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.otp_enabled_at.is_(None))
    .values(otp_secret=bindparam("secret"), otp_last_step=0)
)
_enable = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.otp_enabled_at.is_(None))
    .values(otp_enabled_at=bindparam("at"))
)
_disable = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"))
    .values(otp_secret=None, otp_enabled_at=None, otp_last_step=0)
)
_spend_step = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.otp_last_step < bindparam("step"))
    .values(otp_last_step=bindparam("used"))
)
_add_recovery = insertion(recovery_codes, "account_id code_hash")
_forget_recovery = statement(
    delete(recovery_codes).where(recovery_codes.c.account_id == bindparam("account"))
)
_spend_recovery = statement(
    update(recovery_codes)
    .where(
        recovery_codes.c.account_id == bindparam("account"),
        recovery_codes.c.code_hash == bindparam("wanted"),
        recovery_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
)
_count_recovery = statement(
    select(func.count()).where(
        recovery_codes.c.account_id == bindparam("account"), recovery_codes.c.used_at.is_(None)
    )
)


def find_second_factor(tx: Transaction, account_id: int) -> SecondFactor:
    """How the member stands."""
    otp = tx.one(_otp, account=account_id)
    left = tx.value(_count_recovery, account=account_id)
    return SecondFactor(otp.enabled_at if otp else None, left)


def offer_totp(tx: Transaction, site: Site, account_id: int) -> Offer:
    """A fresh secret to put into an app; it counts once `enable_totp` has seen a code of it.

    Raises Invalid when codes are asked for already.
    """
    reader = find_reader(tx, account_id)
    secret = pyotp.random_base32()
    sealed = keys.seal(site.data_key, _name(account_id), secret.encode())
    if not tx.run(_offer, account=account_id, secret=sealed):
        raise Invalid("Two-factor sign-in is on already. Turn it off first.")
    return _to_offer(tx, site, reader.username, secret)


def find_offer(tx: Transaction, site: Site, account_id: int) -> Offer | None:
    """The offer that waits for a code, to show it again after a wrong one."""
    otp = tx.one(_otp, account=account_id)
    if otp is None or otp.secret is None or otp.enabled_at is not None:
        return None
    return _to_offer(tx, site, find_reader(tx, account_id).username, _unseal(site, account_id, otp.secret))


def enable_totp(tx: Transaction, site: Site, account_id: int, code: str) -> list[str]:
    """Ask for codes from now on; the recovery codes, which are shown this once. Raises Invalid, NotFound."""
    otp = tx.one(_otp, account=account_id)
    if otp is None or otp.secret is None or otp.enabled_at is not None:
        raise NotFound
    if not _spend_totp(tx, site, account_id, otp.secret, code):
        raise _wrong_code()
    tx.run(_enable, account=account_id, at=tx.now)
    mail_second_factor(tx, site, find_reader(tx, account_id), enabled=True)
    return renew_recovery_codes(tx, site, account_id)


def disable_totp(tx: Transaction, site: Site, account_id: int) -> None:
    """Ask for no code any more. The door asks for the password first; an operator may do it for a member."""
    otp = tx.one(_otp, account=account_id)
    tx.run(_disable, account=account_id)
    tx.run(_forget_recovery, account=account_id)
    if otp is not None and otp.enabled_at is not None:
        mail_second_factor(tx, site, find_reader(tx, account_id), enabled=False)


def renew_recovery_codes(tx: Transaction, site: Site, account_id: int) -> list[str]:
    """New recovery codes, shown this once; the old ones are void."""
    codes = keys.new_recovery_codes()
    tx.run(_forget_recovery, account=account_id)
    tx.run_many(
        _add_recovery, [{"account_id": account_id, "code_hash": _recovery_hash(site, code)} for code in codes]
    )
    return codes


def check_code(tx: Transaction, site: Site, account_id: int, code: str) -> None:
    """Take a code of the app or a recovery code; each works once. Raises Invalid."""
    otp = tx.one(_otp, account=account_id)
    if otp is None or otp.secret is None:
        raise _wrong_code()
    if _spend_totp(tx, site, account_id, otp.secret, code):
        return
    if not tx.run(_spend_recovery, account=account_id, wanted=_recovery_hash(site, code), at=tx.now):
        raise _wrong_code()


def _spend_totp(tx: Transaction, site: Site, account_id: int, sealed: bytes, code: str) -> bool:
    """Whether it is a code of now that was not used yet; then it is used up."""
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return False
    totp = pyotp.TOTP(_unseal(site, account_id, sealed), interval=STEP)
    present = tx.now // 1000 // STEP
    for step in (present - 1, present, present + 1):
        if keys.same(totp.generate_otp(step), digits):
            return tx.run(_spend_step, account=account_id, step=step, used=step) == 1
    return False


def _to_offer(tx: Transaction, site: Site, username: str, secret: str) -> Offer:
    name = f"{username}@{site.domain}"
    uri = pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=load_choices(tx).title)
    return Offer(secret, uri)


def _recovery_hash(site: Site, code: str) -> str:
    """Fifty bits could be tried out by whoever has a copy of the database: so the hash is keyed."""
    return keys.sign(site.data_key, "recovery code", "".join(code.lower().split()))


def _name(account_id: int) -> str:
    return f"totp {account_id}"


def _unseal(site: Site, account_id: int, sealed: bytes) -> str:
    return keys.unseal(site.data_key, _name(account_id), bytes(sealed)).decode()


def _wrong_code() -> Invalid:
    return Invalid(problems=(Problem("code", "ERR_INVALID", "The code is wrong or was used already"),))
