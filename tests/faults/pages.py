"""Open a page and say what ran in it that should not: in Debian's Chromium where it is, and by reading it everywhere."""

from html.parser import HTMLParser
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
OWN = ("file://", "blob:", "data:")
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def judged(page: Path) -> list[str]:
    """Say what is wrong with a page; empty where nothing is."""
    return _read(page) + (_opened(page) if CHROMIUM.exists() else [])


class _Elements(HTMLParser):
    """Note every element and attribute by which a name could run or be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.wrong.append(f"<{tag} {name}>")
            if name in ("src", "href") and (value or "").startswith(("http:", "//", "x")):
                self.wrong.append(f"<{tag} {name}={(value or '')[:40]}>")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and ("<script>window.owned" in data or "<img src=x" in data):
            self.wrong.append(f"a name stands unescaped in a {self.cdata_elem}")


def _read(page: Path) -> list[str]:
    """Parse a page."""
    text, elements = page.read_text(encoding="utf-8"), _Elements()
    elements.feed(text)
    return elements.wrong + ([] if "Content-Security-Policy" in text else ["no policy"])


def _opened(page: Path) -> list[str]:
    """Open a page in a browser that is cut off from every host."""
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    boxes: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS])
        opened = browser.new_context(offline=True).new_page()
        opened.on("request", lambda request: asked.append(request.url))
        opened.on("dialog", lambda box: (boxes.append(box.message), box.dismiss()))
        opened.goto(page.as_uri())
        opened.wait_for_timeout(1500)
        owned, title = opened.evaluate("[window.owned, document.title]")
        browser.close()
    wrong = [f"a script of a name ran: {owned!r}"] if owned is not None or boxes or "owned" in title else []
    return wrong + [f"it asked for {url[:60]}" for url in asked if not url.startswith(OWN)]
