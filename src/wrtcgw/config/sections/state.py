"""Where the state is kept that survives the process."""

from pathlib import Path
from socket import gethostname
from typing import ClassVar

from attrs import evolve, frozen

from wrtcgw.config import kinds
from wrtcgw.config.keys import key
from wrtcgw.store.address import StoreAddress


@frozen(kw_only=True, slots=False)
class State:
    """State that survives the process."""

    TITLE: ClassVar[str] = "state that survives the process"

    state_store: StoreAddress = key(  # noqa: RUF009
        StoreAddress(),
        kinds.store_address,
        text="""
        Where agents, calls and messages are kept. One of
          memory                                  nowhere else: a restart ends all calls
          sqlite:///var/lib/wrtcgw/state.db       a file, for one gateway: calls survive its restart and its crash
          redis://host:6379/0                     Redis, for several gateways that share their agents; rediss:// by TLS
        """,
    )
    state_store_password: str = key(
        "",
        kinds.secret,
        secret=True,
        text="""
        The password for Redis, better in a file of its own (or LoadCredential=state_store_password:...) than here or
        in state_store.
        """,
    )
    state_store_password_file: Path | None = key(None, kinds.path)  # noqa: RUF009
    state_store_ca_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        text="""
        CA certificates (PEM) that the certificate of a rediss:// server has to come from; empty: the system's.
        """,
    )
    state_key: str = key(
        "",
        kinds.state_key,
        secret=True,
        text="""
        32 random bytes in base64 (openssl rand -base64 32), under which what the registrar wants from agents is
        sealed there. With it, a restarted gateway registers everybody by itself; without, an agent's registration
        waits for the next request of its page, whose session token opens it. The same for all gateways that share a
        store. It belongs into a file of its own, or LoadCredential=state_key:....
        """,
    )
    state_key_file: Path | None = key(None, kinds.path)  # noqa: RUF009
    node_name: str = key(
        "",
        kinds.node,
        text="""
        What this gateway is called among those that share a store, each by a name of its own; it keeps its name
        across restarts. Empty: the machine's host name.
        """,
    )
    lease_ttl: float = key(
        10.0,
        kinds.number(2.0, 600.0),
        unit="seconds",
        text="""
        How long an agent stays with a gateway that is not heard of by the store; then others may take it over.
        """,
    )
    store_timeout: float = key(
        1.0,
        kinds.number(0.1, 60.0),
        unit="seconds",
        text="""
        How long one answer of the store may take; then what was to be promised by it is refused with 503.
        """,
    )

    @property
    def node(self) -> str:
        """What this gateway is called among others."""
        return self.node_name or gethostname()

    @property
    def store_address(self) -> StoreAddress:
        """Where the state is kept, with the password wherever it was given."""
        password = self.state_store_password or self.state_store.password
        return evolve(self.state_store, password=password)
