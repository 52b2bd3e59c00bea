"""The recovery key in the pages: shown once, proven with three words or all nine, made anew by the owner."""

import html
import re
from itertools import pairwise
from typing import Any

import pytest

from roseau.domain.recovery_key import recovery_public_key, recovery_standing
from roseau.domain.site import load_choices
from roseau.kernel.words import from_words
from roseau.operations import Nothing, open_first_run
from roseau.storage.secrets import recover_data_key
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser, text_of

pytestmark = pytest.mark.anyio

STEP, PAGE = "/first-run/recovery", "/settings/site/recovery"
OWNER = {"username": "ines", "email": "ines@roseau.test", "password": PASSWORD}


@pytest.fixture
def olga(cast: Any, browser: Browser) -> Any:
    """The owner, who is signed in."""
    member = cast.join("olga", role="owner", password_hash=PASSWORD_HASH)
    browser.sign_in(member)
    return member


def words_in(page: Any) -> list[str]:
    """The words that a page shows."""
    (shown,) = re.findall(r'<ol class="words".*?</ol>', page.text, re.DOTALL)
    return re.findall(r"<code>([a-z]{5})</code>", shown)


def asked_in(page: Any) -> str:
    """What a page carries of the words that are asked for."""
    return html.unescape(re.findall(r'name="asked" value="([^"]+)"', page.text)[0])


def places_in(page: Any) -> list[int]:
    """The places of the words that a page asks for."""
    return [int(place) for place in re.findall(r'name="word_(\d)"', page.text)]


def standing(server: Any) -> str:
    """How the recovery key stands."""
    return str(server.database.read_now(recovery_standing))


async def make(browser: Browser, path: str = PAGE, **fields: str) -> Any:
    """Have a key made; the page with its words."""
    page = await browser.submit(path, on=path, step="make", **fields)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    return page


async def test_a_new_owner_gets_the_words_and_proves_three(
    browser: Browser, server: Any, tmp_path: Any
) -> None:
    link = server.database.write_now(open_first_run, server.site, Nothing())
    await browser.get(link.removeprefix(server.site.base_url))
    answer = await browser.submit("/first-run/owner", on="/first-run/owner", **OWNER)
    assert answer.headers["location"] == STEP
    page = await browser.get(STEP)
    assert "nine words" in text_of(page) and 'href="/first-run/done">Later' in page.text

    shown = await make(browser, STEP)
    words = words_in(shown)
    assert len(words) == 9 and standing(server) == "unproven"
    asking = await browser.submit(STEP, step="ask", asked=asked_in(shown))
    places = places_in(asking)
    assert len(places) == 3 == len(set(places))
    assert not any(f'"{word}"' in asking.text for word in words)
    answers = {f"word_{place}": words[place - 1].upper() + " " for place in places}
    answer = await browser.submit(STEP, step="prove", asked=asked_in(asking), **answers)
    assert answer.headers["location"] == "/first-run/done"
    assert standing(server) == "proven"
    assert (await browser.get(STEP)).headers["location"] == "/first-run/done"

    done = await browser.get("/first-run/done")
    assert text_of(done).count("Still to do") == 4
    key = from_words(" ".join(words))
    assert recover_data_key(server.database, tmp_path, key) == server.site.data_key


async def test_the_words_can_be_left_for_later(browser: Browser, server: Any) -> None:
    link = server.database.write_now(open_first_run, server.site, Nothing())
    await browser.get(link.removeprefix(server.site.base_url))
    assert (await browser.get(STEP)).headers["location"] == "/first-run/owner"
    await browser.submit("/first-run/owner", on="/first-run/owner", **OWNER)
    done = await browser.get("/first-run/done")
    assert f'<a href="{PAGE}">Recovery key</a></span><span class="tag warn">' in done.text
    assert f'href="{PAGE}"' in (await browser.get("/settings/site")).text
    assert standing(server) == "missing"


async def test_in_the_first_run_a_key_is_made_once(browser: Browser, olga: Any, server: Any) -> None:
    await make(browser, STEP)
    made = server.database.read_now(load_choices).recovery_public_key
    again = await browser.submit(STEP, on=STEP, step="make", present_password=PASSWORD)
    assert again.headers["location"] == PAGE
    assert server.database.read_now(load_choices).recovery_public_key == made


async def test_a_wrong_word_is_pointed_at_and_the_rest_is_kept(
    browser: Browser, olga: Any, server: Any
) -> None:
    shown = await make(browser)
    words = words_in(shown)
    asking = await browser.submit(PAGE, step="ask", asked=asked_in(shown))
    first, *others = places_in(asking)
    answers = {f"word_{place}": words[place - 1] for place in others} | {f"word_{first}": "lusab"}
    answer = await browser.submit(PAGE, step="prove", asked=asked_in(asking), **answers)
    assert answer.status_code == 422
    assert f'id="e-word_{first}"' in answer.text
    assert not any(f'id="e-word_{place}"' in answer.text for place in others)
    assert all(f'value="{words[place - 1]}"' in answer.text for place in others)
    assert f'"{words[first - 1]}"' not in answer.text
    assert standing(server) == "unproven"


