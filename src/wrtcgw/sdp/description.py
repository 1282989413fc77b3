"""
A session description as a value: parsed once, its text kept as it came.

A description belongs to the page or to the PBX; the gateway passes it on. So the value keeps every line, in order, and
knows only the few that the gateway looks at. Nothing changes a value: each operation returns a new one in which only
the lines that it names differ, and whose lines all end with CRLF (:rfc:`8866#section-5`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal, get_args

from attrs import field, frozen

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

DISCARD_PORT = "9"
"""The port of a default destination that is not known yet (:rfc:`8839#section-4.3.1`)."""

UNSPECIFIED = frozenset({"0.0.0.0", "::"})
"""Addresses that name no host: not known yet, or an old-style hold (:rfc:`3264#section-8.4`)."""

DIRECTION_LINES: dict[str, Direction] = {f"a={direction}": direction for direction in get_args(Direction)}

# o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address> (RFC 8866 section 5.2)
ORIGIN = re.compile(r"o=(\S+ \S+) ([0-9]+) (\S+ \S+ \S+)[ \t]*\Z")

KINDS = frozenset({"audio", "video", "application"})
"""The kinds of media that browsers have (:rfc:`8829#section-5.2.1`)."""

MOST_STREAMS = 128
"""So many media descriptions are one description of a call; more are there to keep us busy."""

Lines = tuple[str, ...]


def _text(lines: Iterable[str]) -> str:
    return "\r\n".join([*lines, ""])


@frozen
class Section:
    """Lines without their line ends: those of the session, or of one media description."""

    lines: Lines = field(repr=False)

    def values(self, name: str) -> Iterator[str]:
        """Iterate over the values of an attribute, in order, without blanks around them."""
        start = f"a={name}:"
        return (line[len(start) :].strip() for line in self.lines if line.startswith(start))

    def value(self, name: str) -> str | None:
        """Return the first value of an attribute, or None."""
        return next(self.values(name), None)

    def has(self, name: str) -> bool:
        """Return whether there is an attribute of that name with a value."""
        return self.value(name) is not None

    @property
    def stated_direction(self) -> Direction | None:
        """The first direction attribute, or None; blanks behind it mean nothing."""
        return next((DIRECTION_LINES[line] for line in map(str.rstrip, self.lines) if line in DIRECTION_LINES), None)

    @property
    def address(self) -> str:
        """The address of the first ``c=`` line without TTL and count, or ''."""
        line = next((line for line in self.lines if line.startswith("c=")), "")
        return line.rstrip().rpartition(" ")[2].partition("/")[0]


@frozen
class Stream(Section):
    """One media description: its ``m=`` line, and the lines that follow (:rfc:`8866#section-5.14`)."""

    @property
    def _words(self) -> list[str]:
        return self.lines[0][2:].split()

    @property
    def media(self) -> str:
        """The kind of media, such as ``audio``."""
        return next(iter(self._words), "")

    @property
    def port(self) -> str:
        """The port, without a number of ports; '' when there is none."""
        return next(iter(self._words[1:]), "").partition("/")[0]

    @property
    def profile(self) -> str:
        """The transport protocol, such as ``UDP/TLS/RTP/SAVPF``."""
        return next(iter(self._words[2:]), "")

    @property
    def formats(self) -> list[str]:
        """The payload types, the preferred one first."""
        return self._words[3:]

    @property
    def is_rejected(self) -> bool:
        """Whether the stream is not in use (:rfc:`3264#section-6`); nothing can be sent to one without a port."""
        return self.port in ("0", "")

    def with_lines(self, lines: Iterable[str]) -> "Stream":
        """Return a stream of these lines, the ``m=`` line first."""
        return Stream(tuple(lines))

    def with_media_line(self, *, port: str = "", profile: str = "", formats: Iterable[str] = ()) -> "Stream":
        """Return the stream with another port, profile or list of formats."""
        kind, old_port, old_profile, *old_formats = [*self._words, *[""] * 3][: max(3, len(self._words))]
        words = [kind, port or old_port, profile or old_profile, *(formats or old_formats)]
        return self.with_lines([f"m={' '.join(words)}", *self.lines[1:]])


@frozen
class Description:
    """
    One session description.

    Two are equal when their texts are, byte by byte; ``str()`` gives the text that was parsed.

    :ivar session: the lines before the first media description.
    :ivar streams: the media descriptions, in order.
    """

    text: str = field(repr=False)
    session: Section = field(repr=False, eq=False)
    streams: tuple[Stream, ...] = field(repr=False, eq=False)

    @classmethod
    def of(cls, session: Iterable[str], streams: Iterable[Stream]) -> "Description":
        """Return the description that consists of these lines."""
        head, parts = tuple(session), tuple(streams)
        return cls(_text(chain(head, *(stream.lines for stream in parts))), Section(head), parts)

    def __str__(self) -> str:
        return self.text

    @property
    def lines(self) -> Iterator[str]:
        """All lines, in order, without their line ends."""
        return chain(self.session.lines, *(stream.lines for stream in self.streams))

    @property
    def is_answerable(self) -> bool:
        """
        Whether this is an offer that could be answered (:rfc:`8866#section-5`): it has a version and a stream.

        One that wants nothing but what no browser has, as T.38 fax, could only be answered by rejecting all of it, and
        that would end the sound of a call. Lines that are missing besides are left to the page: its browser knows what
        it can do without.
        """
        wanted = {stream.media for stream in self.streams if not stream.is_rejected}
        is_for_page = not wanted or not wanted.isdisjoint(KINDS)
        has_version = [line.rstrip() for line in self.session.lines[:1]] == ["v=0"]
        return has_version and 0 < len(self.streams) <= MOST_STREAMS and is_for_page

    @property
    def has_ice(self) -> bool:
        """Whether there are ICE credentials, for the session or for any stream (:rfc:`8839#section-5.4`)."""
        return any(section.has("ice-ufrag") for section in (self.session, *self.streams))

    @property
    def origin(self) -> "re.Match[str] | None":
        """The ``o=`` line: user and session id, version, network and address; None when it is malformed or missing."""
        return next((found for line in self.session.lines if (found := ORIGIN.match(line))), None)

    @property
    def version(self) -> int:
        """The version in ``o=`` (:rfc:`8866#section-5.2`), 0 when there is none."""
        return int(self.origin[2]) if self.origin else 0

    def normalised(self) -> "Description":
        """Return the description with CRLF line ends, also after the last line, without empty lines at both ends."""
        text = _text(self.lines)
        return self if text == self.text else Description(text, self.session, self.streams)

    def with_streams(self, streams: Iterable[Stream]) -> "Description":
        """Return the description with other media descriptions."""
        return Description.of(self.session.lines, streams)

    def with_lines(self, change: Callable[[str], str]) -> "Description":
        """Return the description with each line replaced by what ``change`` makes of it."""
        streams = (stream.with_lines(map(change, stream.lines)) for stream in self.streams)
        return Description.of(map(change, self.session.lines), streams)

    def with_origin(self, origin: str) -> "Description":
        """Return the description with that ``o=`` line."""
        return self.with_lines(lambda line: origin if line.startswith("o=") else line)

    def with_version(self, version: int) -> "Description":
        """Return the description with that version in ``o=``."""
        found = self.origin
        return self.with_origin(f"o={found[1]} {version} {found[3]}") if found else self.normalised()

    def following(self, previous: "Description") -> "Description":
        """
        Return the description as the successor of ``previous`` in one session.

        The peer must see one origin whose version grows by one with each change and stays without one
        (:rfc:`3264#section-8`); a page that was reloaded, or that counts by itself, cannot promise that.

        :param previous: the description that was sent last to the same peer.
        """
        before = previous.origin
        if before is None:
            return self.normalised()
        unchanged = self.with_origin(before[0])
        if unchanged.text == previous.normalised().text:
            return unchanged
        return self.with_origin(f"o={before[1]} {int(before[2]) + 1} {before[3]}")


def parse(text: str) -> Description:
    """
    Return the value of a text; any text has one, if only with lines for the session.

    Lines end with CRLF or LF; empty lines at both ends do not count.
    """
    session: list[str] = []
    streams: list[list[str]] = []
    for line in text.replace("\r\n", "\n").strip("\n").split("\n"):
        if line.startswith("m="):
            streams.append([line])
        else:
            (streams[-1] if streams else session).append(line)
    return Description(text, Section(tuple(session)), tuple(Stream(tuple(lines)) for lines in streams))


EMPTY = parse("")
"""The description of nothing: none is known yet."""
