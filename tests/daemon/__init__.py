"""Tests of the process around the parts."""
