"""Why an outgoing request came to nothing: a closed list of refusals (ours) and failures (theirs)."""

from enum import StrEnum
from typing import ClassVar

from roseau.kernel.errors import RoseauError


class Refusal(StrEnum):
    """What this server will not do. Asking again changes nothing, unless the other side changes."""

    URL = "url"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PORT = "port"
    ADDRESS = "address"
    DOWNGRADE = "downgrade"
    REDIRECTS = "redirects"
    HEADERS = "headers"
    TYPE = "type"
    ENCODING = "encoding"
    SIZE = "size"


class Failure(StrEnum):
    """What went wrong on the way. Asking again later may well work."""

    NAME = "name"
    CONNECTION = "connection"
    CERTIFICATE = "certificate"
    TIME = "time"
    PROTOCOL = "protocol"


# These sentences may reach the person who gave the address, so none says which address a name led to:
# that would let anyone map the network this server stands in.
REFUSALS = {
    Refusal.URL: "This is not a web address.",
    Refusal.SCHEME: "Only http and https addresses are fetched.",
    Refusal.CREDENTIALS: "Addresses with a user name or a password in them are not fetched.",
    Refusal.PORT: "This server does not connect to that port.",
    Refusal.ADDRESS: "This server does not connect to that address.",
    Refusal.DOWNGRADE: "The other server leads from https to plain http.",
    Refusal.REDIRECTS: "The other server redirects too many times.",
    Refusal.HEADERS: "The other server's answer has too many headers.",
    Refusal.TYPE: "The other server's answer is of another kind than was asked for.",
    Refusal.ENCODING: "The other server's answer is compressed in a way that was not asked for.",
    Refusal.SIZE: "The other server's answer is too large.",
}

FAILURES = {
    Failure.NAME: "The other server's name could not be found.",
    Failure.CONNECTION: "The other server could not be reached.",
    Failure.CERTIFICATE: "The other server's certificate could not be verified.",
    Failure.TIME: "The other server took too long to answer.",
    Failure.PROTOCOL: "The other server's answer could not be read.",
}


class FetchError(RoseauError):
    """An outgoing request came to nothing. Status 503 as in Mastodon, where remote data could not be had."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "fetch_failed"
    sentence: ClassVar[str] = "Remote data could not be fetched."


class Refused(FetchError):
    """This server would not make the request, or would not take the answer; `reason` says why."""

    code: ClassVar[str] = "fetch_refused"

    def __init__(self, reason: Refusal) -> None:
        super().__init__(REFUSALS[reason])
        self.reason = reason


class Unreachable(FetchError):
    """The other server did not give a usable answer; `reason` says what went wrong."""

    code: ClassVar[str] = "unreachable"

    def __init__(self, reason: Failure) -> None:
        super().__init__(FAILURES[reason])
        self.reason = reason
