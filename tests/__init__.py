"""Tests of wrtcgw: they mirror src/wrtcgw."""
