"""The check list of the wire document, section 11: one class for each of its points."""

from twisted.web.http_headers import Headers

from tests.web.genesys.dialectcase import BROWSER_SDP, FORM, ORIGIN, PBX_SDP, DialectCase, read
from wrtcgw.web.genesys import GenesysSettings

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

    def test_sign_in_waits_for_the_registrar(self) -> None:
        """A wrong password is told by the sign_in itself, as an error in text."""
        answer = self.sign_in_raw("5001:wrong")
        self.assertEqual((answer.code, answer.headers["content-type"]), (401, "text/plain; charset=utf-8"))
        self.assertNotIn("5001", self.far.contacts)

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

    def test_bug_is_text_too(self) -> None:
        """What nobody foresaw is 500 with an incident id, and logged."""
        page = self.page()
        self.gateway.seen = None  # type: ignore[assignment,method-assign]
        answer = page.post("BYE", code=500)
        self.assertIn("incident", answer.text)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_no_line_feeds_in_the_way(self) -> None:
        """There is no CR that could become part of the SSID."""
        self.assertNotIn("\r", self.sign_in_raw("5001:secret").text)


class Point2(DialectCase):
    """CORS echo and credentials on every answer, errors included."""

    def assertShared(self, headers: dict[str, str], origin: str = ORIGIN) -> None:
        """Check that a page of that origin can read the response."""
        self.assertEqual(headers.get("access-control-allow-origin"), origin)
        self.assertEqual(headers.get("access-control-allow-credentials"), "true")
        self.assertEqual(headers.get("vary"), "Origin")

    def test_every_answer(self) -> None:
        """Success, error and 204 alike; the origin is echoed, never ``*``."""
        page = self.page()
        for answer in (
            self.sign_in_raw("5001:wrong"),
            self.sign_in_raw("5002:geheim"),
            page.post("nonsense", code=400),
            page.post("BYE"),
            self.get("/wait?id=nobody"),
            self.get(f"/sign_out?id={page.ssid}"),
            self.get("/sign_in", headers={"Origin": ORIGIN}),
        ):
            self.assertShared(answer.headers)
        self.assertShared(self.get("/wait?id=nobody", headers={"Origin": "null"}).headers, "null")

    def test_preflight(self) -> None:
        """OPTIONS lets header fields of the page's own pass, and a gateway in a private network be called."""
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Headers": "x-mine, content-type",
            "Access-Control-Request-Private-Network": "true",
        }
        answer = self.ask("OPTIONS", "/message", headers=asked)
        self.assertEqual(answer.code, 204)
        self.assertShared(answer.headers)
        self.assertEqual(answer.headers["access-control-allow-headers"], "x-mine, content-type")
        self.assertEqual(answer.headers["access-control-allow-private-network"], "true")
        self.assertNotIn("access-control-allow-origin", self.ask("OPTIONS", "/message", headers={}).headers)

    def test_listed_origins_only(self) -> None:
        """With a list, pages of other origins are refused, and cannot read why."""
        self.configure(GenesysSettings(origins=frozenset({ORIGIN})))
        self.assertEqual(self.sign_in_raw("5001:secret").code, 200)
        answer = self.get("/wait?id=x", headers={"Origin": "https://other.example"})
        self.assertEqual(answer.code, 403)
        self.assertNotIn("access-control-allow-origin", answer.headers)
        own = {"Origin": "http://gateway.example:8082"}
        self.assertEqual(self.get("/wait?id=x", headers=own).code, 204)

    def test_cookie_for_the_load_balancer(self) -> None:
        """sign_in sets a cookie that names the node, usable across sites where there is TLS; it grants nothing."""
        self.assertEqual(
            self.sign_in_raw("5001:secret").headers["set-cookie"], "wrtcgw_node=n1; Path=/; HttpOnly; SameSite=Lax"
        )
        headers = Headers({"Origin": [ORIGIN]})
        answer = self.ask("POST", "/sign_in", base="https://g.example", data=b"5001:secret", headers=headers)
        self.assertIn("SameSite=None; Secure", answer.headers["set-cookie"])
        self.configure(GenesysSettings())
        self.assertNotIn("set-cookie", self.sign_in_raw("5001:secret").headers)

    def test_not_cached(self) -> None:
        """The URL of each wait is the same: nothing may be kept."""
        self.assertEqual(self.get("/wait?id=nobody").headers["cache-control"], "no-store")


