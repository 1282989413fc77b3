"""The operators' calls, below ``/api/ops/``: what happens, every message of a call as a ladder, and a few actions."""

from wrtcgw.web.ops.dependencies import Console, Flow, OpsParts
from wrtcgw.web.ops.routes import OpsAPI

__all__ = ["Console", "Flow", "OpsAPI", "OpsParts"]
