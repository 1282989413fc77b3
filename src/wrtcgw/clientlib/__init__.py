"""The parts of ``wrtcgw-client``: the API as a caller sees it, the steps of a call, and what they print."""
