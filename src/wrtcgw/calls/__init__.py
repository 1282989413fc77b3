"""The domain: agents, their calls and their mailboxes; knows neither SIP text nor HTTP."""
