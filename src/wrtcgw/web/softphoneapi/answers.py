"""
What the desktop asks of a softphone, and the shapes in which it takes the answers. No HTTP, no agents.

The names and shapes are those that were seen on the wire between Workspace Web Edition and the vendor's softphone. Its
commands for volume and mute are known to exist, but not by name; so they are told by the words in them.
"""

from collections.abc import Mapping

from wrtcgw.errors import BadInput

View = dict[str, object]

GETS = frozenset({"GetDnSIP", "GetIsEndpointActive", "GetSIPEndpointParameters", "Ping"})
SETTINGS = frozenset({"SetOptions", "SetSIPEndpointParameters", "SetPingPeriod"})
"""What the desktop tells and does not depend on: a page has its own microphone, and the gateway its own registrar."""
POSTS = SETTINGS | {"RegisterDn", "UnregisterDn"}

_FULL_VOLUME = 100


def dn_answer(dn: str) -> View:
    """Tell which DN is registered; none is an empty one."""
    return {"get_DnSIPResult": dn}


def active_answer(*, active: bool) -> View:
    """Return whether the desktop may start its voice session."""
    return {"get_IsEndpointActiveResult": active}


def parameters_answer(*, active: bool) -> View:
    """Tell the same in more words; values are text, as they are where the desktop sets some."""
    parameters = {
        "EndpointStatus": "EndpointStatus_Ready" if active else "EndpointStatus_NotReady",
        "IsPingMandatory": "false",  # an agent is never signed out because a desktop went silent
        "Status": "Initialized",
    }
    return {"get_SIPEndpointParametersResult": [{"Key": key, "Value": value} for key, value in parameters.items()]}


def ping_answer() -> View:
    """Tell that we are there."""
    return {"PingResult": []}


def order_answer(name: str, *, done: bool) -> View:
    """Return whether RegisterDn or UnregisterDn was done."""
    return {f"{name}Result": done}


def is_about_sound(name: str) -> bool:
    """Return whether a command is about volume or mute."""
    return "mute" in name.lower() or "volume" in name.lower()


def sound_answer(name: str, *, asked: bool) -> View:
    """
    Answer a command about volume or mute: that is the page's, and the agent has it there.

    :param asked: the state is asked for, instead of being ordered.
    """
    if not asked:
        return {f"{name}Result": False}
    value = _FULL_VOLUME if "volume" in name.lower() else False
    return {f"get_{name.removeprefix('Get')}Result": value}


def users(body: Mapping[str, object]) -> frozenset[str]:
    """
    Return the DNs of a RegisterDn or UnregisterDn.

    :raises BadInput: when ``users`` is no list of them.
    """
    given = body.get("users", [])
    if not isinstance(given, list) or not all(
        isinstance(each, str | int) and not isinstance(each, bool) for each in given
    ):
        raise BadInput("users", "a list of DNs", type(given).__name__)
    return frozenset(str(each) for each in given)
