"""The server as a process: what it prints, what operators do meanwhile, how it ends."""

import http.client
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import apsw

from roseau.cli.serve import GRACE_SECONDS
from roseau.control import SOCKET, ask_server
from roseau.operations import LIST_ACCOUNTS, Nothing
from tests.cli.running import Served, call, ok, run, serving


def test_a_new_folder_is_served_with_a_link_to_the_first_run(tmp_path: Path) -> None:
    data = tmp_path / "new"
    with serving(data) as served:
        link = served.wait_to_say(r"(http://\S+/first-run/\S{43})\n")
        assert link.startswith(served.address)
        assert call(served.address, "GET", "/api/v1/timelines/public") == (200, [])
        assert served.end(signal.SIGTERM) == 0
        assert not (data / SOCKET).exists()
    assert data.stat().st_mode & 0o077 == 0
    with serving(data) as served:
        assert served.wait_to_say(r"/first-run/(\S{43})\n") not in link
        ok("account", "create", "olga", "--email", "olga@roseau.test", "--role", "owner", "--data", data)
    with serving(data) as served:
        call(served.address, "GET", "/api/v1/timelines/public")
        assert "first-run" not in served.text


def test_what_operators_do_goes_through_the_running_server(tmp_path: Path, database_url: str) -> None:
    data = tmp_path / "data"
    ok("init", "--domain", "roseau.test", "--data", data, database=database_url)
    with serving(data, database=database_url) as served:
        assert "https://roseau.test" in served.wait_to_say(r"Members reach it at (\S+)")
        assert stat.S_IMODE((data / SOCKET).stat().st_mode) == 0o600

        def join(number: int) -> str:
            return ok("account", "create", f"m{number}", "--email", f"m{number}@roseau.test", "--data", data)

        ids = [join(number) for number in range(6)]
        with ThreadPoolExecutor(4) as pool:
            listed = list(pool.map(lambda _: ask_server(data, LIST_ACCOUNTS, Nothing()), range(8)))
        assert all({str(row.id) for row in found} == set(ids) for found in listed)
        token = ok("token", "create", "m3", "--data", data)
        status, account = call(served.address, "GET", "/api/v1/accounts/verify_credentials", token)
        assert (status, account["id"]) == (200, ids[3])
        refused = run("account", "create", "m3", "--email", "x@roseau.test", "--data", data)
        assert refused.status == 1 and "taken" in refused.err
        again = run("serve", "--port", "0", "--data", data, database=database_url)
        assert again.status == 1 and "Another Roseau" in again.err
    assert len(ok("account", "list", "--data", data, database=database_url).splitlines()) == 6


def test_a_data_folder_may_lie_deep(tmp_path: Path) -> None:
    data = tmp_path.joinpath(*["a folder in a folder"] * 6)
    ok("init", "--domain", "roseau.test", "--data", data)
    with serving(data):
        ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
        assert "ada" in ok("account", "list", "--data", data)


def test_a_taken_port_and_a_newer_database_are_refused_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as served:
        port = served.address.rpartition(":")[2]
        taken = run("serve", "--port", port, "--data", tmp_path / "other")
        assert taken.status == 1 and f"port {port}" in taken.err and taken.err.count("\n") == 1
    connection = apsw.Connection(str(data / "roseau.db"))
    connection.execute("INSERT INTO schema_migrations VALUES ('9999_later', 0)")
    connection.close()
    for words in (("serve", "--port", "0"), ("account", "list"), ("check",)):
        newer = run(*words, "--data", data)
        assert newer.status == 1
        assert "newer Roseau" in newer.err + newer.out


def test_answers_that_were_begun_are_finished(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ok("init", "--domain", "roseau.test", "--data", data)
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
    token = ok("token", "create", "ada", "--data", data)
    served = Served(data, rate_limits="false")
    posted: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(_post_until_refused, served.address, token, posted)
        while len(posted) < 5:
            time.sleep(0.01)
        assert served.end(signal.SIGTERM) == 0
        broken = working.result(30)
    assert posted
    assert not broken


def _post_until_refused(address: str, token: str, posted: list[str]) -> list[object]:
    """Post one after another until nobody listens; the answers that were neither yes nor silence."""
    while True:
        try:
            status, body = call(
                address, "POST", "/api/v1/statuses", token, {"status": f"number {len(posted)}"}
            )
        except OSError:
            return []
        if status != 200:
            return [status, body]
        posted.append(body["id"])


def test_open_streams_do_not_hold_up_the_end(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ok("init", "--domain", "roseau.test", "--data", data)
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
    token = ok("token", "create", "ada", "--data", data)
    with serving(data) as served:
        connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=10)
        connection.request("GET", "/api/v1/streaming/user", headers={"Authorization": f"Bearer {token}"})
        stream = connection.getresponse()
        assert stream.status == 200
        assert stream.readline().startswith(b":")
        asked = time.monotonic()
        assert served.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < GRACE_SECONDS
        connection.close()
    assert "Traceback" not in served.text
