"""What operators do: each action one line in the log, with who did it and to what."""

from collections.abc import Awaitable, Callable

from attrs import frozen
from twisted.logger import Logger

from wrtcgw.errors import BadInput
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Client
from wrtcgw.web.audit import Audit
from wrtcgw.web.errors import UnknownSession
from wrtcgw.web.fields import Fields
from wrtcgw.web.operators import Operator
from wrtcgw.web.ops.dependencies import Doorkeeper, OpsParts
from wrtcgw.web.ops.search import Calls
from wrtcgw.web.ops.views import View, capture_view

log = Logger()

LEVELS = ("debug", "info", "warn", "error", "critical")

DRAIN_LIMIT, LONGEST_DRAIN = 300, 86_400
"""Seconds that calls have before a gateway that is drained stops: usually, and at most."""

Action = Callable[[Fields, "Caller"], Awaitable[View]]


@frozen
class Caller:
    """Who acts: by which token, from where."""

    operator: Operator
    client: Client


@frozen
class Actions:
    """The actions by name; each returns what has come of it."""

    gateway: Gateway
    parts: OpsParts
    calls: Calls
    door: Doorkeeper
    audit: Audit

    @property
    def by_name(self) -> dict[str, Action]:
        """Return all actions."""
        return {
            "drain": self.drain,
            "hangup": self.hangup,
            "sign_out": self.sign_out,
            "log_level": self.log_level,
            "capture": self.capture,
            "end_session": self.end_session,
        }

    async def drain(self, fields: Fields, caller: Caller) -> View:
        """Take no new sign_ins and calls, or take them again; with ``stop``, end the process when no call is up."""
        on, stop = switch_of(fields), bool(fields.switch("stop"))
        limit = fields.number("limit", DRAIN_LIMIT, f"seconds, at most {LONGEST_DRAIN}")
        if not 0 <= limit <= LONGEST_DRAIN:
            raise BadInput("limit", f"seconds, at most {LONGEST_DRAIN}", str(limit))
        self._note(
            caller, "drain", f"draining is {_word(on)}", before=_word(self.gateway.operation.draining), after=_word(on)
        )
        self.gateway.operation.drain(on)
        if on and stop:
            self._note(caller, "stop", f"stops when no call is up, in {limit} s at the latest")
        self.parts.console.stop_when_drained(limit if on and stop else None)
        return {"draining": on, **({"stopping": True, "limit": limit} if on and stop else {})}

    async def hangup(self, fields: Fields, caller: Caller) -> View:
        """End a call."""
        wanted = fields.text("call", "the call's id")
        call = self.calls.running(wanted)
        self._note(caller, "hangup", f"ends call {wanted}", call=wanted, agent="" if call is None else call.agent_id)
        outcome = await self.gateway.operation.end_call(wanted if call is None else call.id)
        return {"sipCode": outcome.code, "reason": outcome.reason}

    async def sign_out(self, fields: Fields, caller: Caller) -> View:
        """Sign an agent out."""
        agent_id = fields.text("id", "the agent's id")
        self._note(caller, "sign_out", f"signs agent {agent_id} out", agent=agent_id)
        await self._sign_out(agent_id)
        return {"id": agent_id}

    async def end_session(self, fields: Fields, caller: Caller) -> View:
        """End a session, which signs its agent out."""
        key = fields.text("session", "the key of a session, as sessions lists it")
        agent = next((agent for agent, session in self.door.sessions() if session.key == key), None)
        if agent is None:
            raise UnknownSession(key[:40])
        self._note(caller, "end_session", f"ends the session of agent {agent.id}", sid=key, agent=agent.id)
        await self._sign_out(agent.id)
        return {"id": agent.id, "session": key}

    async def _sign_out(self, agent_id: str) -> None:
        await self.gateway.operation.sign_out(agent_id)
        self.door.dismiss(agent_id)

    async def log_level(self, fields: Fields, caller: Caller) -> View:
        """Change the log level until the next reload or start."""
        level = fields.text("level", "one of " + ", ".join(LEVELS)).lower()
        if level not in LEVELS:
            raise BadInput("level", "one of " + ", ".join(LEVELS), level[:40])
        console, component = self.parts.console, fields.optional("component") or ""
        if component and component not in console.components:
            raise BadInput("component", "one of " + ", ".join(console.components), component[:40])
        before = console.log_levels.get(component, console.log_level)
        console.set_log_level(level, component)
        of = f" of {component}" if component else ""
        self._note(caller, "log_level", f"log level{of} is {level}", component=component, before=before, after=level)
        return {"logLevel": console.log_level, "logLevels": dict(console.log_levels)}

    async def capture(self, fields: Fields, caller: Caller) -> View:
        """Begin or stop to record messages."""
        on = switch_of(fields)
        self._note(caller, "capture", f"capture is {_word(on)}", before=_word(self.parts.recorder.on), after=_word(on))
        self.parts.console.set_capture(on)
        return {"capture": capture_view(self.parts)}

    def _note(self, caller: Caller, act: str, what: str, **facts: object) -> None:
        """Write a line about an action before it is done: to the log, and to the audit log."""
        operator = caller.operator
        log.warn("operator at {address}: {what}", address=caller.client.address, what=what)
        self.audit.note("operator", "ok", caller.client, act=act, role=operator.role.word, token=operator.name, **facts)


def _word(on: bool) -> str:
    return "on" if on else "off"


def switch_of(fields: Fields) -> bool:
    """
    Return the field ``on``.

    :raises BadInput: when it is neither true nor false.
    """
    value = fields.switch("on")
    if value is None:
        raise BadInput("on", "true or false", "nothing")
    return value
