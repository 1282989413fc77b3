"""A short run of the mutation fuzz; for a long one see :mod:`tests.security.fuzz`."""

import random

from twisted.trial.unittest import SynchronousTestCase

from tests.security.fuzz import Broken, Round, mutate
from tests.security.fuzz_channel import differ

SEEDS = range(1, 4)
STEPS = 120


class Fuzz(SynchronousTestCase):
    """Inputs that were changed at random, the same ones each time."""

    def test_nothing_breaks(self) -> None:
        """Nothing is logged as a bug, no answer is a 500, and what another agent does goes on."""
        for seed in SEEDS:
            Round(seed).run(STEPS)

    def test_channel(self) -> None:
        """The HTTP channel means the same as Twisted's by some hundreds of inputs."""
        for seed in range(1, 800):
            self.assertEqual(differ(seed), "")

    def test_it_notices(self) -> None:
        """The fuzz itself can fail: it sees the end of the call that has to go on."""
        made = Round(1)
        made.prepare()
        made.check()
        made.flow.far.calls[0].bye()
        made.flow.run_for(0.2)
        self.assertRaises(Broken, made.check)
        made.leave()

    def test_it_changes_texts(self) -> None:
        """Most inputs are other than they were, and a seed gives the same ones again."""
        text = b"INVITE sip:a@b SIP/2.0\r\n"
        one, two = ([mutate(random.Random(seed), text) for seed in range(50)] for _ in range(2))
        self.assertEqual(one, two)
        self.assertGreater(len(set(one)), 30)
