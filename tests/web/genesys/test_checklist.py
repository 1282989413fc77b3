"""What the golden files do not show of the check list in docs/genesys-dialect.md: a class for each point."""

from attrs import evolve
from twisted.web.http_headers import Headers

from tests.web.genesys.dialectcase import BROWSER_SDP, FORM, ORIGIN, PBX_SDP, DialectCase, read
from tests.web.harness import Answer
from wrtcgw.calls.agent import RegistrationState

OTHER_PBX_SDP = PBX_SDP.replace("40000", "40002").replace("abcdefgh", "ABCDEFGH")
"""A change that the page has to answer: other ICE credentials."""


class Point1(DialectCase):
    """text/plain, 200, LF, ``id=<urlsafe>`` at sign_in; never JSON on any of the four calls."""

    def test_sign_in_gives_an_id(self) -> None:
        """The first line is id= and a token of at least 128 bits that needs no encoding and has no second =."""
        answer = self.sign_in_raw("5001:secret")
        self.assertEqual((answer.code, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"))
        self.assertRegex(answer.text, r"\Aid=[A-Za-z0-9_-]{22,}\Z")
        self.assertIn("5001", self.far.contacts)

    def test_page_that_goes_before_the_registrar_answers(self) -> None:
        """Nobody would have the SSID of its agent: it is signed out again."""
        wire = self.wire()
        wire.send("POST", "/sign_in", b"5001:secret")
        wire.lose()
        self.run_for(1)
        self.assertEqual([*self.gateway.agents()], [])
        self.assertNotIn("5001", self.far.contacts)

    def test_never_json(self) -> None:
        """Whatever is asked of the four calls, the answer is text."""
        page = self.page()
        for method, path in (
            ("GET", "/sign_in"),
            ("GET", "/sign_in?anon123"),
            ("PUT", "/sign_in"),
            ("POST", "/sign_in"),
            ("POST", f"/wait?id={page.ssid}"),
            ("GET", "/message"),
            ("POST", f"/message?from={page.ssid}&to=x"),
            ("GET", "/sign_out?id=nobody"),
            ("GET", f"/sign_out?id={page.ssid}"),
        ):
            answer = self.ask(method, path)
            self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8", path)

    def test_slash_at_the_end_of_the_address(self) -> None:
        """A page whose ``webrtc_gateway`` ends with a slash is served like any other, with or without a path."""
        for path in ("", "/gateway"):
            self.configure(evolve(self.settings, path=path))
            ssid = self.sent("POST", f"{path}//sign_in", b"5001:secret").text.removeprefix("id=")
            self.assertEqual(self.sent("POST", f"{path}//message?from={ssid}&to=1003", b"BYE").text, "OK")
            self.assertEqual(self.sent("GET", f"{path}//wait?id=nobody").code, 204)
            self.assertEqual(self.sent("GET", f"{path}//sign_out?id={ssid}").text, "OK")
            self.run_for(1)
            self.assertEqual([*self.gateway.agents()], [])

    def test_methods_of_sign_out(self) -> None:
        """Nobody is signed out by what is no GET or POST, as a HEAD of something that looks at links."""
        page = self.page()
        for method in ("HEAD", "PUT", "DELETE"):
            answer = self.ask(method, f"/sign_out?id={page.ssid}")
            self.assertEqual((answer.code, answer.headers["allow"]), (405, "GET, POST, OPTIONS"))
            self.run_for(1)
            self.assertIs(self.agent_of().registration, RegistrationState.REGISTERED)
        self.assertEqual(self.ask("POST", f"/sign_out?id={page.ssid}").text, "OK")
        self.run_for(1)
        self.assertEqual([*self.gateway.agents()], [])

    def sent(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Return the response to a request whose path goes out as it is."""
        wire = self.wire()
        wire.send(method, path, body)
        self.run_for()
        return wire.answer()


class Point2(DialectCase):
    """CORS echo and credentials on every answer, errors included."""

    def test_cookie_behind_tls(self) -> None:
        """The cookie for the load balancer is usable across sites where there is TLS."""
        headers = Headers({"Origin": [ORIGIN]})
        answer = self.ask("POST", "/sign_in", base="https://g.example", data=b"5001:secret", headers=headers)
        self.assertEqual(answer.headers["set-cookie"], "wrtcgw_node=n1; Path=/; HttpOnly; SameSite=None; Secure")


class Point3(DialectCase):
    """``wait`` hangs; requeue on disconnect; newest wait wins; never 204 unless a forced sign-out is meant."""

    def test_idle_limit_does_not_count(self) -> None:
        """A connection on which a wait hangs is not closed as idle: pages of the first versions never poll anew."""
        page = self.page()
        wire = self.wire()
        wire.get(f"/wait?id={page.ssid}")
        self.run_for(300)
        self.assertFalse(wire.transport.disconnecting)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(read(wire.answer())["messageType"], "OFFER")

    def test_connection_that_is_closed_but_not_noticed(self) -> None:
        """A message is not written to a connection whose other end has gone already."""
        page = self.page()
        wire = self.wire()
        wire.get(f"/wait?id={page.ssid}")
        wire.transport.socket = GoneSocket()  # type: ignore[attr-defined]
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(wire.received, b"")
        wire.lose()
        self.assertEqual(page.roap()["messageType"], "OFFER")


class GoneSocket:
    """A socket whose other end has closed."""

    def recv(self, size: int, flags: int) -> bytes:
        """Tell the end of the stream."""
        return b""


class Point4(DialectCase):
    """Pragma on every 200 of ``wait``."""

    def test_peer_is_url_safe(self) -> None:
        """What could not stand in a query is encoded, and the encoded form is taken back."""
        page = self.page()
        self.far.call("5001", PBX_SDP, caller="a%20b")
        self.run_for()
        self.assertEqual(page.told().headers["pragma"], "a%20b")


class Point5(DialectCase):
    """Bodies are taken raw; the form content type is ignored; ``+`` is literal."""

    def test_message_is_raw(self) -> None:
        """What looks like a form is none."""
        page = self.page()
        page.offer("1003", BROWSER_SDP.replace("s=-", "s=a+b%41&c=d"))
        self.assertIn("s=a+b%41&c=d", self.far.calls[-1].offer)

    def test_large_message(self) -> None:
        """An offer of 200 kB is taken; beyond the limit it is 413, in text."""
        page = self.page()
        page.post("INFO-MAP " + "k=" + "v" * 200_000)
        wire = self.wire()
        body = b"RSMP " + b"x" * 300_000
        wire.send("POST", f"/message?from={page.ssid}&to=1003", body, Content_Type=FORM)
        answer = wire.answer()
        self.assertEqual((answer.code, answer.headers["content-type"]), (413, "text/plain; charset=utf-8"))


class Point6(DialectCase):
    """``SDP`` before it, Candidates always there, seq rising, OFFER escaped in ANSWER and OK."""

    def test_tiebreaker(self) -> None:
        """Each OFFER has a tiebreaker in ROAP's range."""
        page = self.page()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertIn(page.roap()["tiebreaker"], range(1, 429496724))


class Point8(DialectCase):
    """One call per SSID; 486 to others; queue purge at call end."""

    def test_free_after_bye(self) -> None:
        """Right after the page's BYE it can be called again."""
        page = self.page()
        page.call_up()
        page.post("BYE")
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")
        self.assertEqual(far.last("INVITE").status, 180)


class Point9(DialectCase):
    """Yield on glare."""

    def test_call_out_instead_of_an_answer(self) -> None:
        """So it is when it had heard of it."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        page.roap()
        page.offer("1003")
        self.assertEqual(far.last("INVITE").status, 486)
        self.assertEqual(len(self.far.calls), 2)


class Point10(DialectCase):
    """BYE to the page on every failed or cancelled call, ERROR first if a cause should be shown."""

    def test_no_description(self) -> None:
        """An offer that is none is ERROR and BYE, and not a failed POST."""
        page = self.page()
        page.offer(sdp="no description")
        self.assertEqual([page.roap()["errorType"], page.told().text], ["FAILED", "BYE"])
        self.assertEqual(self.far.calls, [])

    def test_no_connection(self) -> None:
        """Without a connection to the proxy the call fails at once."""
        page = self.page()
        self.gateway.disconnected(0)
        page.offer()
        self.assertEqual([page.roap()["errorType"], page.told().text], ["TIMEOUT", "BYE"])


class Point11(DialectCase):
    """Sessions expire without a ``wait``, after a grace in which a new page takes the call over."""

    def test_waiting_page_stays(self) -> None:
        """While a wait hangs, or comes anew each 30 s, nothing expires."""
        page = self.page()
        far = page.call_up()
        for _ in range(5):
            wire = self.wire()
            wire.get(f"/wait?id={page.ssid}")
            self.run_for(30)
            wire.lose()
        self.assertNotIn("BYE", far.methods())

    def test_reload_while_the_far_side_rings(self) -> None:
        """A call whose offer went with the old page is taken over when it is answered."""
        self.page().offer()
        far = self.far.calls[-1]
        far.ring()
        self.run_for()
        page = self.page()
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.told().text, "INVITE")

    def test_reload_while_a_call_rings_here(self) -> None:
        """It is offered again."""
        old = self.page()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        old.roap()
        self.assertEqual(self.page().roap()["messageType"], "OFFER")

    def test_disconnect_and_register_in_any_order(self) -> None:
        """BYE and sign_out of the old SSID end the old call, but not the new session."""
        for order in ("BSN", "BNS", "NBS", "NSB", "SNB", "SBN"):
            old = self.page()
            far = old.call_up()
            for step in order:
                if step == "N":
                    page = self.page()
                elif step == "S":
                    self.assertEqual(self.get(f"/sign_out?id={old.ssid}").code, 200)
                else:
                    old.post("BYE")
            self.run_for(1)
            self.assertIn("BYE", far.methods(), order)
            self.assertIn("5001", self.far.contacts, order)
            again = self.far.call("5001", PBX_SDP)
            self.run_for()
            told = page.told()
            while told.text in ("INVITE", "BYE"):
                told = page.told()
            self.assertEqual(read(told)["messageType"], "OFFER", order)
            again.cancel()
            self.run_for()
            self.get(f"/sign_out?id={page.ssid}", 1)

    def test_failed_sign_in_leaves_the_page(self) -> None:
        """A wrong password of someone else does not disturb the page, which goes on getting its messages."""
        page = self.page()
        wait = page.wait()
        self.assertEqual(self.sign_in_raw("5001:wrong").code, 401)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(read(wait.answer())["messageType"], "OFFER")


class Point12(DialectCase):
    """INVITE and re-INVITE without an offer."""

    def test_reinvite_with_new_media_goes_to_the_page(self) -> None:
        """Other credentials are an OFFER to the page; its ANSWER has the profile of the offer."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP.replace("UDP/TLS/", ""))
        self.run_for()
        offer = page.roap()
        self.assertIn("UDP/TLS/RTP/SAVPF", offer["sdp"])
        page.answer(offer, BROWSER_SDP.replace("RTP/SAVPF", "UDP/TLS/RTP/SAVPF"))
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertIn("m=audio 50000 RTP/SAVPF", far.last("INVITE").body)
