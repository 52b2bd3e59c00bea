"""Ids, the clock, keys and the cache."""

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel import clock, ids, keys
from roseau.kernel.cache import Cache

MOMENTS = st.integers(0, 4_102_444_800_000)


def test_ids_are_made_in_order_also_by_many_threads() -> None:
    made: list[int] = []
    lock = threading.Lock()

    def make() -> None:
        mine = [ids.new_id() for _ in range(2_000)]
        assert mine == sorted(mine)
        with lock:
            made.extend(mine)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000
    assert max(made) < ids.MAX_ID


def test_ids_go_on_when_the_clock_is_set_back() -> None:
    before = ids.new_id()
    try:
        clock.set_clock(lambda: 1_000.0)
        assert ids.new_id() > before
    finally:
        clock.set_clock(None)


@given(MOMENTS)
def test_an_id_tells_its_moment(at: int) -> None:
    assert ids.time_of(ids.new_id(at)) == at
    assert ids.first_id_at(at) <= ids.new_id(at) < ids.first_id_at(at + 1)


@given(st.text())
def test_an_id_from_outside_is_a_number_of_63_bits_or_none(text: str) -> None:
    found = ids.parse_id(text)
    assert found is None or (0 <= found <= ids.MAX_ID and int(text) == found)


def test_what_no_id_can_be() -> None:
    assert ids.parse_id(str(ids.MAX_ID)) == ids.MAX_ID
    assert [ids.parse_id(text) for text in (None, "", "-1", "1.0", str(ids.MAX_ID + 1), "9" * 40, "١")] == [
        None
    ] * 7


@given(MOMENTS)
def test_times_are_written_as_mastodon_writes_them(at: int) -> None:
    written = clock.to_iso(at)
    assert len(written) == 24
    assert clock.from_iso(written) == at
    moment = clock.to_datetime(at)
    assert moment.tzinfo is UTC
    assert datetime.fromisoformat(written) == moment
    assert written.startswith(clock.to_date(at))


@given(st.binary(max_size=200), st.text(max_size=20))
def test_a_sealed_secret_opens_under_its_own_name_and_key_only(value: bytes, name: str) -> None:
    key = keys.new_key()
    sealed = keys.seal(key, name, value)
    assert keys.unseal(key, name, sealed) == value
    altered = bytes([sealed[0] ^ 1]) + sealed[1:]
    for wrong in (
        (keys.new_key(), name, sealed),
        (key, name + "x", sealed),
        (key, name, altered),
        (key, name, b""),
    ):
        with pytest.raises(keys.Unsealable):
            keys.unseal(*wrong)


def test_passwords() -> None:
    stored = keys.hash_password("correct horse")
    assert "correct" not in stored
    assert keys.verify_password(stored, "correct horse")
    assert not keys.verify_password(stored, "correct house")
    assert not keys.verify_password("", "correct horse")
    assert not keys.verify_password("rubbish", "correct horse")


def test_a_pkce_challenge_as_in_the_rfc() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert keys.code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_recovery_codes_differ_and_have_no_look_alikes() -> None:
    codes = keys.new_recovery_codes()
    assert len(set(codes)) == 10
    assert not set("".join(codes)) & set("ilo01")


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache: Cache[int, int] = Cache(10)
    cache.put(-1, -1)
    for number in range(100):
        cache.put(number, number)
        assert cache.get(-1) == -1
    kept = [number for number in range(100) if cache.get(number) is not None]
    assert 99 in kept
    assert 0 not in kept
    assert len(kept) <= 20
