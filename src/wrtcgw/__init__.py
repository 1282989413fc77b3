"""A WebRTC gateway: HTTP for pages, SIP over WebSocket for the PBX, one Twisted process."""

__all__ = ["__version__"]

__version__ = "0.1.0"
