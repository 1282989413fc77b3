"""
The application API, below ``/api/app/v1/``: third-party call control over HTTP for a CRM, a dialler or a wallboard.

An application shows a token of its own and sees the agents whose DN that takes in, and no others.
"""

from wrtcgw.web.app.api import ApplicationAPI

__all__ = ["ApplicationAPI"]
