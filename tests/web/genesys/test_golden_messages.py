"""Golden files of the messages and descriptions: W 3.4, 4, 5 and 7 of docs/genesys-dialect.md."""

from urllib.parse import quote

from tests.web.genesys.dialectcase import BROWSER_SDP, CANDIDATE, PBX_SDP, message
from tests.web.genesys.golden import SHORT, SHORT_FAR, GoldenCase
from wrtcgw.web.genesys import GenesysSettings, wire
from wrtcgw.web.genesys.description import Candidate, candidates_of, for_page, from_page

CHANGED = SHORT_FAR.replace("CC:DD", "EE:FF")
"""Another key: the page has to answer it."""


class Roap(GoldenCase):
    """ROAP both ways (W 4.1 to 4.3)."""

    def test_golden_roap_out(self) -> None:
        """W 4.2, 4.3, 11.6: a call of the page: OFFER, ANSWER with the prefix SDP and echoed numbers, OK, BYE."""
        page = self.golden_page()
        page.offer()
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.ok()
        page.post("BYE")
        self.assertGolden()

    def test_golden_roap_in(self) -> None:
        """W 4.2, 4.3, 11.6: a call to the page: OFFER with a number of its own and a tiebreaker, ANSWER, OK, BYE."""
        page = self.golden_page()
        far = self.far.call("5001", SHORT_FAR)
        self.run_for()
        page.wait()
        page.answer()
        page.wait()
        far.bye()
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_roap_seq(self) -> None:
        """W 4.3, 11.6: an OFFER's seq is above each one before it, the page's own included."""
        page = self.golden_page()
        far = page.call_up()
        page.seq = 5
        page.offer()
        far.answer(SHORT_FAR)
        self.run_for()
        page.wait()
        far.reinvite(CHANGED)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_roap_escaped(self) -> None:
        """W 4.2: a page takes for an offer what has OFFER in it: in ANSWER the word is escaped, and so is ERROR."""
        page = self.golden_page()
        page.offer(attacheddata=[{"key": "note", "value": "OFFER"}])
        data = [("X-Data-note", quote("SPECIAL OFFER, ERROR, errorType {", safe=""))]
        self.far.calls[-1].answer(SHORT_FAR.replace("s=pbx", "s=OFFER"), data)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_roap_attached_data(self) -> None:
        """W 4.3: attached data go along, whatever is in them; what is no text is given as JSON."""
        page = self.golden_page()
        value = 'commas, "quotes", = & + % ü'
        page.offer(attacheddata=[{"key": "note", "value": value}, {"key": "o", "value": {"a": [1]}}, {"value": "x"}, 7])
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.post("BYE")
        self.far.call("5001", SHORT_FAR, fields=[("X-Data-note", quote(value, safe=""))])
        self.run_for()
        page.wait()
        page.answer(attacheddata=[{"key": "note", "value": value}])
        self.assertGolden()


