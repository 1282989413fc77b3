"""
Who may have a call answered, or taken from the agent's own hold, without a click: nobody but whom a site names.

A microphone that opens by itself is the worst that a caller could bring about, so that both have to be set: by what
means (``auto_answer``), and by whom (``auto_answer_from``). What was ignored is told with the setting's name.
"""

from wrtcgw.calls.call import Call
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.settings import GatewaySettings
from wrtcgw.sip.source import is_listed

TALK, HEADERS = "talk", "headers"
ENOUGH = {TALK: ("talk", "headers"), HEADERS: ("headers",)}
"""For each means the values of ``auto_answer`` that let it count."""


def consents(context: GatewayContext, call: Call, means: str, wish: str) -> bool:
    """
    Return whether the far side of a call may do without the agent's click, and tell of it when it may not.

    :param means: ``talk`` for a NOTIFY, ``headers`` for a field of the INVITE.
    :param wish: what it wants, for the log.
    """
    settings = context.settings
    why = _objection(settings, call, means)
    if why is None:
        return True
    setting, text = why
    agent = context.agent_of(call)
    context.events.publish(
        AlarmRaised(
            kind=AlarmKind.AUTO_ANSWER_IGNORED,
            text=f"{wish} was ignored: {text}",
            setting=setting,
            dn=agent.dn if agent is not None else "",
            call_id=call.id,
        )
    )
    return False


def _objection(settings: GatewaySettings, call: Call, means: str) -> tuple[str, str] | None:
    """Return the setting that stands against it, and how; None when nothing does."""
    if settings.auto_answer not in ENOUGH[means]:
        return "auto_answer", f'auto_answer = "{settings.auto_answer}" (auto_answer = "{means}" lets it count)'
    if not is_listed(call.far_side.names, settings.auto_answer_from, has_uuid=bool(call.uuid)):
        return "auto_answer_from", f"auto_answer_from does not name {call.far_side.key[:80]}"
    return None
