"""One post to 10 000 local followers: when its author is answered, and when the last home timeline has it.

python -m bench.fanout
"""

import statistics
import tempfile
import time
from pathlib import Path

import apsw
import msgspec

from bench.filling import add_followers, open_folder
from bench.load import drive, to_request
from bench.serving import roseau, serving

FOLLOWERS = 10_000
POSTS = 300

_ALL = (
    "SELECT count(*) FROM follows f JOIN home_entries h ON h.account_id = f.account_id AND h.status_id = ?"
    " WHERE f.target_id = (SELECT account_id FROM statuses WHERE id = ?)"
)
#: The follower whom the statement reaches last; the one statement is seen whole or not at all.
_LAST = _ALL.replace("WHERE f", "WHERE f.account_id = (SELECT max(account_id) FROM follows) AND f")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        roseau(folder, "init", "--domain", "bench.example")
        author = int(roseau(folder, "account", "create", "author", "--email", "author@bench.example"))
        token = roseau(folder, "token", "create", "author")
        database = open_folder(folder)
        database.write_now(add_followers, author, FOLLOWERS)
        database.close()
        answers, arrivals = [], []
        with serving(folder, "--rate-limits", "false") as (port, _):
            reader = apsw.Connection(str(folder / "roseau.db"), flags=apsw.SQLITE_OPEN_READONLY)
            for number in range(POSTS + 5):
                answered, arrived = post(port, token, reader, number)
                # The first few warm everything up.
                if number >= 5:
                    answers.append(answered)
                    arrivals.append(arrived)
            reader.close()
    print(
        f"| {FOLLOWERS} followers, {POSTS} posts one by one | p50 ms | p99 ms | most ms |\n|---|---|---|---|"
    )
    for name, times in (("author answered", answers), ("last home timeline has it", arrivals)):
        ordered = sorted(times)
        high = ordered[int(len(ordered) * 0.99)]
        print(f"| {name} | {statistics.median(times):.1f} | {high:.1f} | {max(times):.1f} |")


def post(port: int, token: str, reader: apsw.Connection, number: int) -> tuple[float, float]:
    """Post once; milliseconds until the answer, and until every home timeline has it."""
    before = reader.execute("SELECT coalesce(max(id), 0) FROM statuses").fetchone()[0]
    body = msgspec.json.encode({"status": f"To everybody, number {number}"})
    started = time.perf_counter()
    measured = drive(port, iter([to_request("POST", "/api/v1/statuses", token, body)] * 2), 1, 0)
    if measured.failed:
        raise RuntimeError("the post was refused")
    until = time.perf_counter() + 20
    while time.perf_counter() < until:
        newest = reader.execute("SELECT max(id) FROM statuses").fetchone()[0]
        if newest > before and reader.execute(_LAST, (newest, newest)).fetchone()[0]:
            arrived = (time.perf_counter() - started) * 1000
            if reader.execute(_ALL, (newest, newest)).fetchone()[0] < FOLLOWERS:
                raise RuntimeError("the last follower has the post and another has not")
            return measured.times[0], arrived
        time.sleep(0.001)
    raise RuntimeError("the post did not arrive everywhere within 20 s")


if __name__ == "__main__":
    main()
