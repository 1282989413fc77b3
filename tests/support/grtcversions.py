"""The four versions of the library that docs/genesys-dialect.md speaks of, as a table of habits (W 9)."""

from attrs import evolve, frozen


@frozen(kw_only=True)
class Version:
    """What one version of the library does its own way."""

    name: str
    poll_timeout: float | None = 30.0
    """Seconds after which a poll is aborted and repeated; None for never."""
    poll_retry: float | None = None
    """Seconds after which polling goes on when a poll has failed; None stops it for good."""
    post_retry: float | None = None
    """Seconds after which a ROAP message that could not be posted is posted again, unchanged; None for never."""
    no_answer: float | None = 60.0
    """Seconds after which an OFFER is given up; nothing is sent then."""
    reports_connection_errors: bool = True
    third_party: bool = True
    """It knows EVENT-TALK, EVENT-HOLD and PUT-STATS."""
    errors: bool = True
    """It knows ERROR and INFO-PEER."""
    anything_is_a_call: bool = False
    """Without a media session any unknown text is an incoming call."""
    asks_again: bool = False
    """An OFFER within a call is put before the application like a new call."""
    invite_asks_again: bool = False
    """So is an INVITE."""
    ignores_stale_polls: bool = False
    """What a poll of an earlier session brings is not looked at."""
    breaks_on_illegal: bool = False
    """A ROAP message at the wrong time, or without Candidates, is an exception that ends the polling."""
    tells_sign_out: bool = True
    """A 204 is told to the application as the closing of its peer."""
    cuts_profile: bool = True
    """OFFERs say RTP/SAVPF, whatever the browser wrote."""


V34 = Version(name="8.5.210.34", poll_retry=3.0, post_retry=3.0, ignores_stale_polls=True)
V25 = Version(name="8.5.210.25")
V102 = Version(
    name="1.0.2",
    poll_timeout=None,
    reports_connection_errors=False,
    third_party=False,
    asks_again=True,
    invite_asks_again=True,
    breaks_on_illegal=True,
    cuts_profile=False,
)
V100 = evolve(
    V102, name="1.0.0", no_answer=None, errors=False, anything_is_a_call=True, asks_again=False, tells_sign_out=False
)
VERSIONS = (V100, V102, V25, V34)
