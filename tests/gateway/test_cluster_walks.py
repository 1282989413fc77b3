"""Anything at any time with two gateways: none says what is another one's, and no call is lost."""

from random import Random

from tests.support.clustercase import TTL, ClusterCase, Node
from tests.support.farside import SDP

WALKS, STEPS = 40, 25


class Walks(ClusterCase):
    """Random walks, each from a seed that its failure tells; the replies of the store take a while."""

    latency = 0.003

    def test_walks(self) -> None:
        """After any of them the call is up at both ends, and one gateway has it in hand."""
        for seed in range(WALKS):
            with self.subTest(seed=seed):
                self.setUp()
                self.walk(Random(seed))
                self.tearDown()

    def walk(self, random: Random) -> None:
        """Do one."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        steps = (
            self.page_asks,
            self.stops,
            self.goes_on,
            self.store_fails,
            self.store_works,
            self.far_side_offers,
            self.waits,
        )
        for _ in range(STEPS):
            random.choice(steps)(random)
            self.run_for(random.choice((0.02, 0.2, 1.0, TTL / 2)))
            if far.invite is not None:
                far.answer(SDP)
        self.records.fault = ""
        for node in self.nodes:
            if not node.running:
                node.go_on()
        self.run_for(3 * TTL)
        if far.invite is not None:
            far.answer(SDP)
        self.run_for(40)
        self.assertNotIn("BYE", far.methods())
        self.assertNotIn("CANCEL", far.methods())
        self.assertEqual([node.has() for node in self.nodes].count(True), 1)
        (owner,) = [node for node in self.nodes if node.has()]
        self.assertEqual(self.records.owner("5001"), owner.name)
        self.in_hand(owner, far, call)

    def any_node(self, random: Random) -> Node | None:
        """Return a gateway that runs."""
        running = [node for node in self.nodes if node.running]
        return random.choice(running) if running else None

    def page_asks(self, random: Random) -> None:
        """Let the page ask one of them."""
        node = self.any_node(random)
        if node is not None and not node.has():
            self.begin(node.gateway.cluster.fetch("5001", lambda kept: True)).addErrback(lambda failure: None)

    def stops(self, random: Random) -> None:
        """Stop one."""
        node = self.any_node(random)
        if node is not None:
            node.stop()

    def goes_on(self, random: Random) -> None:
        """Let one go on."""
        node = random.choice(self.nodes)
        if not node.running:
            node.go_on()

    def store_fails(self, random: Random) -> None:
        """Let the store be out of reach for both."""
        self.records.fault = "gone"

    def store_works(self, random: Random) -> None:
        """Let the store answer."""
        self.records.fault = ""

    def far_side_offers(self, random: Random) -> None:
        """Let the far side offer, or refresh."""
        self.far.calls[-1].reinvite(SDP)

    def waits(self, random: Random) -> None:
        """Let a lease run out."""
        self.run_for(1.5 * TTL)
