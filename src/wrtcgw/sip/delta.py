"""Delta-seconds: the numbers in Expires, Min-Expires, Retry-After, Min-SE (:rfc:`3261#section-25.1`)."""

from wrtcgw.sip.grammar import MAX_DELTA_SECONDS


def seconds_of(value: str | None) -> int | None:
    """
    Read a number of seconds; a comment or parameters behind it are left out.

    :returns: the number, at most :data:`MAX_DELTA_SECONDS`; None when the field is missing or is no number, which is
        never worth refusing a message for.
    """
    digits = (value or "").split(";")[0].split("(")[0].strip()
    return min(int(digits), MAX_DELTA_SECONDS) if digits.isascii() and digits.isdigit() and len(digits) < 40 else None