class Point3(DialectCase):
    """``wait`` hangs; requeue on disconnect; newest wait wins; never 204 unless a forced sign-out is meant."""

    def test_hangs(self) -> None:
        """Without a message there is no answer, however long it takes."""
        page = self.page()
        wait = page.wait()
        for _ in range(10):
            self.run_for(30)
            self.assertTrue(wait.hangs)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(read(wait.answer())["messageType"], "OFFER")

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

    def test_requeue_on_disconnect(self) -> None:
        """A wait that broke off has taken nothing."""
        page = self.page()
        wire = self.wire()
        wire.get(f"/wait?id={page.ssid}")
        wire.lose()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")

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

    def test_newest_wins(self) -> None:
        """The older wait is closed without an answer, and the newer one gets the message."""
        page = self.page()
        older, newer = self.wire(), self.wire()
        older.get(f"/wait?id={page.ssid}")
        newer.get(f"/wait?id={page.ssid}")
        self.assertEqual(older.received, b"")
        self.assertTrue(older.transport.disconnecting)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(read(newer.answer())["messageType"], "OFFER")

    def test_forced_sign_out(self) -> None:
        """When another page takes the DN over by the other dialect, this one is signed out by 204."""
        page = self.page()
        wait = page.wait()
        self.assertTrue(wait.hangs)
        self.get("/api/webrtc/sign_in?id=other&dn=5001&password=secret", headers={})
        self.assertEqual(wait.answer().code, 204)
        self.assertEqual(page.told().code, 204)

    def test_gateway_stops(self) -> None:
        """Pages are signed out when the gateway stops."""
        page = self.page()
        wait = page.wait()
        self.assertTrue(wait.hangs)
        self.api.close()
        self.assertEqual(wait.answer().code, 204)

    def test_unknown_ssid(self) -> None:
        """204 takes a page out of its retries after a restart; 404 is to be had."""
        self.assertEqual(self.get("/wait?id=nobody").code, 204)
        self.assertEqual(self.ask("POST", "/message?from=nobody&to=x", data=b"BYE").code, 204)
        self.configure(GenesysSettings(unknown_session=404))
        self.assertEqual(self.get("/wait?id=nobody").code, 404)
        self.assertEqual(self.ask("POST", "/message?from=nobody&to=x", data=b"BYE").code, 404)

    def test_one_message_each(self) -> None:
        """Messages come in order, one in each response."""
        page = self.page()
        far = page.call_up()
        far.info("application/octet-stream", "a=1")
        far.bye()
        self.run_for()
        self.assertEqual(page.told().text, "BYE")  # what belongs to a call that is over is not told


class GoneSocket:
    """A socket whose other end has closed."""

    def recv(self, size: int, flags: int) -> bytes:
        """Tell the end of the stream."""
        return b""


