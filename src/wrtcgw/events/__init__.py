"""
What happens in the gateway, as values, and the one stream that tells them to whom it may concern.

:mod:`~wrtcgw.events.catalogue` has every kind of event, :mod:`~wrtcgw.events.stream` how one subscribes. The events of
the SIP core (:mod:`wrtcgw.sip.outputs`) are told by the same stream as they are.
"""
