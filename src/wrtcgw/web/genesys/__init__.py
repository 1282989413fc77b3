"""The dialect of pages that were made for the vendor's gateway; see ``README.md`` for what it is and is not."""

from wrtcgw.web.genesys.dialect import GenesysDialect, OnlyGenesys
from wrtcgw.web.genesys.settings import GenesysSettings

__all__ = ["GenesysDialect", "GenesysSettings", "OnlyGenesys"]
