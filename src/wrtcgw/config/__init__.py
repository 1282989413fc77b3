"""What a site may choose: the settings, where they come from, and how errors in them are told."""

from wrtcgw.config.loading import ConfigError, Fault, load, report, shown
from wrtcgw.config.settings import Settings, reloadable_keys

__all__ = ["ConfigError", "Fault", "Settings", "load", "reloadable_keys", "report", "shown"]
