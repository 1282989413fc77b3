"""Makes ``twistd wrtcgw`` known."""

from twisted.application.service import ServiceMaker

wrtcgw = ServiceMaker(
    "wrtcgw", "wrtcgw.tap", "WebRTC gateway: HTTP for pages, SIP over WebSocket for the PBX", "wrtcgw"
)
