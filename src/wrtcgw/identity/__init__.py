"""
Who an agent is, when no SIP password says so: signed tokens of an identity provider, and SIP secrets from elsewhere.

A token names the DNs that its bearer may use; the gateway gets the secret of the DN by itself, so that no page, and no
browser's password store, ever has it.
"""
