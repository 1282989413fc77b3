"""What is warned of at the start."""

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.config import Settings
from wrtcgw.daemon.startup_warnings import BY_ADDRESS, OPEN_LOOPBACK, UNNAMED_PROXY, trust_warnings


class TrustWarnings(SynchronousTestCase):
    """Whom the gateway trusts."""

    def warned(self, *, demo: bool = False, **changes: object) -> list[str]:
        """Return the warnings for some settings beside the default ones."""
        return list(trust_warnings(Settings(**changes), demo=demo))  # type: ignore[arg-type]

    def test_unnamed_proxy(self) -> None:
        """A gateway on loopback, IPv6 too, has a proxy in front: it is warned of as long as none is named."""
        for interface, likely in (("127.0.0.1", True), ("::1", True), ("127.0.0.9", True), ("", False), ("::", False)):
            self.assertEqual(UNNAMED_PROXY in self.warned(http_interface=interface), likely, interface)
        self.assertNotIn(UNNAMED_PROXY, self.warned(trusted_proxies=(ip_network("127.0.0.1"),)))

    def test_open(self) -> None:
        """So are sessions that an address stands for, and operators by address; a demo warns of nothing."""
        self.assertIn(BY_ADDRESS, self.warned())
        self.assertNotIn(BY_ADDRESS, self.warned(session_binding="strict"))
        self.assertIn(OPEN_LOOPBACK, self.warned(operator_loopback=True))
        self.assertEqual(self.warned(demo=True, operator_loopback=True), [])
