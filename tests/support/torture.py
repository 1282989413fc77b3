"""Reading the torture messages of RFC 4475 and RFC 5118, and looking at what was parsed by dotted names."""

from pathlib import Path

DATA = Path(__file__).parent.parent / "data"


def read_message(folder: str, name: str) -> str:
    """Give the text of ``tests/data/<folder>/<name>.dat`` as a transport would: UTF-8, other bytes escaped."""
    return (DATA / folder / f"{name}.dat").read_bytes().decode("utf-8", "surrogateescape")


def names(folder: str) -> set[str]:
    """Give the names of all messages in that folder."""
    return {path.stem for path in (DATA / folder).glob("*.dat")}


def look(message: object, path: str) -> object:
    """
    Follow a dotted path of attributes and indices (``vias.1.host``); methods are called.

    ``header:Name`` alone gives all values of a header field; ``param:name`` as a last step gives that parameter.
    """
    if path.startswith("header:"):
        return message.headers.get_all(path.removeprefix("header:"))  # type: ignore[attr-defined]
    reached: object = message
    for step in path.split("."):
        if step.startswith("param:"):
            reached = reached.param(step.removeprefix("param:"))  # type: ignore[attr-defined]
        elif step.isdigit():
            reached = reached[int(step)]  # type: ignore[index]
        else:
            reached = getattr(reached, step)
            reached = reached() if callable(reached) else reached
    return reached
