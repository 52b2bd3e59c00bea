"""The pictures of the README, taken anew of the demo community.

    python -m docs.pictures.take

Needs Chromium. The browser is told that larive.example is here, so that no picture shows a port.
"""

import io
import tempfile
from pathlib import Path

import msgspec
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from roseau.cli.demo.command import PASSWORD
from tests.cli.running import ok, serving
from tests.servers.chromium import launch_args, require_chromium

FOLDER = Path(__file__).parent
HOST = "larive.example"
COLOURS = 256
LARGEST = 250_000


class Picture(msgspec.Struct):
    """What is taken: the home timeline from its first post with pictures in the given language on."""

    name: str
    language: str
    said: str
    theme: str
    width: int
    height: int
    scale: float


PICTURES = (
    Picture("home", "en", "English", "light", 1360, 900, 1.25),
    Picture("home-phone-fr", "fr", "Français", "dark", 390, 800, 2),
)


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        ok("demo", "--accounts", "40", "--statuses", "400", "--seed", "1", "--data", data)
        with serving(data, base_url=f"http://{HOST}") as served, sync_playwright() as playwright:
            here = served.address.removeprefix("http://")
            args = [*launch_args, f"--host-resolver-rules=MAP {HOST}:80 {here}"]
            browser = playwright.chromium.launch(executable_path=require_chromium(), args=args)
            for picture in PICTURES:
                _save(_take(browser, picture), picture.name)
            browser.close()


def _take(browser: Browser, picture: Picture) -> bytes:
    context = browser.new_context(
        base_url=f"http://{HOST}",
        locale=picture.language,
        color_scheme="dark" if picture.theme == "dark" else "light",
        reduced_motion="reduce",
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=picture.scale,
    )
    page = context.new_page()
    page.goto("/sign_in")
    page.fill("[name=name]", "demo")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/home")
    page.locator("footer").get_by_role("button", name=picture.said).click()
    page.wait_for_load_state()
    page.goto(_place(page, picture.language))
    page.wait_for_load_state("networkidle")
    taken = page.screenshot()
    context.close()
    return taken


def _place(page: Page, language: str) -> str:
    """The address at which home begins with a post that has pictures."""
    before, address = "", "/home"
    while True:
        page.goto(address)
        for post in page.locator("[data-post]").all():
            if post.locator("[data-viewer] img").count() and post.locator(f".txt[lang={language}]").count():
                return f"/home?max_id={before}" if before else "/home"
            before = (post.get_attribute("id") or "").removeprefix("s-")
        address = page.locator(".more a").get_attribute("href") or ""


def _save(taken: bytes, name: str) -> None:
    """Few colours make a small file, and these pages have few."""
    path = FOLDER / f"{name}.png"
    with Image.open(io.BytesIO(taken)) as image:
        few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path.name} is larger than {LARGEST} bytes")


if __name__ == "__main__":
    main()
