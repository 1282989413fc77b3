"""
A call is one thing, checked in the source: what is known of it is in ``calls/``, and changes there alone.

Others hold what no value can be (who waits, timers), and what one page of a dialect has been told.
"""

import ast
import re
from collections.abc import Iterator

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from tests.test_layers import SOURCE, modules

ABOVE = ("gateway", "web", "daemon", "sip_service")
"""The parts that act on calls and have none of their state."""

WORDS = re.compile(
    r"offer|answer|hold|held|resum|negotiat|sdp|descri(be|ption)|glare|early|catch|fork"
    r"|transfer|refer(?!ence)|replac|consult|talk|invite|withheld|ringing|established"
)
"""Of which the name of a field tells that it is state of a call, if its type is a plain one."""
PLAIN = re.compile(r"\b(bool|int|float|str|bytes|None|NoneType|dict|list|tuple|set|deque|Enum)\b")
DOMAIN = re.compile(
    r"\b(Description|Descriptions|Hold|Negotiation|NegotiationState|OpenOffer|Order|Purpose|Next|CallState|Direction"
    r"|Transfer|Phase|Wish|Deadline|EndReason|FarSide)\b"
)
"""Types of which only a call holds values."""
WAITING = re.compile(r"\b(Deferred|DeferredLock|IDelayedCall|Callable)\b")
"""Types of what no value can be."""

ALLOWED = {
    "wrtcgw.web.genesys.session.PageSession.page_offer_id": "a number of the dialect's, for the page's ROAP",
    "wrtcgw.web.genesys.session.PageSession.last_answer": "a text, as it was written to the page",
    "wrtcgw.daemon.call_records.Story.transfers": "lines of the record, made of what events have told",
    "wrtcgw.daemon.call_records.Story.holds": "a number of the record, counted from events",
    "wrtcgw.daemon.counting.Counting._answers": "when they came, to measure their delivery",
    "wrtcgw.web.http_channel.BoundedChannel._transferDecoder": "of Twisted, for Transfer-Encoding",
}
"""What looks like state of a call and is not, and why."""

FLAGS = {
    "wrtcgw.calls.agent.Agent.do_not_disturb": "a wish of the agent, or of an application",
    "wrtcgw.calls.call.Call.told_to_answer": "a TALK leaves no other trace",
    "wrtcgw.calls.call.Call.muted": "a page's word: the track is there",
    "wrtcgw.calls.call.Call.hidden": "a page's wish, as it places the call",
    "wrtcgw.calls.negotiation.machine.Negotiation.held_by_peer": "an answer can leave it as it was: see _learn_answer",
    "wrtcgw.gateway.context.GatewayContext.draining": "an operator's order",
    "wrtcgw.gateway.context.GatewayContext._running": "outputs are being carried out, and there may be none left",
    "wrtcgw.gateway.context.GatewayContext._is_acting": "the same",
    "wrtcgw.gateway.outbox.Batches._is_lost": "it was told that the store has failed, which may be tried again since",
    "wrtcgw.gateway.outbox.Batches._is_releasing": "what has waited is being let go, and there may be none left",
}
"""Every flag of an object that can change, in the domain and the gateway, with what no other field says."""

CALL = re.compile(r"(^|\.)(call|negotiation|transfer|descriptions|deadlines|far_side)$")
"""What a call, or a part of one, is called where it is used."""


@frozen
class Found:
    """A field, with the text of its type."""

    name: str
    kind: str


def fields(tree: ast.AST) -> Iterator[Found]:
    """Iterate over the fields of all classes whose objects can change: declared, or assigned to ``self``."""
    for cls in ast.walk(tree):
        if isinstance(cls, ast.ClassDef) and not any("frozen" in ast.unparse(each) for each in cls.decorator_list):
            for name, kind in _fields(cls).items():
                yield Found(f"{cls.name}.{name}", kind)


def _fields(cls: ast.ClassDef) -> dict[str, str]:
    declared = (each for each in cls.body if isinstance(each, ast.AnnAssign))
    found = {ast.unparse(each.target): ast.unparse(each.annotation) for each in declared}
    for function in cls.body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = (*function.args.args, *function.args.kwonlyargs)
            kinds = {each.arg: ast.unparse(each.annotation) for each in arguments if each.annotation}
            for name, kind in _assigned(function, kinds):
                found[name] = found.get(name) or kind
    return found


def _assigned(function: ast.AST, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        pairs: list[tuple[ast.AST, str]]
        if isinstance(node, ast.AnnAssign):
            pairs = [(node.target, ast.unparse(node.annotation))]
        elif isinstance(node, ast.Assign):
            pairs = [(each, _kind(node.value, kinds)) for target in node.targets for each in ast.walk(target)]
        else:
            continue
        for target, kind in pairs:
            if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                yield target.attr, kind


def _kind(value: ast.expr, kinds: dict[str, str]) -> str:
    """Return the type of what is assigned, as far as the source tells."""
    if isinstance(value, ast.Constant):
        return type(value.value).__name__
    if isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set):
        return type(value).__name__.lower()
    return kinds.get(value.id, "") if isinstance(value, ast.Name) else ""


