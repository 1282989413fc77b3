"""An outage of Kamailio with some agents; with thousands by a command, see :mod:`tests.interop.outage`."""

import os

from tests.interop.outage import Outage, Plan, keep

SMALL = Plan(agents=50, seconds=3.0, calls=4, rest=2.0)


class Crowd(Outage):
    """All come back, in time and once, and nothing untrue is said of them."""

    async def test_back(self) -> None:
        """No promise is broken."""
        rows = await self.play(Plan.ordered() if "WRTCGW_TEST_OUTAGE_PLAN" in os.environ else SMALL)
        keep(rows)
        self.assertEqual([row for row in rows if not row.kept], [])
