"""Attacks, each with what stops it."""
