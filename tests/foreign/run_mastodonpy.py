"""Runs Mastodon.py's own tests against a live Roseau: `python -m tests.foreign.run_mastodonpy`.

Recording is off: no answer comes from a cassette, but for the few tests that open one of an old server
themselves. test_entities.py is left out, for it replays answers of mastodon.social and nothing else.
Ends with 1 when a test fails that mastodonpy_expected_failures.txt does not name. Words after `--`: pytest's.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.foreign.command import run_and_compare
from tests.foreign.server import ServerFailed, create_account, create_site, request, roseau, serve
from tests.foreign.suites import HERE, SuiteFailed, fetch_sources, make_environment, run_suite

COLLECTED = 523
REQUIREMENTS = HERE / "mastodonpy_requirements.txt"
EXPECTED_FAILURES = HERE / "mastodonpy_expected_failures.txt"
MEMBER_SCOPES = "read write follow push"
OWNER_SCOPES = f"{MEMBER_SCOPES} admin:read admin:write"
LEFT_OUT = "--ignore=tests/test_entities.py"
# The suite prints every request, which would bury what failed.
READABLE = ["--quiet", "--tb=short", "--show-capture=no"]
PYTEST_WORDS = ["tests", LEFT_OUT, "--disable-recording", "--no-cov", *READABLE]

# The names that the suite's conftest.py gives to the application and to the three tokens.
CLIENT_ID = "__MASTODON_PY_TEST_CLIENT_ID"
CLIENT_SECRET = "__MASTODON_PY_TEST_CLIENT_SECRET"
TOKENS = {
    "__MASTODON_PY_TEST_ACCESS_TOKEN": ("mastodonpy_test", MEMBER_SCOPES),
    "__MASTODON_PY_TEST_ACCESS_TOKEN_2": ("admin", OWNER_SCOPES),
    "__MASTODON_PY_TEST_ACCESS_TOKEN_3": ("mastodonpy_test_2", MEMBER_SCOPES),
}


def create_members(data: Path) -> dict[str, str]:
    """Makes the accounts, the application and the tokens; each token's name in the suite with its value."""
    create_account(data, "admin", "--role", "owner")
    # Searching for "admin" must find two, or the tests of paging have nothing to page through.
    create_account(data, "admin2", "--role", "owner")
    # The suite asks for an error in German, and then for another text than that in the member's language.
    create_account(data, "mastodonpy_test", "--locked", "--locale", "fr")
    create_account(data, "mastodonpy_test_2")
    application = ["--name", "Mastodon.py test suite", "--redirect-uri", "urn:ietf:wg:oauth:2.0:oob"]
    identity = ["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET]
    roseau(data, "app", "create", *application, "--scopes", OWNER_SCOPES, *identity)
    return {
        name: roseau(data, "token", "create", account, "--scopes", scopes, "--app", CLIENT_ID)
        for name, (account, scopes) in TOKENS.items()
    }


def copy_suite(sources: Path, copy: Path, tokens: dict[str, str]) -> None:
    """Copies the suite to where it may write, without its recorded answers, and with our tokens in it."""
    shutil.copytree(sources, copy)
    shutil.rmtree(copy / "tests" / "cassettes")
    (copy / "tests" / "cassettes").mkdir()
    conftest = copy / "tests" / "conftest.py"
    text = conftest.read_text("utf-8")
    for name, token in tokens.items():
        if f"'{name}'" not in text:
            raise SuiteFailed(f"The suite's conftest.py does not name {name}: has its version changed?")
        text = text.replace(f"'{name}'", repr(token))
    conftest.write_text(text, "utf-8")


def run(cache: Path, words: list[str]) -> dict[str, str]:
    """Runs the suite on a fresh server; what became of each test."""
    sources = fetch_sources("mastodon-py", REQUIREMENTS, cache)
    python = make_environment(REQUIREMENTS, cache)
    with tempfile.TemporaryDirectory(prefix="roseau-mastodonpy-") as folder:
        data, copy = Path(folder) / "data", Path(folder) / "suite"
        create_site(data)
        tokens = create_members(data)
        copy_suite(sources, copy, tokens)
        with serve(data):
            # The directory lists only those who want to be found.
            changed = request(
                "PATCH",
                "/api/v1/accounts/update_credentials",
                tokens["__MASTODON_PY_TEST_ACCESS_TOKEN_3"],
                "discoverable=true&indexable=true",
            )
            if changed != 200:
                raise ServerFailed(f"update_credentials answered {changed}, so no account is discoverable.")
            return run_suite(python, copy, [*PYTEST_WORDS, *words], {}, minutes=40)


if __name__ == "__main__":
    sys.exit(run_and_compare("Mastodon.py", run, EXPECTED_FAILURES, COLLECTED))
