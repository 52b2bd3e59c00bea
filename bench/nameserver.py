"""A small name server: one zone on loopback, asked by TCP, updated with a signature (RFC 2136, 8945)."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.update

KEY, SECRET = "roseau", "c2VjcmV0K3NlY3JldC9zZWNyZXQrc2VjcmV0MTIzNDU="
Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


class NameServer:
    """The zone's records and what was done to them."""

    def __init__(self, zone: str) -> None:
        self.zone = dns.name.from_text(zone)
        self.keys = dns.tsigkeyring.from_text({KEY: ("hmac-sha256", SECRET)})
        self.records: dict[Key, dns.rrset.RRset] = {}
        self.updates = 0
        #: Answer so many updates with SERVFAIL first; answer all with this code; take them and do nothing.
        self.failing = 0
        self.refusing: dns.rcode.Rcode | None = None
        self.forgetful = False
        self.add(zone, 3600, "SOA", "ns.example.org. admin.example.org. 1 7200 900 1209600 60")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    @property
    def hook(self) -> str:
        """The setting that leads here."""
        zone = self.zone.to_text(omit_final_dot=True)
        return f"rfc2136://{KEY}:{SECRET}@127.0.0.1:{self.port}/{zone}"

    def add(self, name: str, ttl: int, kind: str, *values: str) -> None:
        """Put records in."""
        rrset = dns.rrset.from_text(name if name.endswith(".") else f"{name}.", ttl, "IN", kind, *values)
        self.records[rrset.name, rrset.rdtype] = rrset

    def values(self, name: str, kind: str) -> list[str]:
        """The records of a name."""
        found = self.records.get((dns.name.from_text(name), dns.rdatatype.from_text(kind)))
        return sorted(item.to_text() for item in found or ())

    def run(self) -> None:
        """Answer one connection after another until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, suppress(OSError, EOFError, dns.exception.DNSException):
                connection.settimeout(5)
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        length = int.from_bytes(self._read(connection, 2))
        wire = self._read(connection, length)
        try:
            message = dns.message.from_wire(wire, keyring=self.keys)
        except (dns.message.UnknownTSIGKey, dns.tsig.BadSignature):
            refused = dns.message.make_response(
                dns.message.from_wire(wire, continue_on_error=True, keyring=False)
            )
            refused.set_rcode(dns.rcode.NOTAUTH)
            connection.sendall(refused.to_wire(prepend_length=True))
            return
        connection.sendall(self._answer(message).to_wire(prepend_length=True))

    @staticmethod
    def _read(connection: socket.socket, length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = connection.recv(length - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _answer(self, message: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(message)
        if isinstance(message, dns.update.UpdateMessage):
            response.set_rcode(self._update(message))
            return response
        question = message.question[0]
        response.flags |= dns.flags.AA
        for kind in (question.rdtype, dns.rdatatype.CNAME):
            if (found := self.records.get((question.name, kind))) is not None:
                response.answer.append(found)
        return response

    def _update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        if self.refusing is not None:
            return self.refusing
        if self.failing:
            self.failing -= 1
            return dns.rcode.SERVFAIL
        if not message.had_tsig:
            return dns.rcode.REFUSED
        if message.zone[0].name != self.zone:
            return dns.rcode.NOTZONE
        for wanted in message.prerequisite:
            if (wanted.name, wanted.rdtype) not in self.records:
                return dns.rcode.NXRRSET
        if message.update and not self.forgetful:
            self.updates += 1
            for change in message.update:
                self._apply(change)
        return dns.rcode.NOERROR

    def _apply(self, change: dns.rrset.RRset) -> None:
        key = (change.name, change.rdtype)
        if change.deleting == dns.rdataclass.ANY:
            self.records.pop(key, None)
        elif change.deleting == dns.rdataclass.NONE:
            left = [item for item in self.records.pop(key, ()) if item not in change]
            if left:
                self.records[key] = dns.rrset.from_rdata_list(change.name, change.ttl, left)
        elif (change.name, dns.rdatatype.CNAME) not in self.records:
            present = self.records.get(key)
            items = [*(present or ()), *change]
            self.records[key] = dns.rrset.from_rdata_list(change.name, change.ttl, items)


@contextmanager
def running_name_server(zone: str = "example.org") -> Iterator[NameServer]:
    """A name server that answers until the end."""
    server = NameServer(zone)
    thread = threading.Thread(target=server.run, name="nameserver")
    thread.start()
    try:
        yield server
    finally:
        # Closing alone does not wake the thread that waits in accept().
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(10)
