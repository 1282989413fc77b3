"""The words that the library's types promise, beside those that the gateway has."""

import re

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.browser.pages import HOME
from wrtcgw.gateway import disconnect_reasons, sip_causes
from wrtcgw.gateway.disconnect_reasons import DisconnectReason
from wrtcgw.web.errors import REGISTRAR_FAILED, ROWS


def union(name: str) -> set[str]:
    """Return the words of a union of the types, and those of the unions that it names."""
    found = re.search(rf"(?s)export type {name} =(.*?);", (HOME / "grtc.d.ts").read_text("utf-8"))
    assert found is not None, name
    words = set(re.findall(r'"([\w-]*)"', found[1]))
    return words.union(*(union(other) for other in re.findall(r"\b[A-Z]\w+", found[1])))


class WordTests(SynchronousTestCase):
    """A page's table of words can have all that may come, and nothing that never does."""

    def test_ends(self) -> None:
        """Each cause by which the gateway ends a call is one that the types know."""
        told = {cause for cause, _ in sip_causes.CAUSES.values()}
        told |= {sip_causes.explain(code)[0] for code in range(300, 700)} | {sip_causes.explain(999)[0]}
        told |= {each.cause for each in vars(disconnect_reasons).values() if isinstance(each, DisconnectReason)}
        told |= {"local", "remote", "cancelled", "answered-elsewhere", "transferred", "replaced"}
        self.assertEqual(told - union("EndingCause"), set())

    def test_refusals(self) -> None:
        """Each of the gateway's codes that the types know is one that it has; there are more, for rarer refusals."""
        codes = {row.code for row in (*ROWS.values(), REGISTRAR_FAILED)}
        self.assertIn("foreign_origin", union("GatewayCode"))
        self.assertEqual(union("GatewayCode") - codes, set())

    def test_library(self) -> None:
        """Each code with a hint of the library's own is one that the types know."""
        hints = re.search(r"(?s)const HINTS = \{(.*?)\n\};", (HOME / "grtc/errors.js").read_text("utf-8"))
        assert hints is not None
        codes = set(re.findall(r"(?m)^  (\w+):", hints[1]))
        self.assertIn("no_webrtc", codes)
        self.assertEqual(codes - union("ErrorCode"), set())
