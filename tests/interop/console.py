"""What a page complains about in its console: every case listens, and fails when there is something."""

import re

from attrs import define, field
from playwright.sync_api import ConsoleMessage, Page

KINDS = ("error", "warning", "assert")


@define(slots=False)  # Playwright leaves an attribute in an object whose method it calls
class Console:
    """
    The complaints of one page, since before its first line ran.

    :ivar expected: patterns of complaints that belong to what is tested, such as the 401 of a wrong password.
    """

    complaints: list[str] = field(factory=list)
    expected: list[str] = field(factory=list)

    def attach(self, page: Page) -> None:
        """Listen to a page; to be called in Chromium's thread, before the page is opened."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"nobody caught {error.name}: {error.message}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in KINDS:
            where = message.location
            self.complaints.append(f"{message.type}: {message.text} ({where['url']}:{where['lineNumber']})")

    def expect(self, pattern: str) -> None:
        """Let complaints pass in which this regular expression is found."""
        self.expected.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        """The complaints that nothing explains."""
        return [text for text in self.complaints if not any(re.search(each, text) for each in self.expected)]

    def check(self) -> None:
        """Fail when the page complained."""
        if self.unexpected:
            raise AssertionError("the page complained:\n" + "\n".join(self.unexpected))