class Duplicates(GoldenCase):
    """Repeated POSTs (W 3.4)."""

    def test_golden_duplicate_offer_in_flight(self) -> None:
        """W 3.4, 11.7: the same OFFER again, while it is on its way, changes nothing."""
        page = self.golden_page()
        page.post(page.offer())
        page.wait()
        self.assertGolden()

    def test_golden_duplicate_offer_answered(self) -> None:
        """W 3.4, 11.7: when it has its ANSWER, that is told once more, and there is no second INVITE."""
        page = self.golden_page()
        body = page.offer()
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.post(body)
        page.wait()
        page.ok()
        page.post(body)
        page.wait()
        self.assertGolden()

    def test_golden_duplicate_offer_instead(self) -> None:
        """W 3.4, 11.7: an OFFER that gives another call up is known again like any other: there is no third call."""
        page = self.golden_page()
        with self.unseen():
            page.call_up()
            body = page.offer("1004", offererSessionId=103)
        page.post(body, "1004")
        page.wait()
        self.assertGolden()

    def test_golden_duplicate_numbers(self) -> None:
        """W 3.4: the same session and seq with another tiebreaker is an offer of its own: a re-INVITE."""
        page = self.golden_page()
        page.call_up()
        page.seq = 0
        page.offer()
        self.assertGolden()

    def test_golden_duplicate_re_offer(self) -> None:
        """W 3.4: a repeated re-OFFER does not get the ANSWER to the offer before it."""
        page = self.golden_page()
        with self.unseen():
            page.offer()
            far = self.far.calls[-1]
            far.answer(SHORT_FAR)
            self.run_for()
            page.wait()
        page.post(page.offer())
        page.wait()
        self.assertGolden()

    def test_golden_duplicate_answer(self) -> None:
        """W 3.2, 11.7: an ANSWER whose response was lost comes again: taken, and nothing comes of it."""
        page = self.golden_page()
        page.called()
        page.post(page.answer(), "5002")
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_duplicate_answer_without_ok(self) -> None:
        """W 3.4: a repeated ANSWER does not bring back the ANSWER that the page got before, though its OK was lost."""
        page = self.golden_page()
        with self.unseen():
            page.offer()
            far = self.far.calls[-1]
            far.answer(SHORT_FAR)
            self.run_for()
            page.wait()
        far.reinvite(CHANGED)
        self.run_for()
        page.wait()
        page.post(page.answer("1003", 2), "1003")
        page.wait()
        self.assertGolden()

    def test_golden_duplicate_of_a_failure(self) -> None:
        """W 3.4: an OFFER that came to nothing is none that could have its like; sent anew it makes a call."""
        page = self.golden_page()
        body = page.offer("null")
        page.wait()
        page.wait()
        page.post(body, "1003")
        self.assertGolden()


class Data(GoldenCase):
    """INFO-MAP, INFO-PEER, GET-STATS (W 4.1, 4.2, 4.4)."""

    def test_golden_info_out(self) -> None:
        """W 4.1: INFO-MAP is an INFO with a form, INFO-PEER one with octets; neither body is touched."""
        page = self.golden_page()
        page.post("INFO-MAP early=1")
        page.call_up()
        page.post("INFO-MAP k=%C3%BC+x&a%5Bb%5D=c")
        page.post("INFO-PEER k=%C3%BC+x&k2=v2")
        page.wait()
        self.assertGolden()

    def test_golden_info_in(self) -> None:
        """W 4.2: the page decodes nothing and parts at = and &: it gets decoded text, but for what holds those."""
        page = self.golden_page()
        far = page.call_up()
        for body in ("a=1&b=two+words", "k=%C3%BC%20x", "k=a%26b+c", "k=a%3Db", "k=line%0D%0Aend", "plain", "k%3D=v"):
            far.info("application/octet-stream", body)
            self.run_for()
            page.wait()
        self.assertGolden()

    def test_golden_put_stats(self) -> None:
        """W 4.1, 4.4: GET-STATS is answered by PUT-STATS, whose JSON begins at offset 9; times in milliseconds."""
        page = self.golden_page()
        page.post("GET-STATS")
        page.call_up()
        self.run_for(2)
        page.post("GET-STATS")
        page.wait()
        self.assertGolden()


