"""Floods: one source that sends much is answered and grouped; what others say stays where it belongs."""

from roseau.domain.moderation.cases.queue import list_cases
from roseau.domain.moderation.cases.reading import load_case
from roseau.domain.moderation.cases.splitting import split_item
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import SHARE, SHARE_ITEMS, file_notice
from roseau.kernel import clock, ids
from tests.moderation.acting import make_moderator, make_post, report, rows, value

MANY = 2_000
REAL = 20
FLOODS = " WHERE substr(subject, 1, 5) = 'flood'"


def _flood(server, source, numbers, **fields):
    """Notices of one source, in a few transactions: they come fast."""

    def file(tx, few):
        urls = [f"https://roseau.test/@nobody/{number}" for number in few]
        shared = {"channel": "web", "source": source, "comment": "Down with it", **fields}
        return [file_notice(tx, server.site, NoticeDraft(uris=(url,), **shared)) for url in urls]

    filed = []
    for start in range(0, len(numbers), 250):
        filed += server.database.write_now(file, numbers[start : start + 250])
    return filed


def test_two_thousand_of_one_source_hide_nothing(server, cast):
    mona = make_moderator(cast)
    first, second = list(range(1, MANY // 2 + 1)), list(range(MANY // 2 + 1, MANY + 1))
    posts = [make_post(server, cast.ada, f"Post {n}") for n in range(REAL)]
    filed = _flood(server, "203.0.113.9", first, reason="threat")
    real = [
        report(server, cast.join(f"r{n}"), post, reason="harassment" if n % 2 else "threat_to_life")
        for n, post in enumerate(posts)
    ]
    filed += _flood(server, "203.0.113.9", second, reason="threat")
    # Each was taken in, has a number, and is in a case.
    assert len({one.number for one in filed}) == MANY
    assert value(server, "SELECT count(*) FROM notices") == MANY + REAL
    assert value(server, "SELECT count(*) FROM notice_items WHERE case_id IS NOT NULL") == MANY + REAL
    # The first of them have cases like anybody's; the rest is one line.
    assert value(server, "SELECT count(*) FROM cases") == SHARE + REAL + 1
    flood = rows(server, "SELECT number, notices_count, sources_count, lane FROM cases" + FLOODS)
    assert [row[1:] for row in flood] == [(MANY - SHARE, 1, "S1")]
    lines = server.database.read_now(list_cases, mona.id, "todo")
    numbers = [line.id for line in lines]
    # What is about somebody's life stands above everything, and each report of a person has its own line.
    assert numbers[: REAL // 2] == [case for one in real[::2] for case in one.case_ids]
    assert {case for one in real for case in one.case_ids} <= set(numbers)
    view = server.database.read_now(load_case, server.site, mona.id, flood[0][0])
    assert (len(view.items), view.more, "split" in view.may) == (200, True, True)


def test_a_flood_pushes_nobodys_case_forward(server, cast):
    post = make_post(server, cast.ada)
    report(server, cast.bob, post, reason="spam")
    before = rows(server, "SELECT lane, due_at FROM cases")
    _flood(server, "203.0.113.9", list(range(SHARE + 1)))
    for _ in range(3):
        report(server, None, post, reason="csam", source="203.0.113.9")
    assert rows(server, "SELECT lane, due_at FROM cases WHERE number = 1") == before
    assert rows(server, "SELECT notices_count, sources_count FROM cases WHERE number = 1") == [(4, 2)]


def test_a_flood_of_addresses_in_few_notices_is_one_too(server):
    uris = tuple(f"https://roseau.test/@nobody/{n}" for n in range(100))
    for _ in range(SHARE_ITEMS // 100):
        report(server, None, uris=uris, source="203.0.113.9")
    more = tuple(f"https://roseau.test/@nobody/{n}" for n in range(100, 200))
    filed = report(server, None, uris=more, source="203.0.113.9")
    assert len(filed.case_ids) == 1
    assert value(server, "SELECT count(*) FROM cases") == 101


def test_a_flood_is_over_after_an_hour(server, at, monkeypatch):
    # Ids never go back, and another test may have been further ahead.
    monkeypatch.setattr(ids, "_last", 0)
    _flood(server, "203.0.113.9", list(range(SHARE + 5)))
    at(2 * clock.HOUR / 1000)
    filed = report(server, None, uris=("https://roseau.test/@nobody/999",), source="203.0.113.9")
    assert value(server, "SELECT subject FROM cases WHERE id = :id", id=filed.case_ids[0]).startswith("uri:")


def test_other_sources_are_not_drawn_into_a_flood(server, cast):
    _flood(server, "203.0.113.9", list(range(SHARE + 5)))
    flooded = f"https://roseau.test/@nobody/{SHARE + 3}"
    filed = report(server, None, uris=(flooded,), source="198.51.100.7")
    assert value(server, "SELECT subject FROM cases WHERE id = :id", id=filed.case_ids[0]) == f"uri:{flooded}"


def test_letters_and_the_team_are_never_grouped(server, cast):
    mona = make_moderator(cast)
    for n in range(SHARE + 3):
        post = make_post(server, cast.ada, f"Post {n}")
        report(server, mona, post, channel="own_initiative")
    assert value(server, "SELECT count(*) FROM cases" + FLOODS) == 0


def test_something_real_is_taken_out_of_a_flood(server, cast):
    mona = make_moderator(cast)
    post = make_post(server, cast.ada)
    _flood(server, "203.0.113.9", list(range(SHARE + 1)))
    for _ in range(2):
        flood = report(server, None, uris=(f"https://roseau.test/@ada/{post}",), source="203.0.113.9",
                       reason="threat")  # fmt: skip
    case_id, item_id = flood.case_ids[0], flood.item_ids[0]
    new_id = server.database.write_now(split_item, server.site, mona.id, case_id, item_id)
    found = rows(server, "SELECT subject, lane, notices_count FROM cases WHERE id = :id", id=new_id)
    assert found == [(f"status:{post}", "S1", 2)]
    # What was in the flood besides it is there still.
    assert value(server, "SELECT count(*) FROM notice_items WHERE case_id = :id", id=case_id) == 1
