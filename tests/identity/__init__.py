"""Tokens, keys and SIP secrets."""
