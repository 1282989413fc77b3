"""
Agents without a page: bots in Python, with asyncio.

:class:`Agent` signs in at a gateway and has calls; :class:`Call` is one of them. Media are aiortc's (extra ``bot``).
``docs/bots.md`` shows how. Everything runs in the event loop in which the agent was made, and is not thread-safe.
"""

import importlib.util
import logging

if importlib.util.find_spec("aiohttp") is None:
    raise ImportError("wrtcgw.agentclient needs aiohttp: pip install 'wrtcgw[bot]' brings it")

from wrtcgw.agentclient.agent import Agent, Limits
from wrtcgw.agentclient.call import Call, Ending, State
from wrtcgw.agentclient.errors import (
    AgentClientError,
    CallOverError,
    NoMediaError,
    RefusedError,
    SignedOutError,
    TransferError,
    UnreachableError,
    WrongStateError,
)

logging.getLogger("wrtcgw.agentclient").addHandler(logging.NullHandler())  # nothing is printed unasked

__all__ = [
    "Agent",
    "AgentClientError",
    "Call",
    "CallOverError",
    "Ending",
    "Limits",
    "NoMediaError",
    "RefusedError",
    "SignedOutError",
    "State",
    "TransferError",
    "UnreachableError",
    "WrongStateError",
]