async def test_words_that_were_replaced_or_shown_long_ago_prove_nothing(
    browser: Browser, olga: Any, server: Any, at: Any
) -> None:
    shown = await make(browser)
    words, asked = words_in(shown), asked_in(shown)
    places = places_in(await browser.submit(PAGE, step="ask", asked=asked))
    answers = {f"word_{place}": words[place - 1] for place in places}
    newer = await make(browser, present_password=PASSWORD)
    assert words_in(newer) != words
    late = await browser.submit(PAGE, step="prove", asked=asked, **answers)
    assert late.status_code == 422 and "shown too long ago" in text_of(late)
    typed = await browser.submit(PAGE, step="words", words=" ".join(words))
    assert typed.status_code == 422 and "an earlier key" in text_of(typed)

    at(3601)
    late = await browser.submit(PAGE, step="ask", asked=asked_in(newer))
    assert late.status_code == 422 and "shown too long ago" in text_of(late)
    assert standing(server) == "unproven"


@pytest.mark.parametrize("asked", ["", "x", "é", "AAAA", "A" * 200])
async def test_made_up_words_to_ask_for_prove_nothing(
    browser: Browser, olga: Any, server: Any, asked: str
) -> None:
    await make(browser)
    for step in ("ask", "prove"):
        assert (await browser.submit(PAGE, step=step, asked=asked)).status_code == 422
    assert (await browser.submit(PAGE, step="elsewhere")).status_code == 400
    assert standing(server) == "unproven"


async def test_all_nine_words_prove_it_at_any_time(browser: Browser, olga: Any, server: Any, at: Any) -> None:
    words = words_in(await make(browser))
    at(86400 * 30)
    page = await browser.get(PAGE)
    assert "Nobody has shown yet" in text_of(page)
    wrong = await browser.submit(PAGE, step="words", words=" ".join([*words[:8], "lusub lusub"]))
    assert wrong.status_code == 422 and "nine words. Found here: 10" in text_of(wrong)
    answer = await browser.submit(PAGE, step="words", words="\n".join(words))
    assert answer.status_code == 303 and standing(server) == "proven"
    assert "Nobody has shown yet" not in text_of(await browser.get(PAGE))


async def test_a_new_key_takes_the_password(browser: Browser, olga: Any, server: Any) -> None:
    await make(browser)
    before = server.database.read_now(load_choices)
    for password in ("", "wrong"):
        answer = await browser.submit(PAGE, step="make", present_password=password)
        assert answer.status_code == 422 and "This is not your password." in text_of(answer)
        assert 'class="words"' not in answer.text
    assert server.database.read_now(load_choices) == before
    words = words_in(await make(browser, present_password=PASSWORD))
    after = server.database.read_now(load_choices)
    assert recovery_public_key(after) != recovery_public_key(before)
    assert after.recovery_proven_at == 0
    await browser.submit(PAGE, step="words", words=" ".join(words))
    assert standing(server) == "proven"


async def test_the_words_are_nowhere_on_the_server(
    browser: Browser, olga: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    words = words_in(await make(browser))
    text = " ".join(words)
    await browser.submit(PAGE, step="words", words=text)
    assert standing(server) == "proven"
    key = from_words(text)
    files = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
    choices = repr(server.database.read_now(load_choices))
    kept = b"\n".join([*files, choices.encode(), caplog.text.encode()])
    # One word may stand somewhere by chance, such as `limit`; two in their order do not.
    for word, following in pairwise(words):
        assert not re.search(f"{word}.{{1,5}}{following}".encode(), kept, re.DOTALL)
    assert key not in kept


async def test_only_the_owner_has_the_key(browser: Browser, cast: Any, server: Any) -> None:
    for role in ("member", "moderator", "admin"):
        browser.sign_in(cast.join(role[:3], role=role))
        assert (await browser.get(PAGE)).status_code == 403
        await browser.get("/settings")
        for path in (PAGE, STEP):
            assert (await browser.submit(path, step="make")).status_code == 403
    assert standing(server) == "missing"
    assert PAGE not in (await browser.get("/settings/site")).text
    browser.client.cookies.clear()
    assert (await browser.get(PAGE)).headers["location"].startswith("/sign_in")


async def test_the_pages_speak_french(browser: Browser, cast: Any) -> None:
    member = cast.join("olga", role="owner", password_hash=PASSWORD_HASH, locale="fr")
    browser.sign_in(member)
    assert "Clé de secours" in text_of(await browser.get(PAGE))
    shown = await make(browser)
    assert "Ces neuf mots" in text_of(shown)
    asking = await browser.submit(PAGE, step="ask", asked=asked_in(shown))
    assert "sur votre papier" in text_of(asking)
    assert "Mot " + str(places_in(asking)[0]) in text_of(asking)
