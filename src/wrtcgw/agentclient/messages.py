"""The agent's messages (``docs/api.md``), and the Server-Sent Events in which they come. Pure."""

import json
from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from wrtcgw.agentclient.errors import UnreachableError

LARGEST = 1 << 20
"""Characters of one event: the gateway takes descriptions of 64 kB at most, so more than this is no gateway's."""


@frozen
class Message:
    """One message: its type, number and call, and the other fields as they came."""

    type: str
    seq: int
    call_id: str
    fields: Mapping[str, object] = field(repr=False)

    @classmethod
    def of(cls, value: object) -> "Message":
        """
        Read the JSON form; what is missing is empty.

        :raises UnreachableError: when it is no object: then something else than a gateway answers.
        """
        if not isinstance(value, dict):
            raise UnreachableError("a message that is no JSON object came")
        seq = value.get("seq")
        kind, call = (value.get(name) for name in ("messageType", "callId"))
        return cls(str(kind or ""), seq if isinstance(seq, int) else 0, str(call or ""), value)

    def text(self, name: str) -> str:
        """Return a field of text; empty when there is none."""
        found = self.fields.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int:
        """Return a field of a number; 0 when there is none."""
        found = self.fields.get(name)
        return found if isinstance(found, int) else 0

    @property
    def data(self) -> dict[str, str]:
        """What was attached, by its keys."""
        found = self.fields.get("data")
        pairs = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        return {str(each.get("key")): str(each.get("value")) for each in pairs}

    @property
    def ends_call(self) -> bool:
        """Whether the call is over with it."""
        return self.type == "SHUTDOWN" or (self.type == "ERROR" and self.text("state") in ("", "ENDED"))


@define
class EventParser:
    """Takes text as it comes, and gives the data of each event that it completes."""

    _rest: str = field(default="", init=False)

    def feed(self, text: str) -> Iterator[Message]:
        """
        Yield the messages that are complete now.

        :raises UnreachableError: for what no gateway sends.
        """
        *blocks, self._rest = (self._rest + text).replace("\r\n", "\n").split("\n\n")
        if len(self._rest) > LARGEST:
            raise UnreachableError(f"an event of more than {LARGEST} characters came")
        for block in blocks:
            lines = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
            if lines:
                try:
                    value: object = json.loads("\n".join(lines))
                except ValueError:
                    raise UnreachableError("an event that is no JSON came") from None
                yield Message.of(value)