class Point4(DialectCase):
    """Pragma on every 200 of ``wait``."""

    def test_every_message_names_the_peer(self) -> None:
        """OFFER, OK, INFO-PEER, PUT-STATS and BYE carry it."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP, caller="+5411")
        self.run_for()
        told = page.told()
        self.assertEqual(told.headers["pragma"], "+5411")
        page.answer(read(told), to="+5411")
        self.run_for()
        far.info("application/octet-stream", "a=1")
        self.run_for()
        page.post("GET-STATS")
        for _ in range(3):
            self.assertEqual(page.told().headers["pragma"], "+5411")
        far.bye()
        self.run_for()
        self.assertEqual(page.told().headers["pragma"], "+5411")

    def test_peer_is_url_safe(self) -> None:
        """What could not stand in a query is encoded, and the encoded form is taken back."""
        page = self.page()
        self.far.call("5001", PBX_SDP, caller="a%20b")
        self.run_for()
        self.assertEqual(page.told().headers["pragma"], "a%20b")


class Point5(DialectCase):
    """Bodies are taken raw; the form content type is ignored; ``+`` is literal."""

    def test_password_is_raw(self) -> None:
        """A password with plus, percent and colon registers."""
        self.passwords["5001"] = "a+b%41:c ü"
        self.assertEqual(self.sign_in_raw("5001:a+b%41:c ü").code, 200)

    def test_message_is_raw(self) -> None:
        """What looks like a form is none."""
        page = self.page()
        page.offer("1003", BROWSER_SDP.replace("s=-", "s=a+b%41&c=d"))
        self.assertIn("s=a+b%41&c=d", self.far.calls[-1].offer)

    def test_plus_in_the_peer(self) -> None:
        """A plus in ``to`` stays one."""
        page = self.page()
        page.offer("+5411")
        self.assertIn("sip:+5411@example.org", self.far.calls[-1].request("INVITE").uri)

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

    def test_answer(self) -> None:
        """An ANSWER has Candidates also when there are none, echoes the numbers, and hides the word."""
        page = self.page()
        page.offer(Candidates=[])
        sdp = PBX_SDP.replace("s=pbx", "s=SPECIAL OFFER")
        sdp = "".join(line for line in sdp.splitlines(True) if "candidate" not in line)
        self.far.calls[-1].answer(sdp)
        self.run_for()
        told = page.told()
        self.assertNotIn("OFFER", told.text)
        answer = read(told)
        self.assertEqual(answer["Candidates"], [])
        self.assertIn("s=SPECIAL OFFER", answer["sdp"])
        self.assertEqual((answer["offererSessionId"], answer["seq"]), (102, 1))
        self.assertIsInstance(answer["answererSessionId"], int)

    def test_offer_numbers_rise(self) -> None:
        """A second OFFER has a higher seq than any before it, also than the page's own."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        offer = page.roap()
        self.assertEqual((offer["seq"], offer["Candidates"][0]["sdpMLineIndex"]), (1, 0))
        self.assertIn(offer["tiebreaker"], range(1, 429496730))
        page.answer(offer)
        self.run_for()
        page.roap()
        page.seq = 6
        page.offer(to="5002")
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["seq"], 7)
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["seq"], 8)

    def test_ok(self) -> None:
        """OK goes to the page that has answered: the first versions begin to play with it."""
        page = self.page()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        offer = page.roap()
        page.answer(offer)
        self.run_for()
        told = page.told()
        self.assertNotIn("OFFER", told.text)
        self.assertEqual((read(told)["messageType"], read(told)["seq"]), ("OK", 1))


