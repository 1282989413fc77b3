"""The operations on session descriptions for tests that look at texts: text in, text out."""

from wrtcgw.sdp import checking, comparison, completion, directions, dtls_role
from wrtcgw.sdp.checking import LONGEST
from wrtcgw.sdp.description import Direction, parse
from wrtcgw.sdp.directions import answer_direction, mirrored

__all__ = ["LONGEST", "Direction", "answer_direction", "mirrored"]


def check(text: str) -> None:
    """Refuse what is no session description."""
    checking.read(text)


def normalise(text: str) -> str:
    """Return the text with CRLF line ends."""
    return str(parse(text).normalised())


def complete(text: str, page_address: str) -> str:
    """Return the text with candidates and a default destination."""
    return str(completion.complete(parse(text), page_address))


def streams(text: str) -> list[str]:
    """Return kind and port of each stream."""
    return [f"{stream.media} {stream.port}" for stream in parse(text).streams]


def direction(text: str) -> Direction:
    """Return the direction of the audio."""
    return directions.direction(parse(text))


def with_direction(text: str, wanted: Direction) -> str:
    """Return the text with that direction for every stream in use."""
    return str(directions.with_direction(parse(text), wanted))


def held(text: str) -> str:
    """Return the text with every stream on hold."""
    return str(directions.held(parse(text)))


def answer_to(offer: str, wanted: str, remote: str) -> str:
    """Return an answer made of our description ``wanted``, with the role that we have by ``remote``."""
    return str(dtls_role.with_role_towards(directions.answered(parse(wanted), parse(offer)), parse(remote)))


def reoffer(text: str) -> str:
    """Return the text with the DTLS role open again."""
    return str(dtls_role.reopened(parse(text)))


def has_ice(text: str) -> bool:
    """Return whether there are ICE credentials."""
    return parse(text).has_ice


def same_session(one: str, other: str) -> bool:
    """Return whether two texts are equal but for their version."""
    return comparison.same_session(parse(one), parse(other))


def only_direction_differs(one: str, other: str) -> bool:
    """Return whether a page that knows the one need not be asked to answer the other."""
    return comparison.only_direction_differs(parse(one), parse(other))


def origin_version(text: str) -> int:
    """Return the version in ``o=``."""
    return parse(text).version


def with_version(text: str, version: int) -> str:
    """Return the text with that version."""
    return str(parse(text).with_version(version))


def continued(text: str, previous: str) -> str:
    """Return the text as the successor of another one in the same session."""
    return str(parse(text).following(parse(previous)))
