"""Tests of the description of the HTTP API."""
