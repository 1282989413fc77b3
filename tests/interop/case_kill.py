"""A gateway that is killed and started again, against Kamailio and Asterisk; see :mod:`tests.interop.kill_matrix`."""

from tests.interop.kill_matrix import RUNS, KillMatrix, keep


class Matrix(KillMatrix):
    """The states of a call, some times."""

    timeout = 120 * RUNS

    async def test_killed(self) -> None:
        """No established call is lost, and none that was being set up is left at one end only."""
        lost = []
        for run in range(RUNS):
            outcomes = await self.play()
            keep(outcomes)
            lost += [f"run {run}: {outcome}" for outcome in outcomes if not outcome.survived]
        self.assertEqual(lost, [])
