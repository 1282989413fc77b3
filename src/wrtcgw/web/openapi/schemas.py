"""The JSON that the gateway shows of itself; the views of ``wrtcgw.web`` make it."""

from collections.abc import Mapping

from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import CallState, Direction
from wrtcgw.calls.page import Sound
from wrtcgw.calls.page_life import Visibility
from wrtcgw.calls.stats import PAGE_VERDICTS
from wrtcgw.web.openapi.failures import error_schema
from wrtcgw.web.openapi.messages import message_schemas
from wrtcgw.web.openapi.operations import Schema, either, fields, listed, number, ref, switch, text, whole

SECONDS_AGO = "Seconds ago."
MILLISECONDS = "Milliseconds since the epoch."


def schemas() -> dict[str, Schema]:
    """Return all schemas, by name."""
    of_operators = {**_lists(), **_at_a_glance(), **_of_actions(), **_of_calls_for_operators(), **_of_failures()}
    return {**_of_pages(), **_of_media(), **_of_calls(), **message_schemas(), **of_operators, "Error": error_schema()}


def _done(**more: Schema) -> dict[str, object]:
    return fields({"status": text(enum=["ok"]), **more})


def _of_pages() -> dict[str, Schema]:
    return {
        "Done": _done(),
        "SignedIn": _done(
            id=text("The agent's id; that of the other pages, where there are some."),
            dn=text(),
            session=text("The session token, to be kept secret."),
            page=text("The number of the page among the agent's."),
        ),
        "CallTaken": _done(callId=text("The call that it is about.")),
        "Outcome": _done(sipCode=whole("What the far side answered; 0: nothing."), reason=text()),
        "Quiet": _done(doNotDisturb=switch()),
        "Muted": _done(muted=switch()),
        "Acknowledged": _done(state=text("The state of the call.", enum=[state.value for state in CallState])),
        "Target": _done(target=text("The URI that would be called.", format="uri")),
        "IceServers": fields(
            {
                "iceServers": listed(
                    fields({"urls": listed(text())}, username=text(), credential=text()),
                    "As `RTCPeerConnection` takes them.",
                ),
                "ttl": whole("Seconds for which the credentials are good."),
                "expires": whole("Seconds since the epoch, when they end."),
            }
        ),
        "Diversion": fields({"number": text(), "reason": text()}),
    }


def _of_media() -> dict[str, Schema]:
    return {
        "Media": fields(
            {
                "codec": either(text()),
                "mos": either(number()),
                "rtt": number("Milliseconds."),
                "rttAverage": number("Milliseconds."),
                "rx": ref("Flow"),
                "tx": ref("Flow"),
                "worst": fields(
                    {"mos": either(number()), "rtt": number(), "jitter": number(), "loss": number("Per cent.")}
                ),
            }
        ),
        "MediaVerdict": fields(
            {
                "code": text("What was wrong most of all, as the page saw it.", enum=list(PAGE_VERDICTS)),
                "share": number("Percent of the talk for which it was so.", minimum=0, maximum=100),
                "seconds": number("Of talk, without those on hold.", minimum=0),
            }
        ),
        "Flow": fields({"packets": whole(), "bytes": whole(), "lost": whole(), "jitter": number("Milliseconds.")}),
        "Quality": fields(
            {
                "reports": whole(),
                "timestamp": whole(MILLISECONDS),
                "verdict": {"anyOf": [ref("MediaVerdict"), {"type": "null"}]},
            },
            audio=ref("Media"),
            video=ref("Media"),
        ),
        **_reports(),
    }


def _of_calls() -> dict[str, Schema]:
    return {
        "Call": fields({**_call(), "node": text(NODE)}),
        "OwnCall": fields(
            _call(),
            **_arrival(),
            sound=text("Where its sound is, for the page that asks.", enum=[where.value for where in Sound]),
            muted=switch("The agent has switched the microphone off."),
            hidden=switch("It is to be shown to nobody, as the call of a check."),
        ),
        "OwnCalls": fields(
            {
                "calls": listed(ref("OwnCall")),
                "registration": fields(
                    {"state": _registration(), "sipCode": whole(), "reason": text()},
                    warning=text(),
                    sipReason=text(),
                ),
                "doNotDisturb": switch("Callers are told that the agent is busy."),
                "pages": whole("How many pages the agent has."),
                "warnings": fields(
                    {name: number() for name in ("rtt", "jitter", "loss", "mos")}
                    | {name: number("Seconds.") for name in ("micSilence", "incomingSilence", "noPackets")}
                ),
                "echoNumber": text("The number of an echo; empty for none."),
            }
        ),
        "Health": fields(
            {
                "status": text(enum=["ok", "degraded", "down", "draining"]),
                "service": text(enum=["webrtc-gateway"]),
                "uptime": whole("Seconds."),
                "registered_agents": whole(),
                "active_calls": whole(),
            },
            version=text("For operators, as all that follows."),
            sip=fields({"connections_up": whole(), "connections_total": whole()}),
            pages=fields({"polls": whole(), "streams": whole(), "dropped_messages": whole()}),
        ),
        "Ready": fields(
            {
                "ready": switch(),
                "obstacles": listed(text(enum=["draining", "no_sip_connection", "store_unavailable"])),
            }
        ),
    }


