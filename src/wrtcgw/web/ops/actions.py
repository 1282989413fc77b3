"""What operators do: each action one line in the log, with who did it and to what."""

from collections.abc import Awaitable, Callable

from attrs import frozen
from twisted.logger import Logger

from wrtcgw.errors import BadInput
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Client
from wrtcgw.web.codec import Fields
from wrtcgw.web.ops.parts import OpsParts
from wrtcgw.web.ops.search import Calls
from wrtcgw.web.ops.views import View, capture_view

log = Logger()

LEVELS = ("debug", "info", "warn", "error", "critical")

Action = Callable[[Fields, Client], Awaitable[View]]


@frozen
class Actions:
    """The actions by name; each returns what has come of it."""

    gateway: Gateway
    parts: OpsParts
    calls: Calls
    dismiss: Callable[[str], None]
    """Ends what hangs for an agent that is gone."""

    @property
    def by_name(self) -> dict[str, Action]:
        """Return all actions."""
        return {
            "drain": self.drain,
            "hangup": self.hangup,
            "sign_out": self.sign_out,
            "log_level": self.log_level,
            "capture": self.capture,
        }

    async def drain(self, fields: Fields, client: Client) -> View:
        """Take no new sign_ins and calls, or take them again."""
        on = switch_of(fields)
        _note(client, f"draining is {'on' if on else 'off'}")
        self.gateway.operation.drain(on)
        return {"draining": on}

    async def hangup(self, fields: Fields, client: Client) -> View:
        """End a call."""
        wanted = fields.text("call", "the call's id")
        call = self.calls.running(wanted)
        _note(client, f"ends call {wanted}")
        outcome = await self.gateway.operation.end_call(wanted if call is None else call.id)
        return {"sipCode": outcome.code, "reason": outcome.reason}

    async def sign_out(self, fields: Fields, client: Client) -> View:
        """Sign an agent out."""
        agent_id = fields.text("id", "the agent's id")
        _note(client, f"signs agent {agent_id} out")
        await self.gateway.operation.sign_out(agent_id)
        self.dismiss(agent_id)
        return {"id": agent_id}

    async def log_level(self, fields: Fields, client: Client) -> View:
        """Change the log level until the next reload or start."""
        level = fields.text("level", "one of " + ", ".join(LEVELS)).lower()
        if level not in LEVELS:
            raise BadInput("level", "one of " + ", ".join(LEVELS), level[:40])
        self.parts.console.set_log_level(level)
        _note(client, f"log level is {level}")
        return {"logLevel": level}

    async def capture(self, fields: Fields, client: Client) -> View:
        """Begin or stop to record messages."""
        on = switch_of(fields)
        _note(client, f"capture is {'on' if on else 'off'}")
        self.parts.console.set_capture(on)
        return {"capture": capture_view(self.parts)}


def _note(client: Client, what: str) -> None:
    log.warn("operator at {address}: {what}", address=client.address, what=what)


def switch_of(fields: Fields) -> bool:
    """
    Return the field ``on``.

    :raises BadInput: when it is neither true nor false.
    """
    value = fields.switch("on")
    if value is None:
        raise BadInput("on", "true or false", "nothing")
    return value
