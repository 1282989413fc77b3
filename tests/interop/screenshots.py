"""Pictures of pages, kept as artefacts of a run: they are there to be looked at."""

import pathlib
import re

from attrs import frozen

from tests.interop.chromium import Tab
from tests.interop.install import FOLDER

PICTURES = FOLDER / "screenshots"


@frozen
class Look:
    """How a page is looked at: the scheme of its colours, and the size of the window."""

    scheme: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """What the picture's name ends with."""
        return f"{self.width}-{self.scheme}"


WIDE = (Look("light", 1280, 800), Look("dark", 1280, 800))
NARROW = (Look("light", 360, 740), Look("dark", 360, 740))


def picture(name: str) -> pathlib.Path:
    """Return where a picture goes."""
    if not re.fullmatch(r"[a-z0-9.-]+", name):
        raise ValueError(f"{name!r} is no name for a picture: small letters, digits, dots and dashes")
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES / f"{name}.png"


async def screenshot(tab: Tab, name: str, *, full_page: bool = True) -> pathlib.Path:
    """
    Save a picture of a page as it is.

    :param name: what it shows, as ``softphone-incoming-de``: letters, digits, dots and dashes.
    """
    path = picture(name)
    await tab.chromium.run(lambda: tab.page.screenshot(path=path, full_page=full_page, animations="disabled"))
    return path


async def screenshots(tab: Tab, name: str, looks: tuple[Look, ...] = (*WIDE, *NARROW)) -> list[pathlib.Path]:
    """Save pictures of a page in several looks, and leave it in the one that it had."""
    size = tab.page.viewport_size
    pictures = []
    for look in looks:
        await tab.show(look.scheme)
        await tab.resize(look.width, look.height)
        pictures.append(await screenshot(tab, f"{name}-{look.name}"))
    await tab.show(None)
    if size is not None:
        await tab.resize(size["width"], size["height"])
    return pictures