class Errors(GoldenCase):
    """ERROR (W 4.2, 4.3, 6.2)."""

    def test_golden_errors(self) -> None:
        """W 4.3, 6.2, 11.10: what a page is told of each refusal of its call: ERROR with errorType, then BYE."""
        page = self.golden_page()
        codes = (400, 403, 404, 406, 408, 410, 415, 416, 480, 482, 484, 485, 486, 487, 488)
        rows = []
        for code in (*codes, 500, 501, 503, 504, 600, 603, 604, 606, 607, 608):
            with self.unseen():
                page.offer()
                self.far.calls[-1].refuse(code)
                self.run_for()
            rows.append((code, *self.texts(page.ssid)))
        self.table("SIP -> page", *rows)
        self.table("code -> errorType", *((code, wire.error_type(code)) for code in (0, 487, 491, 699)))
        self.assertGolden()

    def texts(self, ssid: str) -> list[str]:
        """Return all that the page is told."""
        texts: list[str] = []
        while True:
            connection = self.wire()
            connection.get(f"/wait?id={ssid}")
            if not connection.received:
                connection.lose()
                return texts
            texts.append(connection.answer().text)

    def test_golden_error_then_bye(self) -> None:
        """W 6.2, 11.10: the ERROR comes first, as the page forgets the call with BYE."""
        page = self.golden_page()
        page.offer()
        self.far.calls[-1].refuse(486)
        self.run_for()
        page.wait()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_error_inside_a_call(self) -> None:
        """W 4.2: a change that was refused is ERROR alone: the call goes on."""
        page = self.golden_page()
        far = page.call_up()
        page.offer()
        far.refuse(488)
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_errors_off(self) -> None:
        """W 9: version 1.0.0 does not know ERROR; there is a setting for its pages."""
        self.configure(GenesysSettings(errors=False))
        page = self.golden_page()
        page.offer()
        self.far.calls[-1].refuse(404)
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()


