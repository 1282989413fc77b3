"""The token that a request shows as ``Authorization: Bearer`` (:rfc:`6750#section-2.1`)."""

from twisted.web.server import Request


def bearer(request: Request) -> bytes:
    """Return the token shown as Bearer, empty for none."""
    values = request.requestHeaders.getRawHeaders(b"authorization")
    if not values or values[-1][:7].lower() != b"bearer ":
        return b""
    return values[-1][7:].strip()


def header_token(request: Request) -> bytes:
    """Return the session token shown in a header field that no foreign page can set, empty for none."""
    token = bearer(request)
    if token:
        return token
    values = request.requestHeaders.getRawHeaders(b"x-wrtc-session")
    return values[-1].strip() if values else b""