class Point7(DialectCase):
    """Duplicate POSTs are found by their bodies."""

    def test_repeated_offer_is_one_call(self) -> None:
        """While the call is being made the same OFFER again changes nothing."""
        page = self.page()
        body = page.offer()
        page.post(body)
        self.assertEqual(len(self.far.calls), 1)
        self.assertEqual(self.far.calls[0].methods(), ["INVITE"])

    def test_repeated_offer_gets_its_answer_again(self) -> None:
        """When it has been answered, the answer is told once more."""
        page = self.page()
        body = page.offer()
        self.far.calls[-1].answer(PBX_SDP)
        self.run_for()
        first = page.told().text
        page.post(body)
        self.assertEqual(page.told().text, first)
        self.assertEqual(len(self.far.calls), 1)

    def test_repeated_re_offer_does_not_get_an_older_answer(self) -> None:
        """The answer to the first offer is none to the second, which is still open."""
        page = self.page()
        page.offer()
        far = self.far.calls[-1]
        far.answer(PBX_SDP)
        self.run_for()
        page.roap()
        page.post(page.offer())
        self.assertTrue(page.silent())
        self.assertEqual(far.methods().count("INVITE"), 2)

    def test_same_numbers_are_no_duplicate(self) -> None:
        """A re-offer that begins at seq 1 again differs in its tiebreaker."""
        page = self.page()
        far = page.call_up()
        page.seq = 0
        page.offer()
        self.assertEqual(far.methods().count("INVITE"), 2)

    def test_repeated_answer(self) -> None:
        """A repeated ANSWER is taken and changes nothing."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        page.post(page.answer(page.roap()))
        self.assertEqual([one.status for one in far.responses if one.status >= 200], [200])

    def test_failed_offer_may_be_repeated(self) -> None:
        """An offer that came to nothing is no first one."""
        page = self.page()
        body = page.offer(to="null")
        self.assertEqual([page.roap()["errorType"], page.told().text], ["NOMATCH", "BYE"])
        page.post(body, "1003")
        self.assertEqual(len(self.far.calls), 1)


class Point8(DialectCase):
    """One call per SSID; 486 to others; queue purge at call end."""

    def test_second_call_is_busy(self) -> None:
        """While the page has a call, ringing ones included, a further caller hears 486."""
        page = self.page()
        first = self.far.call("5001", PBX_SDP)
        self.run_for()
        second = self.far.call("5001", PBX_SDP, caller="5003")
        self.run_for()
        self.assertEqual(second.last("INVITE").status, 486)
        page.answer(page.roap())
        third = self.far.call("5001", PBX_SDP, caller="5003")
        self.run_for()
        self.assertEqual(third.last("INVITE").status, 486)
        self.assertEqual(first.last("INVITE").status, 200)

    def test_free_after_bye(self) -> None:
        """Right after the page's BYE it can be called again."""
        page = self.page()
        page.call_up()
        page.post("BYE")
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")
        self.assertEqual(far.last("INVITE").status, 180)

    def test_undelivered_call_that_ended_is_not_told(self) -> None:
        """Neither OFFER nor EVENT-TALK nor BYE of a call that came and went between two waits."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        far.notify("talk")
        self.run_for()
        far.cancel()
        self.run_for()
        self.assertTrue(page.silent())

    def test_purge_of_what_was_under_way(self) -> None:
        """After a cancelled call that the page knows, BYE comes next, whatever else was queued."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        page.roap()
        far.notify("talk")
        far.cancel()
        self.run_for()
        self.assertEqual(page.told().text, "BYE")
        self.assertTrue(page.silent())

    def test_lost_bye(self) -> None:
        """A page that calls someone else in a new session has lost its BYE: the old call ends."""
        page = self.page()
        old = page.call_up()
        page.session_id, page.seq = 103, 0
        page.offer("1004")
        self.assertIn("BYE", old.methods())
        self.assertEqual(len(self.far.calls), 2)


