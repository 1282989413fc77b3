"""Calls to a page that runs, or cannot, in whatever way: see :mod:`tests.interop.sleep_matrix`."""

from tests.interop.sleep_matrix import CALLS, DELAYS, STATES, SleepMatrix, keep


class Matrix(SleepMatrix):
    """Each state once, or very many calls in random order."""

    timeout = 60 + 20 * CALLS

    async def test_calls(self) -> None:
        """Each caller is answered, or refused within 5 s, and nobody hears it ring for a page that sleeps."""
        await self.begin()
        states = list(STATES) * (CALLS // len(STATES)) + self.random.sample(STATES, CALLS % len(STATES))
        self.random.shuffle(states)
        faults = []
        for number, state in enumerate(states):
            outcome = await self.play(state, self.random.choice(DELAYS))
            keep(outcome)
            if outcome.fault:
                faults.append(f"call {number}: {outcome.fault}: {outcome}")
        self.assertEqual([], faults, "\n".join(faults))
