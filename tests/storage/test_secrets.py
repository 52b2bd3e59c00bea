"""The data key and who holds it: this machine, other machines, the recovery key."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from roseau.domain.recovery_key import make_recovery_key
from roseau.kernel import keys
from roseau.kernel.sealing import to_sealing_public, unseal_with
from roseau.kernel.words import from_words
from roseau.storage import secrets
from roseau.storage.schema.site import data_keys
from roseau.storage.statements import insertion, statement

_of = statement(select(data_keys.c.wrapped).where(data_keys.c.holder == bindparam("wanted")))
_add = insertion(data_keys, "holder wrapped created_at")


def own_id(server: Any) -> str:
    """The id of the server's machine."""
    return secrets.machine_id_of(secrets.read_machine_key(server.folder))


def make_words(server: Any) -> bytes:
    """A recovery key for the site."""
    words = server.database.write_now(make_recovery_key, server.site, None)
    return from_words(" ".join(words))


def test_a_new_site_is_held_by_its_machine(server: Any) -> None:
    assert server.database.read_now(secrets.list_holders) == [own_id(server)]


def test_a_machine_is_called_by_its_identity() -> None:
    """Worked out by hand from RFC 5869 and RFC 8032, so that another version finds its own rows."""
    assert secrets.machine_id_of(bytes(32)) == "3d1321e1d0d6a526"


def test_nothing_is_written_where_nothing_has_to_be(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a write")

    monkeypatch.setattr(type(server.database), "write_now", refuse)
    assert secrets.open_data_key(server.database, server.folder) == server.site.data_key


def test_a_site_of_an_earlier_version_is_taken_over_by_its_machine(server: Any) -> None:
    machine_key = secrets.read_machine_key(server.folder)

    def as_it_was(tx: Any) -> None:
        secrets.drop_holder(tx, own_id(server))
        wrapped = keys.seal(machine_key, "data-key", server.site.data_key)
        tx.run(_add, holder="primary", wrapped=wrapped, created_at=tx.now)

    server.database.write_now(as_it_was)
    assert server.database.read_now(secrets.list_holders) == ["primary"]
    for _ in range(2):
        assert secrets.open_data_key(server.database, server.folder) == server.site.data_key
        assert server.database.read_now(secrets.list_holders) == [own_id(server)]


def test_another_machine_does_not_open_a_site_of_an_earlier_version(server: Any, tmp_path: Path) -> None:
    def as_it_was(tx: Any) -> None:
        secrets.drop_holder(tx, own_id(server))
        wrapped = keys.seal(keys.new_key(), "data-key", server.site.data_key)
        tx.run(_add, holder="primary", wrapped=wrapped, created_at=tx.now)

    server.database.write_now(as_it_was)
    with pytest.raises(secrets.LostKey, match="roseau recovery open"):
        secrets.open_data_key(server.database, server.folder)
    assert server.database.read_now(secrets.list_holders) == ["primary"]


def test_a_key_is_wrapped_for_another_holder_and_taken_back(server: Any) -> None:
    private = keys.new_key()
    public = to_sealing_public(private)
    for _ in range(2):
        server.database.write_now(secrets.wrap_for, server.site.data_key, "reed", public)
        wrapped = server.database.read_now(lambda tx: bytes(tx.value(_of, wanted="reed")))
        assert unseal_with(private, "data-key", wrapped) == server.site.data_key
    assert set(server.database.read_now(secrets.list_holders)) == {"reed", own_id(server)}
    server.database.write_now(secrets.drop_holder, "reed")
    assert server.database.read_now(secrets.list_holders) == [own_id(server)]


def test_the_recovery_key_lets_another_machine_in(server: Any, tmp_path: Path) -> None:
    recovery_key = make_words(server)
    with pytest.raises(secrets.LostKey):
        secrets.open_data_key(server.database, tmp_path)
    assert secrets.recover_data_key(server.database, tmp_path, recovery_key) == server.site.data_key
    assert secrets.open_data_key(server.database, tmp_path) == server.site.data_key
    assert secrets.open_data_key(server.database, server.folder) == server.site.data_key


def test_another_recovery_key_or_an_earlier_one_opens_nothing(server: Any, tmp_path: Path) -> None:
    with pytest.raises(secrets.LostKey, match="No recovery key"):
        secrets.recover_data_key(server.database, tmp_path, bytes(16))
    earlier = make_words(server)
    make_words(server)
    for wrong in (earlier, bytes(16)):
        with pytest.raises(secrets.LostKey, match="not this site's"):
            secrets.recover_data_key(server.database, tmp_path, wrong)
    assert not (tmp_path / "machine.key").exists()


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_machine_key_is_said_to_be(server: Any, content: bytes) -> None:
    (server.folder / "machine.key").write_bytes(content)
    with pytest.raises(secrets.LostKey, match="damaged"):
        secrets.open_data_key(server.database, server.folder)


def test_a_secret_is_replaced_when_that_is_asked_for(server: Any) -> None:
    key = server.site.data_key
    server.database.write_now(secrets.keep_secret, key, "vault", b"one", replace=True)
    server.database.write_now(secrets.keep_secret, key, "vault", b"two", replace=True)
    assert server.database.read_now(secrets.find_secret, key, "vault") == b"two"