class Point9(DialectCase):
    """Yield on glare."""

    def test_page_offers_before_it_has_the_offer(self) -> None:
        """An offer of the far side that the page has not got is refused with 491, and the page's goes out."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        page.offer()
        self.assertEqual(far.last("INVITE").status, 491)
        self.assertEqual(far.methods().count("INVITE"), 2)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")
        self.assertTrue(page.silent())

    def test_page_offers_instead_of_answering(self) -> None:
        """An offer that the page has lost by making its own is refused likewise; the far side repeats it later."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")
        page.offer()
        self.assertEqual(far.last("INVITE").status, 491)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        page.answer(page.roap())
        self.assertEqual(far.last("INVITE").status, 200)

    def test_far_side_offers_while_the_page_waits(self) -> None:
        """A re-INVITE that crosses the page's own offer gets 491."""
        page = self.page()
        far = page.call_up()
        page.offer()
        waiting, far.invite = far.invite, None
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 491)
        far.invite = waiting
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")

    def test_call_out_crosses_call_in(self) -> None:
        """A page that calls before it has heard of an incoming call has its way; the caller is told 486."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        page.offer("1003")
        self.assertEqual(far.last("INVITE").status, 486)
        self.far.calls[-1].answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")

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

    def test_refused_call(self) -> None:
        """Each refusal is ERROR with its errorType, then BYE."""
        page = self.page()
        for code, name in ((404, "NOMATCH"), (408, "TIMEOUT"), (486, "REFUSED"), (603, "REFUSED"), (503, "FAILED")):
            page.offer()
            self.far.calls[-1].refuse(code)
            self.run_for()
            self.assertEqual(page.roap(), {"messageType": "ERROR", "errorType": name})
            self.assertEqual(page.told().text, "BYE")
        self.assertTrue(page.silent())

    def test_without_errors(self) -> None:
        """For pages of the first version there is only BYE."""
        self.configure(GenesysSettings(errors=False))
        page = self.page()
        page.offer()
        self.far.calls[-1].refuse(404)
        self.run_for()
        self.assertEqual(page.told().text, "BYE")

    def test_refused_re_offer(self) -> None:
        """A refused change is only an ERROR: the call goes on."""
        page = self.page()
        far = page.call_up()
        page.offer()
        far.refuse(488)
        self.run_for()
        self.assertEqual(page.roap(), {"messageType": "ERROR", "errorType": "FAILED"})
        self.assertTrue(page.silent())
        page.post("BYE")
        self.assertEqual(far.methods()[-1], "BYE")

    def test_nobody_to_call(self) -> None:
        """``null``, ``undefined``, ``NaN`` and foreign domains are ERROR and BYE, and not a failed POST."""
        page = self.page()
        for peer in ("null", "undefined", "NaN", "x@other.example", ""):
            page.offer(peer)
            self.assertEqual([page.roap()["errorType"], page.told().text], ["NOMATCH", "BYE"])
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

    def test_page_lost(self) -> None:
        """Without a wait for the grace the call ends and the DN is un-registered."""
        page = self.page()
        far = page.call_up()
        self.run_for(50)
        self.assertNotIn("BYE", far.methods())
        self.run_for(20)
        self.assertIn("BYE", far.methods())
        self.assertNotIn("5001", self.far.contacts)
        self.assertEqual([page.told().text, page.told().code], ["BYE", 204])

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

    def test_reload_takes_the_call_over(self) -> None:
        """A page that signs in again is asked for an offer by INVITE, and the call goes on with it."""
        far = self.page().call_up()
        self.run_for(5)
        page = self.page()
        told = page.told()
        self.assertEqual((told.text, told.headers["pragma"]), ("INVITE", "1003"))
        page.session_id = 102
        page.offer("1003")
        self.assertEqual(far.methods().count("INVITE"), 2)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")
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

    def test_old_wait_lingers(self) -> None:
        """A wait of the old SSID is left alone after register(): an answer would reach the page's new session."""
        old = self.page()
        wait = old.wait()
        page = self.page()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertTrue(wait.hangs)
        self.assertEqual(page.roap()["messageType"], "OFFER")
        self.assertEqual(old.told().code, 204)

    def test_failed_sign_in_leaves_the_page(self) -> None:
        """A wrong password of someone else does not disturb the page, which goes on getting its messages."""
        page = self.page()
        wait = page.wait()
        self.assertEqual(self.sign_in_raw("5001:wrong").code, 401)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(read(wait.answer())["messageType"], "OFFER")

    def test_sign_out(self) -> None:
        """sign_out ends the call and the registration, and its SSID is worth nothing."""
        page = self.page()
        far = page.call_up()
        self.get(f"/sign_out?id={page.ssid}", 1)
        self.assertIn("BYE", far.methods())
        self.assertNotIn("5001", self.far.contacts)
        self.assertEqual(page.told().code, 204)


class Point12(DialectCase):
    """INVITE and re-INVITE without an offer."""

    def test_offerless_invite(self) -> None:
        """INVITE asks the page for an offer, which goes out in the 200; the ACK's answer is ANSWER."""
        page = self.page()
        far = self.far.call("5001", None)
        far.ack_sdp = PBX_SDP
        self.run_for()
        told = page.told()
        self.assertEqual((told.text, told.headers["pragma"]), ("INVITE", "5002"))
        page.offer("5002")
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertIn("UDP/TLS/RTP/SAVPF", far.last("INVITE").body)
        self.run_for()
        types = {page.roap()["messageType"], page.roap()["messageType"]}
        self.assertEqual(types, {"OK", "ANSWER"})

    def test_offerless_reinvite_is_answered_by_the_gateway(self) -> None:
        """A request for our offer inside the call needs no page."""
        page = self.page()
        far = page.call_up()
        far.reinvite(None, answer=PBX_SDP)
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertIn("UDP/TLS/RTP/SAVPF", far.last("INVITE").body)
        self.assertTrue(page.silent())

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
