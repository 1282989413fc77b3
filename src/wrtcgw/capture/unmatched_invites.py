"""INVITEs that came to no call of an agent: refused at once, for nobody or with nobody free."""

import re

from wrtcgw.calls.stats import Reports
from wrtcgw.capture.entries import SIPMessage
from wrtcgw.capture.history import CallRecord
from wrtcgw.capture.track_store import Track

_ADDRESS = r"\r\n(?:{})[ \t]*:[^\r\n]*?(sips?:(?:([^@;>\r\n]*)@)?[^;>\r\n]*)"
_FROM = re.compile(_ADDRESS.format("from|f"), re.IGNORECASE)
_TO = re.compile(_ADDRESS.format("to|t"), re.IGNORECASE)
_UUID = re.compile(r"\r\nX-Genesys-CallUUID[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
NOT_OFFERED = "not-offered"
"""The cause of the end of such a call."""


def stray_record(track: Track) -> CallRecord:
    """Return what is known of a call that no agent was offered; its id is the Call-ID."""
    messages = [entry for entry in track.entries if isinstance(entry, SIPMessage)]
    invite = messages[0].text if messages else ""
    caller, called, uuid = _FROM.search(invite), _TO.search(invite), _UUID.search(invite)
    finals = [entry.text[8:] for entry in messages if entry.text.startswith("SIP/2.0 ") and entry.text[8] >= "3"]
    code, _, reason = finals[-1].partition("\r\n")[0].partition(" ") if finals else ("0", "", "")
    times = [round((entry.time + track.offset) * 1000) for entry in messages] or [0]
    sip_call_id = track.sip_ids[0]
    return CallRecord(
        call_id=sip_call_id,
        sip_call_id=sip_call_id,
        agent_id="",
        dn=(called[2] or "") if called else "",
        direction="inbound",
        peer=caller[1] if caller else "",
        display_name="",
        uuid=uuid[1].strip() if uuid else "",
        started=times[0],
        answered=None,
        ended=times[-1],
        cause=NOT_OFFERED,
        code=int(code) if code.isdigit() else 0,
        reason=reason,
        reports=Reports(),
    )
