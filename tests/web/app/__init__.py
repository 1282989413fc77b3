"""Tests of the application API."""
