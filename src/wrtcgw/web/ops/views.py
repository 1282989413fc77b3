"""What operators see, as JSON; times are milliseconds since the epoch, but for ages and durations in seconds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from wrtcgw import __version__
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.capture.history import CallRecord
from wrtcgw.capture.ladder import Ladder, Step
from wrtcgw.gateway import Gateway
from wrtcgw.gateway.cluster import Elsewhere
from wrtcgw.meters.alarms import Alarms
from wrtcgw.meters.histogram import Latency
from wrtcgw.meters.timeseries import Sample
from wrtcgw.redact import redact
from wrtcgw.web.operators import Operator
from wrtcgw.web.ops.dependencies import OpsParts
from wrtcgw.web.quality import quality_view
from wrtcgw.web.sessions import Session
from wrtcgw.web.views import calls_view

View = Mapping[str, object]

ALARMS = 20
"""So many of the newest alarms are shown at a glance."""


def summary_view(gateway: Gateway, parts: OpsParts, wall: float, others: Sequence[Elsewhere] = ()) -> View:
    """Return how the gateway is at a glance; ``others`` are the agents of those that share its store."""
    health = gateway.health()
    agents = list(gateway.agents())
    guests = sum(agent.guest for agent in agents)
    return {
        "time": round(wall * 1000),
        "uptime": round(health.uptime),
        "version": __version__,
        "status": health.status,
        "draining": gateway.operation.draining,
        "logLevel": parts.console.log_level,
        "logLevels": dict(parts.console.log_levels),
        "capture": capture_view(parts),
        "agents": len(agents) - guests,
        "guests": guests,
        "calls": health.active_calls,
        "node": gateway.node,
        "nodes": nodes_view(gateway, others),
        "connections": connections_view(parts),
        "rates": parts.meters.rates(),
        "latencies": {name: _latency(latency) for name, latency in parts.meters.latencies.items()},
        "quality": overall_quality(gateway.calls()),
        "alarms": alarms_view(parts.meters.alarms),
    }


def nodes_view(gateway: Gateway, others: Sequence[Elsewhere]) -> list[View]:
    """Return how many agents, guests included, and calls each gateway has; this one comes first."""
    agents, calls = Counter(each.node for each in others), Counter[str]()
    for each in others:
        calls[each.node] += len(each.agent.calls)
    here = {"node": gateway.node, "agents": len(list(gateway.agents())), "calls": gateway.health().active_calls}
    return [here, *({"node": node, "agents": agents[node], "calls": calls[node]} for node in sorted(agents))]


def alarms_view(alarms: Alarms) -> View:
    """Return what was refused: how often by its word, and the newest ones."""
    newest = [
        {
            "time": round(raised.time * 1000),
            "alarm": raised.alarm,
            "text": redact(raised.text),
            "setting": raised.setting,
            "dn": raised.dn,
            "callId": raised.call_id,
            "address": raised.address,
        }
        for raised in islice(alarms.newest(), ALARMS)
    ]
    return {"counts": alarms.counts, "newest": newest}


def operator_view(operator: Operator) -> View:
    """Return who asks."""
    return {"operator": {"name": operator.name, "role": operator.role.word}}


def sessions_view(sessions: Iterable[tuple[Agent, Session]], now: float) -> View:
    """Return the sessions; times are seconds before ``now``. Their keys grant nothing."""
    return {"sessions": [_session(agent, session, now) for agent, session in sessions]}


def _session(agent: Agent, session: Session, now: float) -> View:
    return {
        "session": session.key,
        "id": agent.id,
        "dn": agent.dn,
        "guest": agent.guest,
        "address": session.client_address,
        "since": round(now - session.since, 1),
        "lastSeen": None if agent.last_seen is None else round(now - agent.last_seen, 1),
        "pageAlive": agent.page_alive,
        "pageResponds": agent.life.responds,
        "visibility": agent.life.visibility.value,
        "calls": len(agent.calls),
        "bound": session.bound,
    }


def capture_view(parts: OpsParts) -> View:
    """Return what is recorded."""
    recorder = parts.recorder
    return {"on": recorder.on, "calls": recorder.calls, "bytes": recorder.size, "limit": recorder.limit}


def connections_view(parts: OpsParts) -> list[View]:
    """Return the connections to the proxies."""
    links = parts.meters.links
    views: list[View] = []
    for flow in parts.console.flows():
        link = links.get(flow.number)
        views.append(
            {
                "flow": flow.number,
                "target": redact(flow.target),
                "up": flow.up,
                "since": None if link is None else round(link.since * 1000),
                "reconnects": 0 if link is None else link.reconnects,
                "error": flow.error,
            }
        )
    return views


def _latency(latency: Latency) -> View | None:
    summary = latency.summary()
    if summary is None:
        return None
    return {
        "p50": round(summary.p50, 1),
        "p95": round(summary.p95, 1),
        "max": round(summary.longest, 1),
        "count": summary.count,
    }


def overall_quality(calls: Iterable[Call]) -> View:
    """Return the mean of what the pages of all calls reported last, and the worst of it; None where nobody did."""
    reported = [call.reports for call in calls if call.reports.count]
    scores = [reports.last.audio.mos for reports in reported if reports.last.audio.mos]
    worst = [reports.worst["audio"].mos for reports in reported if reports.worst["audio"].mos]
    trips = [reports.last.audio.rtt for reports in reported]
    return {
        "calls": len(reported),
        "mos": round(sum(scores) / len(scores), 2) if scores else None,
        "worstMos": min(worst, default=None),
        "rtt": round(sum(trips) / len(trips), 1) if trips else None,
        "loss": max((round(reports.worst["audio"].loss, 2) for reports in reported), default=None),
    }


def series_view(samples: Iterable[Sample], step: int) -> View:
    """Return samples for charts; what is counted is per second, but for failures."""
    shown = [_sample(sample, step) for sample in samples]
    return {"step": step, "from": shown[0]["t"] if shown else None, "samples": shown}


def _sample(sample: Sample, step: int) -> View:
    return {
        "t": sample.time,
        "calls": sample.calls,
        "agents": sample.agents,
        "callsPerSecond": round(sample.begun / step, 2),
        "httpPerSecond": round(sample.http / step, 2),
        "sipIn": round(sample.sip_in / step, 2),
        "sipOut": round(sample.sip_out / step, 2),
        "failures": sample.failures,
        "setupP95": _rounded(sample.setup_p95),
        "answerP95": _rounded(sample.answer_p95),
        "loopLag": round(sample.lag, 1),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def active_view(call: Call, agent: Agent | None, sip_call_id: str, *, node: str, now: float, wall: float) -> View:
    """Return a call that is not over, at the gateway ``node``; ``now`` is by the clock of its times."""
    (view,) = _calls(call, now, node)
    return {
        **view,
        "dn": "" if agent is None else agent.dn,
        "sipCallId": sip_call_id,
        "startedAt": round((wall - now + call.created) * 1000),
        "answeredAt": None if call.answered is None else round((wall - now + call.answered) * 1000),
        "endedAt": None,
        "cause": "",
        "sipCode": 0,
        "reason": "",
    }


def _calls(call: Call, now: float, node: str) -> list[View]:
    calls: list[View] = calls_view([call], now, node)["calls"]  # type: ignore[assignment]
    return calls


def ended_view(record: CallRecord, node: str, wall: float) -> View:
    """Return a call that is over, and was at the gateway ``node`` in the end."""
    return {
        "callId": record.call_id,
        "agent": record.agent_id,
        "direction": record.direction,
        "state": "ENDED",
        "peer": record.peer,
        "displayName": record.display_name,
        "held": False,
        "heldByPeer": False,
        "age": round(wall - record.started / 1000, 1),
        "duration": None if record.answered is None else round((record.ended - record.answered) / 1000, 1),
        "uuid": record.uuid,
        "node": node,
        "quality": quality_view(record.reports),
        "dn": record.dn,
        "sipCallId": record.sip_call_id,
        "startedAt": record.started,
        "answeredAt": record.answered,
        "endedAt": record.ended,
        "cause": record.cause,
        "sipCode": record.code,
        "reason": record.reason,
    }


def ladder_view(ladder: Ladder, call: View | None, other: View | None = None) -> View:
    """Return a ladder; the call that it is of, if it is remembered; its other leg, if that has another agent."""
    return {
        "callId": ladder.key,
        "call": call,
        "other": other,
        "legs": ladder.legs,
        "sipCallIds": list(ladder.sip_ids),
        "parties": list(ladder.parties),
        "dropped": ladder.dropped,
        "messages": [_step(step) for step in ladder.steps],
    }


def _step(step: Step) -> View:
    return {
        "n": step.number,
        "time": step.time,
        "delta": step.delta,
        "from": step.origin,
        "to": step.target,
        "via": step.via,
        "label": step.label,
        "detail": step.detail,
        "kind": step.kind,
        "flow": step.flow,
        "leg": step.leg,
        "text": step.text,
    }
