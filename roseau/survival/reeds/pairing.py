"""Pairing: a one-time code from the primary makes a machine known to it, and it to the machine.

The code carries the primary's address and a secret. Neither side ever says the secret: each proves that it
has it by an HMAC over what it says, so a pairing may go through a plain connection.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.kernel import clock, keys
from roseau.kernel.errors import Forbidden, Invalid
from roseau.storage.database import Transaction
from roseau.storage.schema.site import one_time_links
from roseau.storage.secrets import wrap_for
from roseau.storage.statements import insertion, statement
from roseau.survival.reeds.identity import id_of
from roseau.survival.reeds.machines import keep_machine, load_roster, name_is_free
from roseau.survival.reeds.roster import Machine, Roster
from roseau.survival.reeds.wire import split_address

PURPOSE = "reed"
GOOD_FOR = clock.HOUR
PATH = "/survival/pair"
_PREFIX = "roseau-"
_LONGEST_NAME = 60

_links = one_time_links.c
_invite = insertion(one_time_links, "token_hash purpose account_id detail created_at expires_at")
_use = statement(
    update(one_time_links)
    .where(
        _links.token_hash == bindparam("wanted"),
        _links.purpose == PURPOSE,
        _links.used_at.is_(None),
        _links.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
    .returning(_links.detail)
)
_was = statement(
    select(_links.used_at).where(_links.token_hash == bindparam("wanted"), _links.purpose == PURPOSE)
)


class Code(msgspec.Struct, array_like=True):
    """What a code says: where the primary is, and the secret."""

    url: str
    secret: str

    def to_text(self) -> str:
        """The code as one word."""
        return _PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


class WrongCode(ValueError):
    """This is not a code that `roseau reed invite` has printed."""


class PairRequest(msgspec.Struct, kw_only=True):
    """What the machine says of itself. Keys in base64."""

    invitation: str
    name: str
    address: str
    web_address: str = ""
    certificate: str
    sealing_key: str
    proof: str = ""


class PairAnswer(msgspec.Struct, kw_only=True):
    """What the primary says: everybody, itself among them."""

    roster: Roster
    proof: str = ""


class NotPaired(Forbidden):
    """The code or the proof is not right."""

    code = "not_paired"
    sentence = "This code opens nothing: it is used up, too old, or not one of this site's."


def parse_code(text: str) -> Code:
    """The code that somebody was given. Raises WrongCode."""
    word = text.strip().removeprefix(_PREFIX)
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)), type=Code)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise WrongCode("This is not a code that `roseau reed invite` prints.") from None


def invite(tx: Transaction, data_key: bytes, url: str) -> Code:
    """A new code, good once and for an hour."""
    secret = keys.new_token(24)
    tx.run(
        _invite,
        token_hash=keys.hash_token(secret),
        purpose=PURPOSE,
        account_id=None,
        detail=base64.b64encode(keys.seal(data_key, PURPOSE, secret.encode())).decode(),
        created_at=tx.now,
        expires_at=tx.now + GOOD_FOR,
    )
    return Code(url, secret)


def _prove(secret: str, who: str, said: Any) -> str:
    """The proof of a message, whose own field for it is empty."""
    message = who.encode() + b"\0" + msgspec.json.encode(msgspec.structs.replace(said, proof=""))
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def to_request(code: Code, machine: Machine) -> PairRequest:
    """What a machine with a code says to the primary."""
    request = PairRequest(
        invitation=keys.hash_token(code.secret),
        name=machine.name,
        address=machine.address,
        web_address=machine.web_address,
        certificate=base64.b64encode(machine.certificate).decode(),
        sealing_key=base64.b64encode(machine.sealing_key).decode(),
    )
    request.proof = _prove(code.secret, "reed", request)
    return request


def pair(tx: Transaction, data_key: bytes, own: Machine, request: PairRequest) -> tuple[Machine, str]:
    """List the machine and give it the data key; the machine, and the secret for the answer.

    Raises NotPaired, Invalid.
    """
    found = tx.value(_use, wanted=request.invitation, now=tx.now)
    if found is None:
        raise NotPaired
    secret = keys.unseal(data_key, PURPOSE, base64.b64decode(found)).decode()
    if not keys.same(_prove(secret, "reed", request), request.proof):
        raise NotPaired
    machine = _to_machine(request)
    if not name_is_free(tx, machine.name, [machine.id]):
        raise Invalid(
            "There is a machine named %(name)s already. Give this one another --name.",
            values={"name": machine.name},
        )
    keep_machine(tx, own)
    keep_machine(tx, machine)
    wrap_for(tx, data_key, machine.id, machine.sealing_key)
    return machine, secret


def was_used(tx: Transaction, invitation: str) -> bool:
    """Whether a code was good once: somebody may be replaying it."""
    return tx.value(_was, wanted=invitation) is not None


def to_answer(tx: Transaction, secret: str, *, automatic: bool, base_url: str) -> PairAnswer:
    """What the primary answers to a machine that is listed now."""
    answer = PairAnswer(roster=load_roster(tx, automatic=automatic, base_url=base_url))
    answer.proof = _prove(secret, "primary", answer)
    return answer


def check_answer(code: Code, answer: PairAnswer) -> Roster:
    """Everybody, if the answer is from who made the code. Raises NotPaired."""
    if not keys.same(_prove(code.secret, "primary", answer), answer.proof):
        raise NotPaired("The answer does not come from the machine that made this code.")
    return answer.roster


def _to_machine(request: PairRequest) -> Machine:
    try:
        certificate = base64.b64decode(request.certificate, validate=True)
        sealing_key = base64.b64decode(request.sealing_key, validate=True)
        split_address(request.address)
        machine_id = id_of(certificate)
    except ValueError as error:
        raise Invalid("This machine does not describe itself as one.") from error
    name = " ".join(request.name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or len(sealing_key) != keys.KEY_BYTES:
        raise Invalid("This machine does not describe itself as one.")
    return Machine(
        id=machine_id,
        name=name,
        address=request.address,
        web_address=request.web_address,
        certificate=certificate,
        sealing_key=sealing_key,
        role="joining",
    )
