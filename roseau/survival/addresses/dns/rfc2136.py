"""Pointing names by a dynamic update (RFC 2136) over TCP, signed with a shared key (TSIG, RFC 8945)."""

import re
import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import msgspec

from roseau.survival.addresses.dns import Change, HookFailed, Kind
from roseau.survival.addresses.dns.writing import Options, read_options

PATIENCE_SECONDS: Final = 10.0

_WRITTEN: Final = re.compile(
    r"rfc2136://(?P<key>[^:/@]+):(?P<secret>[^@]+)@(?P<server>\[[^\]@]+\]|[^:/@\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
    r"/(?P<zone>[^/?]+)/?(?:\?(?P<query>.*))?"
)
_ALGORITHMS: Final = ("hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224", "hmac-sha1")
#: What a server answers that may answer otherwise in a moment.
_PASSING: Final = (dns.rcode.SERVFAIL,)


def open_part(text: str) -> "Update":
    """Read `rfc2136://KEY:SECRET@SERVER:PORT/ZONE?algorithm=&ttl=&name=`. Raises HookFailed."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise HookFailed(
            "dns_hook: an update is written rfc2136://KEY:SECRET@ns.example.org:53/example.org?algorithm=…"
        )
    options = read_options(match["query"] or "", ("algorithm",))
    algorithm = options.others.get("algorithm", _ALGORITHMS[0]).lower()
    if algorithm not in _ALGORITHMS:
        raise HookFailed(f"dns_hook: the algorithm is one of {', '.join(_ALGORITHMS)}.")
    try:
        zone = dns.name.from_text(unquote(match["zone"]).lower())
        keys = dns.tsigkeyring.from_text({unquote(match["key"]): (algorithm, unquote(match["secret"]))})
    except (dns.exception.DNSException, ValueError):
        raise HookFailed("dns_hook: the zone or the key is not well written; a secret is base64.") from None
    return Update(match["server"].strip("[]"), int(match["port"] or 53), zone, keys, options)


class Update(msgspec.Struct, frozen=True):
    """One zone on its primary server."""

    server: str
    port: int
    zone: dns.name.Name
    keys: dict[dns.name.Name, dns.tsig.Key]
    options: Options

    def covers(self, name: str) -> bool:
        """Whether the name is in the zone, or listed."""
        return self.options.covers(name, self.zone.to_text(omit_final_dot=True))

    def look(self, name: str, kind: Kind) -> tuple[str, ...]:
        """What the server itself answers for the name."""
        answer = self._ask(dns.message.make_query(name, kind))
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise self._refused(answer.rcode(), f"does not answer for {name}")
        wanted = dns.rdatatype.from_text(kind)
        return tuple(
            sorted(item.to_text() for rrset in answer.answer if rrset.rdtype == wanted for item in rrset)
        )

    def put(self, changes: Sequence[Change], ttl: int | None) -> None:
        """Send all changes as one update, which happens whole or not at all; then see that it did."""
        message = self._begin()
        for change in changes:
            name = dns.name.from_text(change.name)
            # An address beside another name is silently left out (RFC 2136, section 3.4.2.2).
            message.delete(name, "CNAME")
            message.delete(name, change.kind)
            for address in change.after:
                message.add(name, ttl or self.options.ttl, change.kind, address)
        code = self._ask(message).rcode()
        if code != dns.rcode.NOERROR:
            raise self._refused(code, "refuses the update")
        for change in changes:
            if self.look(change.name, change.kind) != change.after:
                raise HookFailed(
                    f"{self.server} took the update, but {change.name} does not point there.", passing=True
                )

    def check(self) -> str:
        """Send a signed update that asks whether there is such a zone, and changes nothing."""
        message = self._begin()
        message.present(self.zone, "SOA")
        code = self._ask(message).rcode()
        if code != dns.rcode.NOERROR:
            raise self._refused(code, "would refuse an update")
        return f"{self.server} takes updates of {self.zone.to_text(omit_final_dot=True)} with this key."

    def _begin(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self.zone, keyring=self.keys)

    def _refused(self, code: dns.rcode.Rcode, what: str) -> HookFailed:
        return HookFailed(f"{self.server} {what}: {dns.rcode.to_text(code)}.", passing=code in _PASSING)

    def _ask(self, message: dns.message.Message) -> dns.message.Message:
        try:
            found = socket.getaddrinfo(self.server, self.port, type=socket.SOCK_STREAM)
            return dns.query.tcp(message, str(found[0][4][0]), PATIENCE_SECONDS, self.port)
        except (dns.tsig.PeerError, dns.tsig.BadSignature) as error:
            raise HookFailed(f"{self.server} does not accept the key of dns_hook: {error}.") from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise HookFailed(
                f"{self.server} does not answer: {error or 'no answer'}.", passing=True
            ) from error
