"""The dialect of pages that were made for the vendor's gateway; see ``docs/genesys-dialect.md``."""

from wrtcgw.web.genesys.dialect import GenesysDialect, nothing_else
from wrtcgw.web.genesys.settings import GenesysSettings

__all__ = ["GenesysDialect", "GenesysSettings", "nothing_else"]
