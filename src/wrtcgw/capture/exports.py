"""
SIP messages as they leave for other programs: masked as in ladders, and put together again so that they can be read.

A message from which something was taken has another length than it says; here it says the right one.
"""

import re

from wrtcgw.redact import hide_data, redact

_LENGTH = re.compile(r"(\r\n(?:Content-Length|l)[ \t]*:[ \t]*)\d+", re.IGNORECASE)


def exported(text: str, *, show_data: bool = False) -> bytes:
    """
    Return a SIP message without secrets; bytes that are no UTF-8 are as they came.

    :param show_data: leave in the data that users attached, and not only its size.
    """
    head, gap, body = redact(text if show_data else hide_data(text)).partition("\r\n\r\n")
    content = body.encode("utf-8", "surrogateescape")
    head = _LENGTH.sub(lambda found: f"{found[1]}{len(content)}", head, count=1)
    return (head + gap).encode("utf-8", "surrogateescape") + content
