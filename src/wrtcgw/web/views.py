"""What the gateway shows of itself: health, agents and calls as JSON; never a description, never a secret."""

from collections.abc import Iterable

from wrtcgw import __version__
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Direction
from wrtcgw.calls.page import FIRST, Page
from wrtcgw.gateway import Health
from wrtcgw.gateway.cluster import Elsewhere
from wrtcgw.web.messages import diversion_view
from wrtcgw.web.quality import quality_view
from wrtcgw.web.settings import PageWishes

View = dict[str, object]

UNKNOWN_PAGE: View = {"pageAlive": None, "pageResponds": None, "visibility": "", "pages": []}
"""What is known here of the page of an agent whom another gateway has."""


def public_health_view(health: Health) -> View:
    """Return what anybody may know of the health of the gateway."""
    return {
        "status": health.status,
        "service": "webrtc-gateway",
        "uptime": round(health.uptime),
        "registered_agents": health.registered_agents,
        "active_calls": health.active_calls,
    }


def health_view(health: Health, hanging: tuple[int, int], dropped: int) -> View:
    """
    Return the health of the gateway for its operators, with the keys that monitoring asks for.

    :param hanging: how many polls hang, and how many streams are open.
    :param dropped: how many messages the agents who are signed in have lost, because their pages fetched none.
    """
    return {
        **public_health_view(health),
        "version": __version__,
        "sip": {"connections_up": health.connections_up, "connections_total": health.connections_total},
        "pages": {"polls": hanging[0], "streams": hanging[1], "dropped_messages": dropped},
    }


def agents_view(agents: Iterable[Agent], now: float, node: str, others: Iterable[Elsewhere] = ()) -> View:
    """
    Return the agents that are signed in; times are seconds before or after ``now``.

    :param node: the name of this gateway.
    :param others: the agents of other gateways; of whether their pages listen nothing is known here.
    """
    here = [_agent(agent, now, node) for agent in agents]
    there = [{**_agent(each.agent, now, each.node), **UNKNOWN_PAGE} for each in others]
    return {"agents": here + there}


def _agent(agent: Agent, now: float, node: str) -> View:
    return {
        "id": agent.id,
        "dn": agent.dn,
        "node": node,
        "displayName": agent.display_name,
        "registration": agent.registration.value,
        "expires": round(agent.expires - now, 1),
        "sipCode": agent.last_code,
        "reason": agent.last_error,
        "signedIn": round(now - agent.since, 1),
        "lastSeen": None if agent.last_seen is None else round(now - agent.last_seen, 1),
        "pageAlive": agent.page_alive,
        "pageResponds": agent.life.responds,
        "visibility": agent.life.visibility.value,
        "doNotDisturb": agent.do_not_disturb,
        "undelivered": len(agent.mailbox),
        "dropped": agent.mailbox.dropped,
        "calls": len(agent.calls),
        "pages": [_page(agent, page, now) for page in agent.pages],
    }


def _page(agent: Agent, page: Page, now: float) -> View:
    """Return one page of an agent, with the calls whose sound it has."""
    with_sound = (call.id for call in agent.calls.values() if call.is_up and agent.page_with_sound(call) is page)
    return {
        "page": page.name or "1",
        "since": round(now - page.since, 1),
        "lastSeen": None if page.last_seen is None else round(now - page.last_seen, 1),
        "alive": page.is_listening,
        "sound": list(with_sound),
    }


def own_view(agent: Agent, now: float, wishes: PageWishes, page: str = FIRST) -> View:
    """
    Return an agent's own calls, and for a page that has just been loaded the registration and the site's wishes.

    :param page: the name of the page that asks.
    """
    told = {"state": agent.registration.value, "sipCode": agent.last_code, "reason": agent.last_error}
    told |= {name: text for name, text in zip(("warning", "sipReason"), agent.last_words, strict=True) if text}
    known = [call for call in agent.calls.values() if call.is_known_to(page)]
    calls = [{**_call(call, now), **_arrival(call), **_sound(agent, call, page, now)} for call in known]
    return {
        "calls": calls,
        "registration": told,
        "doNotDisturb": agent.do_not_disturb,
        "pages": len(agent.pages),
        "warnings": {
            "rtt": wishes.warn_rtt,
            "jitter": wishes.warn_jitter,
            "loss": wishes.warn_loss,
            "mos": wishes.warn_mos,
            "micSilence": wishes.warn_mic_silence,
            "incomingSilence": wishes.warn_incoming_silence,
            "noPackets": wishes.warn_no_packets,
        },
        "echoNumber": wishes.echo_number,
    }


def _sound(agent: Agent, call: Call, page: str, now: float) -> View:
    """Return where the sound of a call is, as the page of that name sees it, once it is somewhere."""
    if call.state is CallState.OFFERED:
        return {}
    where = {} if agent.page_named(page) is None else {"sound": agent.sound_of(call, page, now).value}
    return {**where, **{name: True for name in ("muted", "hidden") if getattr(call, name)}}


def _arrival(call: Call) -> View:
    """Return how a call came to be, as far as there is something to tell: for a page that was not there."""
    dialled_itself = call.direction is Direction.OUTBOUND and call.called == call.peer
    told = {
        "called": "" if dialled_itself else call.called,
        "diversion": diversion_view(call.diversion),
        "verstat": call.verstat,
        "headers": dict(call.headers),
    }
    return {name: value for name, value in told.items() if value}


def calls_view(calls: Iterable[Call], now: float, node: str, others: Iterable[Elsewhere] = ()) -> View:
    """
    Return calls and their states; times are seconds before ``now``.

    :param node: the name of this gateway.
    :param others: the agents of other gateways, with their calls.
    """
    here = [(call, node) for call in calls]
    there = [(call, each.node) for each in others for call in each.agent.calls.values()]
    return {"calls": [{**_call(call, now), "node": where} for call, where in (*here, *there)]}


def _call(call: Call, now: float) -> View:
    return {
        "callId": call.id,
        "agent": call.agent_id,
        "direction": call.direction.value,
        "state": call.state.value,
        "peer": call.peer,
        "displayName": call.display_name,
        "held": call.held,
        "heldByPeer": call.held_by_peer,
        "age": round(now - call.created, 1),
        "duration": None if call.answered is None else round(now - call.answered, 1),
        "uuid": call.uuid,
        "quality": quality_view(call.reports),
    }
