"""
Dialogs (:rfc:`3261#section-12`): the state two user agents share, and the requests built from it.

A dialog owns its CSeq numbers, route set and remote target. It knows no usage: what an INVITE or a NOTIFY inside it
means is the business of the leg.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.headers.liberal import read_routes, tokens
from wrtcgw.sip.message import Headers, Request, Response


class DialogState(Enum):
    """The states of :rfc:`3261#section-12`."""

    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


def route_values(values: Iterable[str]) -> list[str]:
    """Split Route or Record-Route fields into single entries, in order, each as strict text."""
    return read_routes(values, [])


def route_set(message: Request | Response) -> tuple[str, ...]:
    """Return the Record-Route entries of a message that can be read, in order, as text."""
    return tuple(message.read_routes("Record-Route"))


class Dialog:
    """
    One dialog, as the UAC or the UAS of the request that made it.

    ``local`` and ``remote`` are the From/To values of our requests, tags included, as text.
    """

    __slots__ = (
        "call_id",
        "flow",
        "local",
        "local_cseq",
        "local_tag",
        "peer_allows",
        "remote",
        "remote_cseq",
        "remote_tag",
        "remote_target",
        "route_set",
        "state",
    )

    def __init__(self, call_id: str, local: str, local_tag: str, remote: str, remote_tag: str, flow: int) -> None:
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = remote_tag
        self.flow = flow
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.remote_target = ""
        self.route_set: tuple[str, ...] = ()
        self.state = DialogState.EARLY
        self.peer_allows = ""

    @classmethod
    def as_uac(cls, request: Request, response: Response, flow: int) -> "Dialog":
        """
        Make the dialog that ``response`` to our ``request`` creates (:rfc:`3261#section-12.1.2`).

        What of its Contact and Record-Route cannot be read is left out: then requests go where the call went.
        """
        from_ = request.headers.get("From") or ""
        dialog = cls(request.call_id, from_, request.from_tag, response.strict_to, response.to_tag, flow)
        dialog.local_cseq = request.cseq.number
        dialog.route_set = route_set(response)[::-1]
        dialog.remote_target = request.uri
        dialog.learn(response)
        return dialog

    @classmethod
    def as_uas(cls, request: Request, local_tag: str, flow: int) -> "Dialog":
        """
        Make the dialog that our response to ``request`` creates (:rfc:`3261#section-12.1.1`).

        What of its Contact and Record-Route cannot be read is left out: then requests go to the address in From.
        """
        local = str(request.to.with_param("tag", local_tag))
        dialog = cls(request.call_id, local, local_tag, request.strict_from, request.from_tag, flow)
        dialog.remote_cseq = request.cseq.number
        dialog.route_set = route_set(request)
        dialog.remote_target = str(request.from_.uri)
        dialog.learn(request)
        return dialog

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes the same dialog; the connection is not in it."""
        data = {name: getattr(self, name) for name in _PLAIN}
        return {**data, "route_set": list(self.route_set), "state": self.state.value}

    @classmethod
    def restore(cls, data: Mapping[str, Any], flow: int) -> "Dialog":
        """Return the dialog that :meth:`snapshot` was taken of, over another connection."""
        dialog = cls("", "", "", "", "", flow)
        for name in _PLAIN:
            setattr(dialog, name, data[name])
        dialog.route_set = tuple(data["route_set"])
        dialog.state = DialogState(data["state"])
        return dialog

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the dialog ID: Call-ID, local tag, remote tag."""
        return self.call_id, self.local_tag, self.remote_tag

    def learn(self, message: Request | Response) -> None:
        """Take the remote target (:rfc:`3261#section-12.2`) and the allowed methods from a message of the peer."""
        contacts = message.read_list("Contact", NameAddr) if message.headers.get("Contact") != "*" else []
        if contacts:
            self.remote_target = str(contacts[0].uri.without_headers())
        if "Allow" in message.headers:
            self.peer_allows = ", ".join(tokens(message.headers.get_all("Allow"))).upper()

    def confirm(self, response: Response) -> None:
        """
        Let a 2xx complete the dialog: the route set is computed anew from it (:rfc:`3261#section-13.2.2.4`).

        One whose Record-Route cannot be read at all leaves the route set of the early dialog as it is.
        """
        routes = route_set(response)
        if routes or "Record-Route" not in response.headers:
            self.route_set = routes[::-1]
        self.state = DialogState.CONFIRMED
        self.learn(response)

    def in_order(self, request: Request) -> bool:
        """Return whether the CSeq of ``request`` is higher than all before, and take note of it if so."""
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def skip_numbers(self) -> None:
        """Leave out the numbers that the process before may have used since it was kept, see :data:`SKIPPED`."""
        self.local_cseq += SKIPPED

    def next_cseq(self) -> int:
        """Return the number for the next request of ours (:rfc:`3261#section-12.2.1.1`)."""
        self.local_cseq += 1
        return self.local_cseq

    def request(self, method: str, *, cseq: int | None = None) -> Request:
        """
        Build a request inside the dialog, with its route set (:rfc:`3261#section-12.2.1.1`), but for Via and Contact.

        :param cseq: the number of the INVITE, for an ACK; by default the next one.
        """
        uri, routes = self.remote_target, self.route_set
        if routes and not _is_loose(routes[0]):
            first = NameAddr.parse(routes[0])
            uri, routes = str(first.uri.without_headers()), (*routes[1:], f"<{self.remote_target}>")
        number = self.next_cseq() if cseq is None else cseq
        headers = Headers()
        for route in routes:
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        headers.add("From", self.local)
        headers.add("To", self.remote)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{number} {method}")
        return Request(method, uri, headers)


SKIPPED = 1000
"""
How many numbers of requests another process leaves out, in a dialog or for a binding, when it goes on with it.

What was kept may be older than the last request: the store was away, or a power cut has taken its last second. A peer
refuses a number that is not higher than all before (500, :rfc:`3261#section-12.2.2`), in a BYE too; one that is much
higher is as good as the next one.
"""

_PLAIN = (
    "call_id",
    "local",
    "local_tag",
    "remote",
    "remote_tag",
    "local_cseq",
    "remote_cseq",
    "remote_target",
    "peer_allows",
)
"""The attributes that are texts and numbers."""


def _is_loose(route: str) -> bool:
    return NameAddr.parse(route).uri.param("lr") is not None
