"""Data that a page attaches to a call, as it stands in the JSON of its OFFER or ANSWER."""

import json
import re

from wrtcgw.errors import BadInput

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
Pairs = tuple[tuple[str, str], ...]


def read_data(value: object) -> Pairs:
    """
    Read the data that a page attaches: a list of ``{"key", "value"}``; a value that is no text is given as JSON.

    :raises BadInput: when it is anything else.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadInput("data", 'a list of {"key", "value"}', type(value).__name__)
    return tuple(_read_item(each) for each in value)


def _read_item(item: object) -> tuple[str, str]:
    key = item.get("key") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(key, str) or not key:
        raise BadInput("data", 'a list of {"key", "value"}', json.dumps(item)[:40])
    content = item.get("value", "")
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    if LONE_SURROGATE.search(key + text) is not None:
        raise BadInput("data", "texts that UTF-8 can carry")
    return key, text
