"""What operators see: summary, series, calls, search."""

from tests.capture.support import EPOCH
from tests.support.farside import SDP
from tests.web.ops.opscase import PROXY, OpsCase
from wrtcgw import __version__
from wrtcgw.calls.stats import Flow, Media, Stats
from wrtcgw.events.catalogue import ConnectionDown, ConnectionUp


class SummaryTests(OpsCase):
    """At a glance."""

    def test_nothing_yet(self) -> None:
        """A gateway that has just started has all keys, and nothing where nothing was measured."""
        summary = self.get("summary")
        self.assertEqual(summary["time"], round((EPOCH + self.clock.seconds()) * 1000))
        self.assertEqual((summary["version"], summary["status"], summary["draining"]), (__version__, "ok", False))
        self.assertEqual((summary["agents"], summary["guests"], summary["calls"]), (0, 0, 0))
        self.assertEqual(summary["latencies"], dict.fromkeys(("register", "setup", "answer", "http")))
        self.assertEqual(summary["quality"], {"calls": 0, "mos": None, "worstMos": None, "rtt": None, "loss": None})
        self.assertEqual(summary["capture"], {"on": True, "calls": 0, "bytes": 0, "limit": 50})
        self.assertEqual(summary["logLevel"], "info")
        (connection,) = summary["connections"]
        self.assertEqual(
            connection, {"flow": 0, "target": PROXY, "up": True, "since": EPOCH * 1000, "reconnects": 0, "error": ""}
        )

    def test_traffic(self) -> None:
        """Agents, guests, calls, latencies and quality are there once they are."""
        self.start(guest_mode="unregistered")
        agent = self.sign_in()
        self.done(self.gateway.sign_in_guest("guest"))
        self.page_sign_in("bob", "5002")
        call, far = self.place(agent, "5003")
        self.run_for(1)
        far.ring()
        self.run_for(2)
        far.answer()
        self.run_for()
        for mos, lost in ((4.4, 0), (3.0, 5)):
            media = Media(mos=mos, rtt=100, rx=Flow(packets=100 + 95 * bool(lost), lost=lost))
            self.gateway.report_stats(agent.id, call.id, Stats(audio=media))
        summary = self.get("summary")
        self.assertEqual((summary["agents"], summary["guests"], summary["calls"]), (2, 1, 1))
        self.assertEqual(summary["quality"], {"calls": 1, "mos": 3.0, "worstMos": 3.0, "rtt": 100.0, "loss": 5.0})
        self.assertEqual(summary["latencies"]["register"]["count"], 1)
        self.assertEqual(round(summary["latencies"]["setup"]["p50"] / 1000), 1)
        self.assertEqual(round(summary["latencies"]["answer"]["max"] / 1000), 3)
        self.assertGreater(summary["capture"]["bytes"], 1000)

    def test_lost_connection(self) -> None:
        """A connection that is down is shown with the reason, and since when."""
        self.clock.advance(5)
        self.gateway.events.publish(ConnectionDown(0))
        self.console.up = False
        (connection,) = self.get("summary")["connections"]
        self.assertEqual((connection["up"], connection["error"]), (False, "refused"))
        self.assertEqual(connection["since"], round((EPOCH + self.clock.seconds()) * 1000))
        self.gateway.events.publish(ConnectionUp(0))
        self.assertEqual(self.get("summary")["connections"][0]["reconnects"], 1)


class SeriesTests(OpsCase):
    """Samples for charts."""

    def test_samples(self) -> None:
        """Samples come as they were taken, those that are new by ``since``."""
        self.assertEqual(self.get("series"), {"step": 1, "from": None, "samples": []})
        for second in range(20):
            self.meters.sip.messages.extend([(("in",), 10)])
            self.meters.sample(second * 1000 + 1, calls=second, agents=1, lag=0.25)
        view = self.get("series")
        self.assertEqual((view["step"], view["from"], len(view["samples"])), (1, 1, 20))
        self.assertEqual(
            view["samples"][7],
            {
                "t": 7001,
                "calls": 7,
                "agents": 1,
                "callsPerSecond": 0.0,
                "httpPerSecond": 0.0,
                "sipIn": 10.0,
                "sipOut": 0.0,
                "failures": 0,
                "setupP95": None,
                "answerP95": None,
                "loopLag": 0.2,
            },
        )
        self.assertEqual([sample["t"] for sample in self.get("series?since=17001")["samples"]], [18001, 19001])
        coarse = self.get("series?step=10")
        self.assertEqual([(sample["t"], sample["sipIn"]) for sample in coarse["samples"]], [(9001, 10), (19001, 10)])

    def test_nonsense(self) -> None:
        """What is no number is refused, and so is a step that there is not."""
        for query in ("since=x", "since=-1", "since=" + "9" * 20, "step=5", "step=x"):
            self.assertEqual(self.ask("GET", f"/api/ops/series?{query}").error, (400, "bad_input"), query)


