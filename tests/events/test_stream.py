"""The stream of events by itself: order, entries, faults."""

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.events.stream import EventStream


@frozen
class Happened:
    """An event."""

    number: int


@frozen
class Other:
    """Another kind of event."""

    number: int


class StreamTests(SynchronousTestCase):
    """Who hears of what, and when."""

    def setUp(self) -> None:
        self.stream = EventStream()
        self.heard: list[object] = []

    def test_by_type(self) -> None:
        """A subscriber hears of its own type, one of all hears of all; in the order of their subscription."""
        self.stream.subscribe(Happened, lambda event: self.heard.append(("first", event)))
        self.stream.subscribe_to_all(lambda event: self.heard.append(("all", event)))
        self.stream.subscribe(Happened, lambda event: self.heard.append(("last", event)))
        self.stream.publish(Other(1))
        self.stream.publish(Happened(2))
        self.assertEqual(
            self.heard, [("all", Other(1)), ("first", Happened(2)), ("all", Happened(2)), ("last", Happened(2))]
        )

    def test_unsubscribe(self) -> None:
        """One who has ended the subscription hears nothing more; the others do."""
        end = self.stream.subscribe(Happened, self.heard.append)
        self.stream.subscribe(Happened, self.heard.append)
        self.stream.publish(Happened(1))
        end()
        self.stream.publish(Happened(2))
        self.assertEqual(self.heard, [Happened(1), Happened(1), Happened(2)])

    def test_wanted(self) -> None:
        """A publisher can ask whether anybody listens."""
        self.assertFalse(self.stream.wants(Happened))
        end = self.stream.subscribe(Happened, self.heard.append)
        self.assertTrue(self.stream.wants(Happened))
        self.assertFalse(self.stream.wants(Other))
        end()
        self.assertFalse(self.stream.wants(Happened))
        self.stream.subscribe_to_all(self.heard.append)
        self.assertTrue(self.stream.wants(Other))

    def test_entry(self) -> None:
        """Inside an entry nothing is told; nested ones settle with the outermost one, in the order of publication."""
        self.stream.subscribe_to_all(self.heard.append)
        with self.stream:
            self.stream.publish(Happened(1))
            with self.stream:
                self.stream.publish(Other(2))
            self.stream.publish(Happened(3))
            self.assertEqual((self.heard, self.stream.is_open), ([], True))
        self.assertEqual((self.heard, self.stream.is_open), ([Happened(1), Other(2), Happened(3)], False))

    def test_failed_entry(self) -> None:
        """What has happened before an entry failed is told all the same."""
        self.stream.subscribe_to_all(self.heard.append)
        with self.assertRaises(ZeroDivisionError), self.stream:
            self.stream.publish(Happened(1))
            raise ZeroDivisionError
        self.stream.publish(Happened(2))
        self.assertEqual(self.heard, [Happened(1), Happened(2)])

    def test_failing_subscriber(self) -> None:
        """A subscriber that fails is logged; the others, the publisher and later events are spared."""
        self.stream.subscribe(Happened, lambda event: 1 / 0)
        self.stream.subscribe(Happened, self.heard.append)
        with self.stream:
            self.stream.publish(Happened(1))
            self.stream.publish(Happened(2))
        self.assertEqual(self.heard, [Happened(1), Happened(2)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_callback(self) -> None:
        """What a subscriber brings about by an entry of its own is told behind what is still to be told."""

        def go_on(event: Happened) -> None:
            if event.number == 1:
                with self.stream:
                    self.stream.publish(Happened(3))

        self.stream.subscribe(Happened, go_on)
        self.stream.subscribe(Happened, self.heard.append)
        with self.stream:
            self.stream.publish(Happened(1))
            self.stream.publish(Happened(2))
        self.assertEqual(self.heard, [Happened(1), Happened(2), Happened(3)])

    def test_at_once(self) -> None:
        """What is published outside any entry is told before it returns, also in the midst of telling."""
        self.stream.subscribe(Happened, lambda event: self.stream.publish(Other(event.number)))
        self.stream.subscribe_to_all(self.heard.append)
        with self.stream:
            self.stream.publish(Happened(1))
            self.stream.publish(Happened(2))
        self.assertEqual(self.heard, [Other(1), Happened(1), Other(2), Happened(2)])

    def test_afterwards(self) -> None:
        """What is to be done afterwards is done when all was told, each as an entry of its own, and may fail."""
        self.stream.subscribe_to_all(self.heard.append)

        def act(number: int) -> None:
            self.stream.publish(Happened(number))
            self.heard.append(self.stream.is_open)

        with self.stream:
            self.stream.afterwards(lambda: act(2))
            self.stream.afterwards(lambda: 1 / 0)
            self.stream.afterwards(lambda: act(3))
            self.stream.publish(Happened(1))
        self.stream.afterwards(lambda: act(4))
        self.assertEqual(self.heard, [Happened(1), True, Happened(2), True, Happened(3), True, Happened(4)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