def _reports() -> dict[str, Schema]:
    """Return the schemas of what a page reports of its media; of audio and video one has to be there."""
    count = either(number("A whole number.", minimum=0, maximum=2.0**53, multipleOf=1))
    time = either(number("Milliseconds.", minimum=0, maximum=3_600_000))
    lost = either(number("A whole number.", minimum=-(2.0**53), maximum=2.0**53, multipleOf=1))
    flow, media, verdict = (either(ref(name)) for name in ("ReportedFlow", "ReportedMedia", "ReportedVerdict"))
    one = [{"required": [name], "properties": {name: ref("ReportedMedia")}} for name in ("audio", "video")]
    moment = either(number(MILLISECONDS, minimum=0, maximum=2.0**53))
    return {
        "Report": {**fields(audio=media, video=media, timestamp=moment, verdict=verdict), "anyOf": one},
        "ReportedVerdict": fields(
            {"code": text(enum=list(PAGE_VERDICTS))},
            share=either(number(minimum=0, maximum=100)),
            seconds=either(number(minimum=0, maximum=604_800)),
        ),
        "ReportedMedia": fields(
            codec=either(text(pattern=r"^[A-Za-z0-9!#$&^_.+/-]{1,64}$")),
            mos={"anyOf": [number(minimum=1, maximum=5), {"enum": [0, None]}]},
            rtt=time,
            rx=flow,
            tx=flow,
        ),
        "ReportedFlow": fields(packets=count, bytes=count, jitter=time, lost=lost),
    }


def _call() -> dict[str, Schema]:
    return {
        "callId": text(),
        "agent": text("The agent's id."),
        "direction": text(enum=[direction.value for direction in Direction]),
        "state": text(enum=[state.value for state in CallState]),
        "peer": text("The far side, as it can be given back as `to`."),
        "displayName": text(),
        "held": switch("The agent holds."),
        "heldByPeer": switch("The far side holds."),
        "age": number("Seconds since the call began."),
        "duration": either(number("Seconds since the answer.")),
        "uuid": text("X-Genesys-CallUUID."),
        "quality": {"anyOf": [ref("Quality"), {"type": "null"}]},
    }


def _arrival() -> dict[str, Schema]:
    return {
        "called": text("The number that was dialled."),
        "diversion": listed(ref("Diversion")),
        "verstat": text("What the network says of having verified the number."),
        "headers": {"type": "object", "additionalProperties": text()},
    }


NODE = "The gateway that has it, of those that share a store."


def _registration() -> Schema:
    return text(enum=[state.value for state in RegistrationState])


def _visibility() -> Schema:
    return text("What the page has told last of itself; empty: nothing.", enum=[each.value for each in Visibility])


def _agent() -> dict[str, Schema]:
    return {
        "id": text(),
        "dn": text(),
        "node": text(NODE),
        "displayName": text(),
        "registration": _registration(),
        "expires": number("Seconds until the registrar forgets the DN."),
        "sipCode": whole(),
        "reason": text(),
        "signedIn": number(SECONDS_AGO),
        "lastSeen": either(number(SECONDS_AGO)),
        "pageAlive": either(switch("Null: another gateway has the agent, and nothing of that is known here.")),
        "pageResponds": either(switch("False: the page is known to sleep. Null: as above.")),
        "visibility": _visibility(),
        "doNotDisturb": switch("Callers are told that the agent is busy."),
        "undelivered": whole(),
        "dropped": whole(),
        "calls": whole(),
        "pages": listed(ref("Page"), "Its pages, oldest first; empty where another gateway has the agent."),
    }


def _page() -> dict[str, Schema]:
    return {
        "page": text("Its number among the agent's pages."),
        "since": number("Seconds since it signed in."),
        "lastSeen": either(number("Seconds since it was heard of.")),
        "alive": switch("It listens now."),
        "sound": listed(text(), "The calls whose sound it has."),
    }


def _lists() -> dict[str, Schema]:
    return {
        "Agent": fields(_agent()),
        "Page": fields(_page()),
        "Agents": fields({"agents": listed(ref("Agent"))}),
        "Calls": fields({"calls": listed(ref("Call"))}),
        "Capture": fields({"on": switch(), "calls": whole(), "bytes": whole(), "limit": whole()}),
        "Connection": fields(
            {
                "flow": whole(),
                "target": text(),
                "up": switch(),
                "since": either(whole(MILLISECONDS)),
                "reconnects": whole(),
                "error": text(),
            }
        ),
        "Alarm": fields(
            {
                "time": whole(MILLISECONDS),
                "alarm": text(),
                "text": text(),
                "setting": text(),
                "dn": text(),
                "callId": text(),
                "address": text(),
            }
        ),
        "Sessions": fields({"sessions": listed(ref("Session"))}),
        "Session": fields(
            {
                "session": text("The key of the session; it grants nothing."),
                "id": text(),
                "dn": text(),
                "guest": switch(),
                "address": text(),
                "since": number(SECONDS_AGO),
                "lastSeen": either(number(SECONDS_AGO)),
                "pageAlive": switch(),
                "pageResponds": switch(),
                "visibility": _visibility(),
                "calls": whole(),
                "bound": switch(),
            }
        ),
        "Series": fields(
            {"step": whole("Seconds."), "from": either(whole(MILLISECONDS)), "samples": listed(ref("Sample"))}
        ),
        "Sample": fields(
            {
                "t": whole(MILLISECONDS),
                **{name: number() for name in ("calls", "agents", "callsPerSecond", "httpPerSecond")},
                **{name: number() for name in ("sipIn", "sipOut", "failures", "loopLag")},
                **{name: either(number("Milliseconds.")) for name in ("setupP95", "answerP95")},
            }
        ),
    }


