"""Who hears what of a call, where an agent has several pages: descriptions are for the one that has the sound."""

from collections.abc import Iterator

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import Page


def audience(agent: Agent, call: Call, message: AgentMessage, now: float) -> Iterator[tuple[Page, AgentMessage]]:
    """
    Iterate over the pages that are to hear of something in a call, with what they hear.

    A call that rings does so everywhere. Afterwards what concerns the media is for the page that has the sound, or that
    has just offered to take it; the others learn from its ANSWER where the sound is.
    """
    if len(agent.pages) == 1:
        yield agent.pages[0], message
        return
    describing = call.sound if call.moving is None else call.moving
    for page in agent.pages:
        if page.name == describing or not _is_about_media(call, message):
            yield page, message
        elif message.type is MessageType.ANSWER and not message.more_coming:
            yield page, of_sound(agent, call, page, now)


def of_sound(agent: Agent, call: Call, page: Page, now: float) -> AgentMessage:
    """Return what tells a page where the sound of a call is."""
    return AgentMessage(type=MessageType.SOUND, cause=agent.sound_of(call, page.name, now).value)


def _is_about_media(call: Call, message: AgentMessage) -> bool:
    match message.type:
        case MessageType.OFFER:
            return call.state is not CallState.OFFERED
        case MessageType.ANSWER:
            return True
        case MessageType.RINGING:
            return message.cause == "resync"
        case MessageType.ERROR:
            return not message.ends_call and call.is_up
        case _:
            return False
