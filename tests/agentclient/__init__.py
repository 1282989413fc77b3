"""``wrtcgw.agentclient``: bots."""
