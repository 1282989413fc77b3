"""Refusing a page's text that is no session description, with words that help its author."""

import re

from wrtcgw.errors import BadInput
from wrtcgw.sdp.description import MOST_STREAMS, ORIGIN, Description, parse

LONGEST = 49_152  # leaves room for header fields in the 65,535 bytes that Kamailio takes in one message
# type=value lines; the values exclude NUL, CR and LF (RFC 8866 section 9: byte-string), and what UTF-8 cannot carry
_LINE = re.compile(r"[a-z]=[^\0\r\n\ud800-\udc7f\udd00-\udfff]*\Z")
# m=<media> <port>[/<number of ports>] <proto> <fmt> ... (RFC 8866 section 5.14)
_MEDIA = re.compile(r"m=\S+ [0-9]{1,5}(/[0-9]+)? \S+( \S+)+[ \t]*\Z")


def read(text: str) -> Description:
    """
    Return the value of a text that a page sent.

    Required are the lines that :rfc:`8866#section-5` calls mandatory, and a media description; an early offer may lack
    ``c=``. One that is too long would cost all agents the connection that they share: Kamailio closes it.

    :raises BadInput: naming the first line that is wrong, or the one that is missing.
    """
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise BadInput("body", f"a session description of at most {LONGEST} bytes")
    description = parse(text)
    lines = list(description.lines)
    if lines[0].rstrip() != "v=0":
        raise BadInput("body", "a session description that starts with v=0", _shown(lines[0]))
    for number, line in enumerate(lines, 1):
        if not _LINE.match(line):
            raise BadInput("body", f"<letter>=<value> in line {number} of the session description", _shown(line))
        if line.startswith("m=") and not _MEDIA.match(line):
            raise BadInput("body", f"m=<media> <port> <protocol> <formats> in line {number}", _shown(line))
    _check_session(description)
    return description


def _check_session(description: Description) -> None:
    if not description.streams:
        raise BadInput("body", "at least one m= line in the session description")
    if len(description.streams) > MOST_STREAMS:
        raise BadInput("body", f"at most {MOST_STREAMS} m= lines", str(len(description.streams)))
    letters = {line[0] for line in description.session.lines}
    for letter in "ost":
        if letter not in letters:
            raise BadInput("body", f"an {letter}= line before the first m= line of the session description")
    if not any(map(ORIGIN.match, description.session.lines)):
        found = next(line for line in description.session.lines if line.startswith("o="))
        raise BadInput("body", "o=<user> <session id> <version> IN IP4|IP6 <address>", _shown(found))


def _shown(line: str) -> str:
    return line if len(line) <= 60 else line[:57] + "..."