class CallTests(OpsCase):
    """Lists of calls, and searching them."""

    def test_active_and_ended(self) -> None:
        """A call is listed while it is up, and with its end afterwards."""
        self.clock.advance(100)
        agent = self.sign_in("ann")
        call, far = self.outbound(agent)
        (shown,) = self.get("calls")["calls"]
        self.assertEqual((shown["callId"], shown["sipCallId"]), (call.id, far.call_id))
        self.assertEqual((shown["agent"], shown["dn"], shown["state"]), ("ann", "5001", "ESTABLISHED"))
        self.assertEqual(shown["startedAt"], round((EPOCH + call.created) * 1000))
        self.assertGreaterEqual(shown["answeredAt"], shown["startedAt"])
        self.assertIsNone(shown["endedAt"])
        self.assertEqual(self.get("calls?state=ended")["calls"], [])
        self.run_for(60)
        self.gateway.report_stats("ann", call.id, Stats(audio=Media(mos=4.2)))
        far.bye()
        self.run_for()
        self.assertEqual(self.get("calls?state=active")["calls"], [])
        (ended,) = self.get("calls?state=ended")["calls"]
        self.assertEqual(ended.keys(), shown.keys())
        self.assertEqual((ended["state"], ended["cause"], ended["startedAt"]), ("ENDED", "remote", shown["startedAt"]))
        self.assertEqual(round(ended["duration"]), 61)
        self.assertGreater(ended["endedAt"], shown["startedAt"] + 60_000)
        self.assertEqual(ended["quality"]["audio"]["mos"], 4.2)
        self.assertEqual(ended["sipCallId"], far.call_id)

    def test_true_counts(self) -> None:
        """A list that is cut off says how many there are, and so does a search."""
        agent = self.sign_in()
        for _ in range(5):
            _, far = self.place(agent)
            far.refuse(486)
            self.run_for()
        answer = self.get("calls?state=all&limit=2")
        self.assertEqual((len(answer["calls"]), answer["total"]), (2, 5))
        self.assertEqual(self.get("calls?state=active&limit=2")["total"], 0)
        found = self.get(f"search?q={agent.dn}&limit=2")
        self.assertEqual((len(found["calls"]), found["totals"]), (2, {"calls": 5, "agents": 1}))

    def keys(self, query: str) -> list[str]:
        """Return the ids of the calls that a query finds, in their order."""
        return [call["callId"] for call in self.get(f"calls?state=all&{query}")["calls"]]

    def test_filters(self) -> None:
        """Calls are found by time, cause, code, agent, quality, and that they failed; and sorted."""
        ann, bob = self.sign_in("ann"), self.sign_in("bob", "5002")
        busy, far = self.place(ann)
        far.refuse(486)
        self.run_for(60)
        later = round(self.wall() * 1000)
        fault, far = self.place(bob, "5003")
        far.refuse(500)
        self.run_for(60)
        talked, far = self.outbound(bob)
        self.gateway.report_stats("bob", talked.id, Stats(audio=Media(mos=3.3)))
        self.run_for(60)
        far.bye()
        self.run_for()
        running, _ = self.outbound(ann)
        for query, found in {
            "": (running, talked, fault, busy),
            "failed=true": (fault, busy),
            "cause=busy": (busy,),
            "code=500": (fault,),
            "code=4xx": (busy,),
            "code=486&cause=server-failure": (),
            "agent=ANN": (running, busy),
            "agent=5002&failed=on": (fault,),
            "quality=poor": (talked,),
            "quality=bad": (),
            f"since={later}": (running, talked, fault),
            f"until={later - 1}": (busy,),
            "order=oldest": (busy, fault, talked, running),
            "order=longest": (talked, running, fault, busy),
            "order=worst": (talked, running, fault, busy),
        }.items():
            self.assertEqual(self.keys(query), [call.id for call in found], query)
        for query in ("since=x", "until=-1", "code=700", "code=4x", "cause=A", "quality=good", "order=x", "failed=x"):
            self.assertEqual(self.ask("GET", f"/api/ops/calls?{query}").error, (400, "bad_input"), query)

    def test_failures(self) -> None:
        """What failed lately is told by cause and code, the most frequent first; ends that somebody wished are none."""
        agent = self.sign_in()
        _, far = self.place(agent)
        far.refuse(500)
        self.run_for(16 * 60)
        self.assertEqual(self.get("failures")["causes"], [])
        for code in (486, 404, 486):
            last, far = self.place(agent)
            far.refuse(code)
            self.run_for(1)
        _, far = self.outbound(agent)
        far.bye()
        self.run_for()
        told = self.get("failures")
        self.assertEqual(
            [(each["cause"], each["sipCode"], each["count"]) for each in told["causes"]],
            [("busy", 486, 2), ("not-found", 404, 1)],
        )
        self.assertEqual((told["total"], told["causes"][0]["lastCallId"]), (3, last.id))
        self.assertEqual(told["until"] - told["since"], 900_000)
        self.assertEqual(self.get("failures?since=0")["total"], 4)
        self.assertEqual(self.get(f"failures?since=0&until={told['since']}")["total"], 1)
        self.assertEqual(self.ask("GET", "/api/ops/failures?since=x").error, (400, "bad_input"))

    def test_failed_call(self) -> None:
        """A call that was never answered has its cause and SIP code, and no duration."""
        agent = self.sign_in()
        _, far = self.place(agent)
        far.refuse(486)
        self.run_for()
        (ended,) = self.get("calls?state=all")["calls"]
        self.assertEqual((ended["cause"], ended["sipCode"], ended["reason"]), ("busy", 486, "Busy Here"))
        self.assertEqual((ended["duration"], ended["answeredAt"]), (None, None))
        self.assertEqual(self.meters.counters.failures, 0, "busy is no fault")
        _, far = self.place(agent)
        far.refuse(503)
        self.run_for()
        self.assertEqual(self.meters.counters.failures, 1)

    def test_call_for_nobody(self) -> None:
        """An incoming call that no agent was offered is listed with what its caller was told, and has a ladder."""
        agent = self.sign_in()
        self.gateway.operation.drain(True)
        far = self.far.call(agent.dn, SDP)
        self.run_for()
        (shown,) = self.get("calls?state=ended")["calls"]
        self.assertEqual((shown["callId"], shown["cause"], shown["sipCode"]), (far.call_id, "not-offered", 503))
        self.assertEqual((shown["dn"], shown["agent"], shown["quality"]), ("5001", "", None))
        labels = self.labels(far.call_id)
        self.assertEqual((labels[0], labels[-2][:3], labels[-1]), ("INVITE 101", "503", "ACK 101"))

    def test_limits(self) -> None:
        """The list is as long as one wants, the history as long as it may be; the newest are kept."""
        agent = self.sign_in()
        ids = []
        for _ in range(60):
            call, far = self.place(agent)
            far.refuse(404)
            self.run_for()
            ids.append(call.id)
        listed = [call["callId"] for call in self.get("calls?state=ended")["calls"]]
        self.assertEqual(listed, ids[:-51:-1])
        self.assertEqual([call["callId"] for call in self.get("calls?state=all&limit=2")["calls"]], ids[:-3:-1])

    def test_nonsense(self) -> None:
        """A state that there is not, and a limit that is no number, are refused."""
        for query in ("state=dead", "limit=-1", "limit=many"):
            self.assertEqual(self.ask("GET", f"/api/ops/calls?{query}").error, (400, "bad_input"), query)

    def test_search(self) -> None:
        """Calls are found by all their names, also the beginnings, agents by id and DN; whole matches come first."""
        ann, bob = self.sign_in("ann"), self.sign_in("bob", "5003")
        one, far_one = self.outbound(ann)
        two, far_two = self.inbound(bob, fields=[("X-Genesys-CallUUID", "0B3TQ0M5OG8GF1SC")])
        far_two.cancel()
        self.run_for()

        def found(query: str) -> tuple[list[str], list[str]]:
            view = self.get(f"search?q={query}")
            return [call["callId"] for call in view["calls"]], [agent["id"] for agent in view["agents"]]

        self.assertEqual(found("ann"), ([one.id], ["ann"]))
        self.assertEqual(found("5003"), ([two.id], ["bob"]))
        self.assertEqual(found("500"), ([one.id, two.id], ["ann", "bob"]))
        self.assertEqual(found("5002"), ([one.id, two.id], []), "the far side of both")
        self.assertEqual(found(one.id), ([one.id], []))
        self.assertEqual(found(far_one.call_id), ([one.id], []))
        self.assertEqual(found(far_two.call_id), ([two.id], []))
        self.assertEqual(found("0b3tq0m5"), ([two.id], []))
        self.assertEqual(found("%20BOB%20"), ([two.id], ["bob"]))
        self.assertEqual(found("nobody"), ([], []))
        self.assertEqual(len(self.get("search?q=500&limit=1")["calls"]), 1)

    def test_search_for_nothing(self) -> None:
        """There has to be something to search for."""
        for query in ("", "?q=", "?q=%20", "?q=sip:", "?q=" + "x" * 2000):
            self.assertEqual(self.ask("GET", f"/api/ops/search{query}").error, (400, "bad_input"), query)

    def test_hostile_names(self) -> None:
        """What a far side calls itself is data: it comes back as JSON text."""
        agent = self.sign_in()
        self.inbound(agent, name="<script>alert(1)</script>\x1b[2J")
        answer = self.ask("GET", "/api/ops/calls")
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertIn("<script>", answer.json["calls"][0]["displayName"])
