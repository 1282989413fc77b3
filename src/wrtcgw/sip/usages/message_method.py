"""MESSAGE (:rfc:`3428`): text for an account, inside or outside a dialog."""

from wrtcgw.sip.identity import identity_of
from wrtcgw.sip.outputs import TextReceived, TextRefused
from wrtcgw.sip.settings import Account
from wrtcgw.sip.transaction_layer import ServerRequest
from wrtcgw.sip.usages.headers_of_interest import source_of
from wrtcgw.sip.user_agent import UserAgent


def receive_text(ua: UserAgent, account: Account, server: ServerRequest) -> None:
    """
    Take a MESSAGE (:rfc:`3428#section-7`): 200 says that it was delivered.

    One of somebody whose texts are not wanted gets 403.
    """
    request, wanted = server.request, ua.settings.texts_from
    source = source_of(request)
    if wanted is not None and not source.is_one_of(wanted):
        server.respond(403)
        ua.emit(TextRefused(account.key, source.key))
        return
    server.respond(200)
    content_type = request.headers.get("Content-Type") or "text/plain"
    ua.emit(TextReceived(account.key, request.from_, content_type, request.body, identity_of(request)))