class Descriptions(GoldenCase):
    """Session descriptions (W 5 and 7)."""

    def description(self, heading: str, sdp: str) -> None:
        """Note a description."""
        self.assertTrue(all(line.endswith("\r\n") for line in sdp.splitlines(keepends=True)))
        self._add_now(heading, *(f"    {line}" for line in sdp.splitlines()))

    def test_golden_candidates_merged(self) -> None:
        """W 5: the array's candidates go to their media, each once; the index counts, the mid is a guess."""
        self.candidates = [
            (Candidate(0, "video", CANDIDATE), "index before mid"),
            (Candidate(0, "", "a=" + CANDIDATE), "the same"),
            (Candidate(None, "video", "candidate:2 1 udp 1 192.0.2.34 4 typ host"), "by media"),
            (Candidate(0, "audio", "a=candidate:7 1 udp 1 192.0.2.34 7 typ host"), "as RSMP wrote them"),
            (Candidate(None, "1", "candidate:5 1 udp 1 192.0.2.34 5 typ host"), "by mid"),
            (Candidate(7, "none", "candidate:3 1 udp 1 192.0.2.35 4 typ host"), "nowhere"),
            (Candidate(-1, "none", "candidate:6 1 udp 1 192.0.2.35 4 typ host"), "nowhere"),
            (Candidate(0, "audio", "no candidate"), "none"),
            (Candidate(0, "audio", "candidate:4\r\na=evil"), "none"),
        ]
        self.table("Candidates", *((each.index, each.mid, each.text, why) for each, why in self.candidates))
        sdp = BROWSER_SDP + "m=video 9 RTP/SAVPF 96\r\na=mid:1\r\n"
        self.description("merged", from_page(sdp, (each for each, _ in self.candidates)))
        self.assertGolden()

    def test_golden_candidates_sent(self) -> None:
        """W 5: an OFFER of Chrome has its candidates in the array alone; the INVITE has them in the description."""
        page = self.golden_page()
        page.offer(sdp=BROWSER_SDP, Candidates=[{"sdpMLineIndex": 0, "sdpMid": "audio", "candidate": CANDIDATE}])
        self.assertGolden()

    def test_golden_candidates_extracted(self) -> None:
        """W 4.3, 5, 11.6: those of the far side stay and are in the array too; it is there, empty, without any."""
        page = self.golden_page()
        page.offer()
        self.far.calls[-1].answer(PBX_SDP)
        self.run_for()
        page.wait()
        no_mid = "v=0\r\nm=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 0\r\na=candidate:1 1 udp 1 192.0.2.7 4 typ host\r\n"
        self.table("of a description without mid", *((each,) for each in candidates_of(no_mid)))
        self.table("of one without candidates", (candidates_of("v=0\r\nm=audio 9 RTP/AVP 0\r\n"),))
        self.assertGolden()

    def test_golden_profile_out(self) -> None:
        """W 7: RTP/SAVPF with a key is UDP/TLS/RTP/SAVPF to the far side; the ANSWER has the profile of the OFFER."""
        page = self.golden_page()
        page.offer(sdp=SHORT)
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.post("BYE")
        self.note("version 1.0.2 cuts nothing, a page with SDES has no key")
        for sdp in (SHORT.replace("RTP/S", "UDP/TLS/RTP/S"), SHORT.replace("a=fingerprint", "a=x")):
            page.offer(sdp=sdp)
            self.far.calls[-1].answer(SHORT_FAR)
            self.run_for()
            page.wait()
            page.post("BYE")
        self.assertGolden()

    def test_golden_profile_in(self) -> None:
        """W 7: an OFFER has the whole profile, whatever the far side wrote, whose answer has its own again."""
        page = self.golden_page()
        bare = SHORT_FAR.replace("a=rtcp-mux\r\na=msid:pbx a0\r\n", "")
        self.far.call("5001", bare.replace("UDP/TLS/", ""))
        self.run_for()
        page.wait()
        page.answer(sdp=SHORT.replace("RTP/S", "UDP/TLS/RTP/S"))
        self.assertGolden()

    def test_golden_for_page(self) -> None:
        """
        W 7, 4.3: what a page needs is put where it lacks: CRLF, c=, direction, rtcp-mux, a named stream, raddr.

        Of two keyings DTLS stays. Media that are refused or silent stay as they are.
        """
        sdp = (
            PBX_SDP.replace("typ host", "typ srflx")
            + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\r\n"
            + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\na=rtcp-mux\r\na=msid:- v0\r\n"
            + "m=video 9 RTP/SAVPF 96\r\ni=camera\r\na=recvonly\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\r\n"
            + "m=audio 9 RTP/AVP 0\r\nc=IN IP4 198.51.100.8\r\na=ssrc:1 msid:s t\r\n"
            + "a=candidate:2 1 udp 1 192.0.2.7 4 typ relay\r\na=candidate:3 1 udp 1 192.0.2.7 4 typ prflx\r\n"
            + "a=candidate:1 1 udp 1 192.0.2.7 4 typ relay raddr 192.0.2.8 rport 4\r\n"
            + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=application 9 x y\r\n"
        )
        self.description("the far side", sdp)
        self.description("for the page", for_page(sdp.replace("\r\n", "\n")))
        for broken in ("v=0\r\nm=audio\r\nm=\r\nm=audio 9\r\n", "junk"):
            self.description("broken", broken.removesuffix("\r\n") + "\r\n")
            self.description("for the page", for_page(broken))
        held = "v=0\r\na=inactive\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"
        self.description("held, for the whole session", held)
        self.description("for the page", for_page(held))
        self.assertGolden()

    def test_golden_roap_read(self) -> None:
        """W 4.1, 4.3: numbers, candidates and data of a page that are none are passed over."""
        texts = (
            '{"messageType":"OK"}',
            '{"messageType":"OFFER","sdp":7,"Candidates":{},"seq":"1","offererSessionId":true,"attacheddata":"x"}',
            '{"messageType":"OFFER","Candidates":7,"attacheddata":7}',
            '{"messageType":"ANSWER","Candidates":[7,{"candidate":""},{"candidate":"c","sdpMLineIndex":"0"}]}',
            message("OFFER", sdp="v=0", offererSessionId=102, seq=1, tiebreaker=1),
        )
        for text in texts:
            roap = wire.Roap.read(text)
            fields = (roap.type.value, roap.sdp, roap.offerer, roap.answerer, roap.seq, roap.candidates, roap.data)
            self.table(text, *((name, value) for name, value in zip(NAMES, fields, strict=True)))
        self.assertGolden()


NAMES = ("type", "sdp", "offerer", "answerer", "seq", "candidates", "data")
