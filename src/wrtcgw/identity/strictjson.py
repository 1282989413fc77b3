"""JSON in which nothing can be read in two ways: no name twice, no NaN."""

import json
from typing import Any


def parse_strictly(text: bytes) -> Any:
    """
    Return the value of a JSON text.

    :raises ValueError: when it is none; the text says why. A name that stands twice in an object is a fault: two
        parsers could take two different values (:rfc:`8725#section-2.4`, :rfc:`7519#section-4`).
    """
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise ValueError("bytes that are not UTF-8") from None
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("something that is not JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:40]!r} twice")
        found[name] = value
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name}, which is not JSON")
