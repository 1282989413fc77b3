"""The stream of events, for applications and for operators."""

import gc

from attrs import evolve

from tests.web.app.appcase import BOARD, CRM, OPERATOR, SEES, AppCase
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised, ConnectionDown, ConnectionUp
from wrtcgw.web.feed import KINDS
from wrtcgw.web.feed.feed import KEPT
from wrtcgw.web.feed.streams import MOST, FeedStream

OPS = "/api/ops/events"


class Streams(AppCase):
    """What is told, to whom."""

    def test_a_call(self) -> None:
        """A call that is ordered, placed, answered, held, resumed and ended, in order."""
        wire = self.stream()
        call, token = self.up()
        far = self.far.calls[-1]
        for verb in ("hold", "resume"):
            self.clock.callLater(0.1, far.answer)
            self.app("POST", f"calls/{call}/{verb}")
        self.app("POST", f"calls/{call}/hangup")
        self.app("POST", "agents/5001/do_not_disturb", {"on": True})
        self.ask("POST", "/api/webrtc/sign_out?id=ann", Authorization=f"Bearer {token}")
        self.assertEqual(
            self.kinds(wire),
            [
                *("agent.signed_in", "call.began", "call.dialled", "call.answered", "call.held", "call.resumed"),
                *("call.ending", "call.ended", "agent.do_not_disturb", "agent.signed_out"),
            ],
        )
        told = {notice["event"]: notice for notice in self.notices(wire)}
        self.assertEqual(told["call.began"]["call"]["ordered"], True)
        self.assertEqual((told["call.held"]["by"], told["call.held"]["call"]["held"]), ("local", True))
        ended = told["call.ended"]["call"]
        self.assertEqual((ended["state"], ended["dn"], ended["cause"]), ("ENDED", "5001", "local"))

    def test_transfer(self) -> None:
        """How a transfer gets on is told, too."""
        wire = self.stream()
        call, _ = self.up()
        self.app("POST", f"calls/{call}/transfer", {"to": "1004"})
        self.far.calls[-1].notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
        self.run_for(1)
        (moved,) = [notice for notice in self.notices(wire) if notice["event"] == "call.transfer"]
        self.assertEqual(moved["transfer"]["state"], "DONE")

    def test_scope(self) -> None:
        """An application hears of its agents only, and of no alarm; an operator of everything, or of what it wants."""
        board, crm, ops = self.stream(), self.stream(token=CRM), self.stream(OPS, OPERATOR)
        alarms = self.stream(f"{OPS}?kinds=alarm,agent.signed_in", OPERATOR)
        self.come("eve", "5003")
        self.gateway.events.publish(AlarmRaised(kind=AlarmKind.CALL_FLOOD, text="a flood", setting="", dn="5003"))
        self.gateway.events.publish(ConnectionDown(0))
        self.gateway.events.publish(ConnectionUp(0))
        self.assertEqual((self.kinds(board), self.kinds(crm)), (["agent.signed_in"], []))
        everything = ["agent.signed_in", "alarm.raised", "connection.down", "connection.up"]
        self.assertEqual(self.kinds(ops), everything)
        self.assertEqual(self.kinds(alarms), everything[:2])

    def test_trust(self) -> None:
        """Nobody else hears anything, and a kind that there is not is told."""
        for path, token, error in (
            ("/api/app/v1/events", "", (401, "application_token_required")),
            ("/api/app/v1/events", OPERATOR, (401, "application_token_required")),
            (OPS, BOARD, (401, "operator_token_required")),
            (f"{OPS}?kinds=cal", OPERATOR, (400, "bad_input")),
        ):
            self.assertEqual(self.ask("GET", path, Authorization=f"Bearer {token}").error, error, path)

    def test_revoked(self) -> None:
        """A stream ends with the next heartbeat when its token is taken away, or sees other agents now."""
        board, crm = self.stream(), self.stream(token=CRM)
        self.surface.reconfigure(evolve(self.settings, app_tokens=(SEES,)))
        self.run_for(16)
        self.assertIn(b": alive", board.received)
        self.assertTrue(crm.received.endswith(b"0\r\n\r\n"), crm.received)
        self.surface.reconfigure(evolve(self.settings, app_tokens=(evolve(SEES, dns=("6*",)),)))
        self.run_for(16)
        self.assertTrue(board.received.endswith(b"0\r\n\r\n"), board.received)

    def test_bound(self) -> None:
        """One token has so many streams and no more; another one's are its own."""
        for _ in range(MOST):
            self.stream()
        answer = self.ask("GET", "/api/app/v1/events", Authorization=f"Bearer {BOARD}")
        self.assertEqual(answer.error, (429, "too_many_streams"))
        self.stream(token=CRM)
        self.assertEqual(self.surface.hanging, (0, MOST + 1))
        self.wires[0].lose()
        self.wires.pop(0)
        self.stream()

    def test_leaves_nothing(self) -> None:
        """A stream that has ended, by itself or with its connection, goes without the collector of cycles."""
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        crm = self.stream(token=CRM)
        self.stream(OPS, OPERATOR)
        self.surface.reconfigure(evolve(self.settings, app_tokens=(SEES,)))
        self.run_for(16)
        self.assertTrue(crm.received.endswith(b"0\r\n\r\n"), crm.received)
        for wire in self.wires:
            wire.lose()
            wire.transport.producer = None  # as a connection of the reactor does
        self.wires.clear()
        del crm, wire
        self.assertEqual([each for each in gc.get_objects() if isinstance(each, FeedStream)], [])