def is_state_of_call(found: Found) -> bool:
    """Return whether a field holds what only a call may hold."""
    if WAITING.search(found.kind):
        return False
    named = WORDS.search(found.name.rpartition(".")[2]) is not None and PLAIN.search(found.kind) is not None
    return named or DOMAIN.search(found.kind) is not None


def writes(tree: ast.AST) -> Iterator[str]:
    """Iterate over the statements that change a field of a call, or of a part of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        else:
            continue
        inside = (each for target in targets for each in ast.walk(target))
        if any(_is_of_call(each) for each in inside):
            yield ast.unparse(node)


def _is_of_call(target: ast.AST) -> bool:
    """Return whether a target is an attribute, or an item, of what is called as a call or a part of one is."""
    if not isinstance(target, ast.Attribute | ast.Subscript) or isinstance(target.ctx, ast.Load):
        return False
    return CALL.search(ast.unparse(target.value)) is not None


class CallState(SynchronousTestCase):
    """Who knows what of a call."""

    above = [module for module in modules(SOURCE, "wrtcgw") if module.part in ABOVE]  # noqa: RUF012

    def test_nobody_else_holds_it(self) -> None:
        """No class above ``calls/`` has a field for offer and answer, hold, transfer, or other state of a call."""
        found = {
            f"{module.name}.{each.name}": each.kind
            for module in self.above
            for each in fields(module.tree)
            if is_state_of_call(each)
        }
        self.assertEqual({name: kind for name, kind in found.items() if name not in ALLOWED}, {})
        self.assertEqual(set(ALLOWED) - set(found), set(), "no longer there: take it from the list")

    def test_nobody_else_changes_it(self) -> None:
        """What a call holds is changed by its own methods."""
        found = [
            f"{module.name}: {each}"
            for module in self.above
            for each in writes(module.tree)
            if "call.watch" not in each
        ]
        self.assertEqual(found, [])

    def test_flags(self) -> None:
        """A flag has to say what no other state says, so each is listed with its reason."""
        found = {
            f"{module.name}.{each.name}"
            for module in modules(SOURCE, "wrtcgw")
            if module.part in ("calls", "gateway")
            for each in fields(module.tree)
            if each.kind == "bool"
        }
        self.assertEqual(found - set(FLAGS), set())

    def test_waits_are_waits(self) -> None:
        """Beside the call itself the gateway keeps what no value can be, and nothing else."""
        (legs,) = (module for module in self.above if module.name == "wrtcgw.gateway.call_legs")
        found = {each.name: each.kind for each in fields(legs.tree) if not WAITING.search(each.kind)}
        self.assertEqual(found, {"CallLeg.call": "Call"})


PLANTED = """
@define(eq=False)
class CallLeg:
    talk_ordered: bool = False
    holder: Hold = Hold.NONE
    orders: dict[Order, Deferred[Outcome]] = field(factory=dict)

class Offers:
    def __init__(self, context: Context, offers: OfferAnswer, held_by: str) -> None:
        self._context = context
        self._offers = offers
        self._held_by = held_by
        self._pending: Description | None = None
        self._waiting_offers = {}
        self.reinvite_refused = False

    def take(self, leg):
        self._is_holding, self._count = True, 1
        leg.call.negotiation.hold = Hold.NONE
        leg.call.deadlines[Deadline.PAGE] = 1.0
        del call.transfer.wish
        call.code += 1
        self.calls[call.id] = leg.call
        call.hang_up()

@frozen
class Told:
    on_hold: bool
"""
"""Some of it is as it should be."""


class Planted(SynchronousTestCase):
    """That the checks can fail."""

    def test_fields(self) -> None:
        """Flags, copies and tables beside the call are found, however they come into the object."""
        found = {each.name for each in fields(ast.parse(PLANTED)) if is_state_of_call(each)}
        expected = {"CallLeg.talk_ordered", "CallLeg.holder"}
        expected |= {
            f"Offers.{name}" for name in ("_held_by", "_pending", "_waiting_offers", "_is_holding", "reinvite_refused")
        }
        self.assertEqual(found, expected)

    def test_writes(self) -> None:
        """So are changes from outside."""
        expected = [
            "leg.call.negotiation.hold = Hold.NONE",
            "leg.call.deadlines[Deadline.PAGE] = 1.0",
            "del call.transfer.wish",
            "call.code += 1",
        ]
        self.assertEqual(list(writes(ast.parse(PLANTED))), expected)
