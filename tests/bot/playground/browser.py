"""Being people in the playground's page, in a real browser: open it, pick a chat, say, tap, wait, take a picture.

    async with page_of(url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.tap("兑换")
        await ming.sees("剩 780 分")

Without Chromium the test that asks is skipped and says so; with JIFEN_REQUIRE_BROWSER=1 it fails instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = (1440, 860)
PHONE = (390, 780)
SEEN_SECONDS = 20.0
FRESH = ".msg.bot:not(:has(~ .msg.mine))"  # what the bot said after the person's last words


def chromium() -> str:
    """Where Chromium is. Skips the test where there is none, or fails it with JIFEN_REQUIRE_BROWSER=1."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no Chromium here (apt-get install chromium fonts-wqy-microhei fonts-noto-color-emoji)"
        if os.environ.get("JIFEN_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass
class Chat:
    """One person's chat on the page."""

    page: Page
    name: str

    @property
    def box(self) -> Locator:
        """The phone."""
        return self.page.get_by_role("region", name=self.name, exact=True)

    @property
    def messages(self) -> Locator:
        """All bubbles with their keyboards, oldest first."""
        return self.box.locator(".msg")

    def listed_in(self, people: Locator) -> Locator:
        """This person's entry in the people bar, or in a dialog that asks who."""
        return people.locator(".person").filter(has=self.page.get_by_text(self.name, exact=True))

    async def open(self) -> Chat:
        """Brings this person's chat into view."""
        if not await self.box.is_visible():
            await self.listed_in(self.page.locator(".people")).click()
            await expect(self.box).to_be_visible()
        return self

    async def start(self) -> None:
        """Presses Start, or says /start where the chat was started before."""
        await self.open()
        start = self.box.locator(".wide-action")
        if await start.is_visible():
            await start.click()
            await expect(self.box.locator(".msg.mine").last).to_contain_text("/start")
        else:
            await self.say("/start")

    async def say(self, text: str) -> None:
        """Types a text, sends it and waits until it stands in the chat."""
        await self.open()
        if await self.box.locator(".wide-action").is_visible():  # an unopened chat has no input yet
            await self.start()
        said = await self.box.locator(".msg.mine").count()
        await self.box.get_by_role("textbox").fill(text)
        await self.box.get_by_role("textbox").press("Enter")
        await expect(self.box.locator(".msg.mine")).to_have_count(said + 1)

    async def tap(self, label: str, *, anywhere: bool = False) -> None:
        """Presses the newest inline button whose label contains `label`, once it is there.

        Only answers to what this person said last count, so that an old screen's button is not taken for the new one's;
        `anywhere` lifts that.
        """
        await self.open()
        answers = ".msg.bot" if anywhere else FRESH
        await self.box.locator(f"{answers} .key", has_text=label).last.click()

    async def sees(self, text: str, seconds: float = SEEN_SECONDS) -> None:
        """Waits until some bubble of the bot contains `text`."""
        await self.open()
        await expect(self.box.locator(".msg.bot", has_text=text).last).to_be_visible(timeout=seconds * 1000)

    async def last_sees(self, text: str, seconds: float = SEEN_SECONDS) -> None:
        """Waits until the newest bubble of the bot contains `text`."""
        await self.open()
        await expect(self.box.locator(".msg.bot").last).to_contain_text(text, timeout=seconds * 1000)

    async def is_told(self, text: str, seconds: float = SEEN_SECONDS) -> None:
        """Waits for a toast or an alert that contains `text`; an alert is then closed."""
        shown = self.box.locator(".toast, .alert", has_text=text)
        await expect(shown).to_be_visible(timeout=seconds * 1000)
        if await self.box.locator(".alert").is_visible():
            await self.box.locator(".alert button").click()

    async def scan(self, picture_of: Chat) -> None:
        """Scans, as this person, the newest picture another person was sent since they last said something."""
        await picture_of.open()
        await picture_of.box.locator(f"{FRESH} .picture").last.click()
        dialog = self.page.locator("dialog")
        await dialog.locator("figcaption .solid").click()
        await self.listed_in(dialog).click()
        await expect(dialog).to_have_count(0)

    async def follow(self, link: str, *, seen_by: Chat | None = None) -> None:
        """Opens, as this person, a bot link shown in a chat (this one, or `seen_by`'s)."""
        where = await (seen_by or self).open()
        await where.box.locator(".link", has_text=link).last.click()
        await self.listed_in(self.page.locator("dialog")).click()

    async def menu(self, item: str) -> None:
        """Chooses an item of the chat's ⋮ menu."""
        await self.open()
        await self.box.locator(".chat-head .dropdown > button").click()
        await self.box.get_by_role("menuitem", name=item).click()


@dataclass
class Playground:
    """The open page. `errors` are console errors and requests that left the page's own address."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def chat(self, name: str) -> Chat:
        """The chat of the person with this name."""
        return Chat(self.page, name)

    async def advance(self, days: int) -> None:
        """Moves the programme's date by one of the buttons (1, 7 or 30 days) and waits until that is done."""
        clock = self.page.locator(".clock")
        await clock.locator(".date").click()
        await clock.locator(".steps button", has_text=f"+{days} ").click()
        await expect(clock.locator(".sheet")).to_have_count(0, timeout=120_000)

    async def screenshot(self, path: Path | str) -> None:
        """Saves what is on screen once movement has stopped."""
        await self.page.wait_for_timeout(300)
        await self.page.screenshot(path=path)


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A headless Chromium, for several pages one after the other."""
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def page_of(
    url: str,
    *,
    browser: Browser | None = None,
    language: str = "zh-CN",
    dark: bool = False,
    size: tuple[int, int] = DESKTOP,
    scale: float = 1.0,
) -> AsyncIterator[Playground]:
    """Opens the playground at `url`, with nothing remembered from before, and waits until it is connected.

    Args:
        browser: one that runs already; a new one when None.
        language: the browser's, which decides the page's.
        size: of the window; `PHONE` is a touch screen.
    """
    own = urlsplit(url).netloc
    async with contextlib.AsyncExitStack() as stack:
        running = browser or await stack.enter_async_context(launched())
        context = await running.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            color_scheme="dark" if dark else "light",
            device_scale_factor=scale,
            has_touch=size == PHONE,
            permissions=["clipboard-read", "clipboard-write"],
        )
        stack.push_async_callback(context.close)
        context.set_default_timeout(SEEN_SECONDS * 1000)
        page = await context.new_page()
        opened = Playground(page)
        page.on("console", lambda line: opened.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("request", lambda sent: opened.errors.append(sent.url) if _leaves(sent.url, own) else None)
        await page.goto(url)
        await page.wait_for_selector("[data-ready=true]")
        yield opened


def _leaves(url: str, own: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.netloc != own