class Resuming(AppCase):
    """No notice is lost without a word."""

    def test_after_a_list(self) -> None:
        """What has happened since a list was read is told first."""
        last = self.app("GET", "agents").json["lastEvent"]
        self.come()
        for more in ({"Last_Event_ID": last}, {}):
            path = "/api/app/v1/events" + ("" if more else f"?after={last}")
            self.assertEqual(self.kinds(self.stream(path, **more)), ["agent.signed_in"])
        self.assertEqual(self.kinds(self.stream()), [])

    def test_another_run(self) -> None:
        """A place of another run of the gateway, or of none, is told to be lost; then comes all that is known."""
        self.app("GET", "agents")
        self.come()
        for place in ("0000-1", "x", "-1", self.app("GET", "agents").json["lastEvent"] + "0"):
            self.assertEqual(self.kinds(self.stream(Last_Event_ID=place)), ["feed.reset", "agent.signed_in"], place)

    def test_too_far_behind(self) -> None:
        """So is a place of which what follows is not known any more."""
        last = self.app("GET", "agents").json["lastEvent"]
        self.come()
        for _ in range(KEPT):
            self.gateway.events.publish(ConnectionUp(0))
        self.assertEqual(self.kinds(self.stream(Last_Event_ID=last)), ["feed.reset"])

    def test_slow_client(self) -> None:
        """A client that reads slowly gets everything later, in order."""
        wire = self.stream()
        assert wire.transport.producer is not None
        wire.transport.producer.pauseProducing()
        self.come()
        self.come("eve", "5003")
        self.assertEqual(self.kinds(wire), [])
        wire.transport.producer.resumeProducing()
        self.assertEqual([notice["agent"]["dn"] for notice in self.notices(wire)], ["5001", "5003"])

    def test_stopping(self) -> None:
        """The gateway ends all streams when it stops."""
        wire = self.stream()
        self.surface.close()
        self.assertTrue(wire.received.endswith(b"0\r\n\r\n"))

    def test_quiet_until_wanted(self) -> None:
        """Nothing is collected before somebody wants it."""
        self.come()
        self.assertFalse(self.gateway.events.wants(ConnectionUp) and self.surface.feed._is_on)
        self.assertEqual(len(self.surface.feed._notices), 0)

    def test_kinds(self) -> None:
        """Each kind of notice has a text."""
        self.assertEqual([kind for kind, text in KINDS.items() if not text.endswith(".")], [])
