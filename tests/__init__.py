"""
Tests of wrtcgw: they mirror src/wrtcgw; docs/development.md says what is proved where beside that.

Hypothesis runs the same examples each time: a test that fails must fail again.
"""

from hypothesis import settings

settings.register_profile("wrtcgw", derandomize=True, deadline=None, database=None)
settings.load_profile("wrtcgw")