def _at_a_glance() -> dict[str, Schema]:
    latency = either(fields({"p50": number(), "p95": number(), "max": number(), "count": whole()}))
    return {
        "Summary": fields(
            {
                "time": whole(MILLISECONDS),
                "uptime": whole("Seconds."),
                "version": text(),
                "status": text(),
                "draining": switch(),
                "logLevel": text(),
                "capture": ref("Capture"),
                "agents": whole(),
                "guests": whole(),
                "calls": whole(),
                "node": text(NODE),
                "nodes": listed(fields({"node": text(NODE), "agents": whole(), "calls": whole()})),
                "connections": listed(ref("Connection")),
                "rates": {"type": "object", "additionalProperties": number()},
                "latencies": {"type": "object", "additionalProperties": latency},
                "quality": fields(
                    {
                        "calls": whole(),
                        **{name: either(number()) for name in ("mos", "worstMos", "rtt", "loss")},
                    }
                ),
                "alarms": fields(
                    {
                        "counts": {"type": "object", "additionalProperties": whole()},
                        "newest": listed(ref("Alarm")),
                    }
                ),
                "operator": fields({"name": text(), "role": text(enum=["viewer", "supervisor", "admin"])}),
            }
        ),
    }


def _of_actions() -> dict[str, Schema]:
    return {
        "Webhooks": fields(
            {
                "webhooks": listed(
                    fields(
                        {
                            "name": text(),
                            "target": text("Of the URL where it leads to."),
                            "events": listed(text()),
                            **{name: whole() for name in ("queued", "delivered", "failedTries", "deadLetters")},
                            "error": text("Why the last try failed; empty when it did not."),
                            "newestDeadLetters": listed(
                                fields({"time": whole(MILLISECONDS), "id": text(), "event": text(), "why": text()})
                            ),
                        }
                    )
                )
            }
        ),
        "Draining": _done(draining=switch()),
        "LogLevel": _done(logLevel=text()),
        "CaptureSet": _done(capture=ref("Capture")),
        "SignedOutByOperator": _done(id=text()),
        "SessionEnded": _done(id=text(), session=text()),
    }


def _of_failures() -> Mapping[str, Schema]:
    return {
        "Failures": fields(
            {
                **{name: whole(MILLISECONDS) for name in ("since", "until")},
                "total": whole("How many calls have failed then."),
                "causes": listed(
                    fields(
                        {
                            "cause": text(),
                            **{name: whole() for name in ("sipCode", "count")},
                            "lastAt": whole(MILLISECONDS),
                            "lastCallId": text(),
                        }
                    )
                ),
            }
        ),
    }


def _of_calls_for_operators() -> Mapping[str, Schema]:
    known: dict[str, Schema] = {
        **_call(),
        "node": text(NODE),
        "dn": text(),
        "sipCallId": text(),
        "startedAt": whole(MILLISECONDS),
        "answeredAt": either(whole(MILLISECONDS)),
        "endedAt": either(whole(MILLISECONDS)),
        "cause": text(),
        "sipCode": whole(),
        "reason": text(),
    }
    return {
        "KnownCall": fields(known),
        "KnownCalls": fields({"calls": listed(ref("KnownCall")), "total": whole()}),
        "Found": fields(
            {
                "calls": listed(ref("KnownCall")),
                "agents": listed(ref("Agent")),
                "totals": fields({"calls": whole(), "agents": whole()}),
            }
        ),
        "Ladder": fields(
            {
                "callId": text(),
                "call": {"anyOf": [ref("KnownCall"), {"type": "null"}]},
                "other": {"anyOf": [ref("KnownCall"), {"type": "null"}], "description": "Its other leg, if known."},
                "legs": whole("How many legs it is of."),
                "sipCallIds": listed(text()),
                "parties": listed(text()),
                "dropped": whole(),
                "messages": listed(ref("LadderMessage")),
            }
        ),
        "LadderMessage": fields(
            {
                "n": whole(),
                "time": number(MILLISECONDS),
                "delta": number("Milliseconds since the first message."),
                **{name: whole("Which of the parties.") for name in ("from", "to")},
                **{name: text() for name in ("via", "label", "detail", "kind")},
                "flow": either(whole()),
                "leg": whole("Of which of the legs: 0 for that of the call, 1 for the other."),
                "text": text(),
            }
        ),
    }
