"""Session descriptions: what is refused, what is read, and that only the named lines are ever changed."""

import pathlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.support import sdptext as sdp
from wrtcgw.errors import BadInput
from wrtcgw.sdp.description import parse

DATA = pathlib.Path(__file__).parents[1] / "data" / "sdp"
PAGE = "203.0.113.7"


def sample(name: str) -> str:
    """Return a sample with the line ends that travel in SIP."""
    return (DATA / f"{name}.sdp").read_text().replace("\n", "\r\n")


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that only the first and only the second text has."""
    old, new = before.split("\r\n"), after.split("\r\n")
    return [line for line in old if line not in new], [line for line in new if line not in old]


def media(*attributes: str, port: int = 9, address: str | None = "0.0.0.0", session: tuple[str, ...] = ()) -> str:
    """Build a small description with one audio stream."""
    connection = [f"c=IN {'IP6' if ':' in address else 'IP4'} {address}"] if address else []
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", *session]
    return "\r\n".join([*head, f"m=audio {port} UDP/TLS/RTP/SAVPF 0", *connection, *attributes, ""])


ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901")


class CheckTests(SynchronousTestCase):
    """What counts as a session description."""

    def test_digits_of_other_scripts(self) -> None:
        """A port in full-width digits is none."""
        text = media().replace("m=audio 9 ", "m=audio \uff19 ")
        self.assertIn("m=", str(self.assertRaises(BadInput, sdp.check, text)))

    def test_samples_pass(self) -> None:
        """Every sample of a real peer is accepted, with either kind of line end."""
        for path in DATA.glob("*.sdp"):
            sdp.check(path.read_text())
            sdp.check(sample(path.stem))

    def refused(self, text: str) -> str:
        """Return the error text."""
        return str(self.assertRaises(BadInput, sdp.check, text))

    def test_not_sdp(self) -> None:
        """Other text is refused with what was found instead."""
        for text in ("", "hello", '{"sdp": "v=0"}', "\r\n\r\n", "v=1\r\n"):
            self.assertIn("starts with v=0", self.refused(text))
        self.assertIn("'hello'", self.refused("hello"))

    def test_long_line_is_cut_in_the_error(self) -> None:
        """An error does not send a whole body back."""
        self.assertLess(len(self.refused("x" * 5000)), 200)

    def test_missing_lines(self) -> None:
        """The line that is missing is named."""
        whole = sample("seed-offer")
        self.assertIn("o= line", self.refused(whole.replace("o=- 1234567890 1234567890 IN IP4 127.0.0.1\r\n", "")))
        self.assertIn("s= line", self.refused(whole.replace("s=-\r\n", "")))
        self.assertIn("t= line", self.refused(whole.replace("t=0 0\r\n", "")))
        self.assertIn("at least one m= line", self.refused(whole.partition("m=")[0]))

    def test_mangled_lines(self) -> None:
        """A line that is not type=value, a NUL, a lone CR, a bad m= or o= line are refused by line number or name."""
        whole = sample("seed-offer")
        self.assertIn("line 6", self.refused(whole.replace("a=rtpmap:0", "rtpmap:0")))
        self.assertIn("line 8", self.refused(whole.replace("a=sendrecv", "a=send\0recv")))
        self.assertIn("line 8", self.refused(whole.replace("a=sendrecv", "a=send\rrecv")))
        self.assertIn("m=<media>", self.refused(whole.replace("m=audio 9", "m=audio nine")))
        self.assertIn("m=<media>", self.refused(whole.replace(" 0 8\r\n", "\r\n")))
        self.assertIn("o=<user>", self.refused(whole.replace("o=- 1234567890 1234567890", "o=- 1 x")))
        self.assertIn("line 8", self.refused(whole.replace("a=sendrecv", "a=send\ud800recv")))  # JSON can say it

    def test_too_long(self) -> None:
        """A description that would make a message longer than a proxy takes is refused; one that just fits is not."""
        whole = sample("seed-offer")
        filler = "a=x:" + "y" * (sdp.LONGEST - len(whole) - 6) + "\r\n"
        sdp.check(whole + filler)
        self.assertIn(str(sdp.LONGEST), self.refused(whole + "a=z:" + filler[4:] + "a=x:1\r\n"))


class NormaliseTests(SynchronousTestCase):
    """Line ends."""

    def test_bare_line_feeds(self) -> None:
        """LF becomes CRLF, mixed text too, and the last line gets its end."""
        self.assertEqual(sdp.normalise("v=0\ns=-\r\nt=0 0"), "v=0\r\ns=-\r\nt=0 0\r\n")

    def test_nothing_else(self) -> None:
        """Text with CRLF comes back as it was; empty lines around it go."""
        self.assertEqual(sdp.normalise(sample("chromium-early")), sample("chromium-early"))
        self.assertEqual(sdp.normalise("\n" + sample("plain-rtp") + "\r\n\n"), sample("plain-rtp"))


class CompleteTests(SynchronousTestCase):
    """Candidate and default destination for descriptions that were sent early."""

    def test_early_offer(self) -> None:
        """The text of createOffer() gets c= and one host candidate with the page's address, and no other change."""
        before = sample("chromium-early")
        removed, added = changed(before, sdp.complete(before, PAGE))
        self.assertEqual(removed, ["c=IN IP4 0.0.0.0"])
        self.assertEqual(added, [f"c=IN IP4 {PAGE}", f"a=candidate:1 1 udp 2113937151 {PAGE} 9 typ host"])

    def test_untouched(self) -> None:
        """A gathered offer, Asterisk's answer and plain RTP stay as they are."""
        for name in ("chromium-gathered", "asterisk-answer", "plain-rtp"):
            self.assertEqual(sdp.complete(sample(name), PAGE), sample(name))

    def test_missing_destination(self) -> None:
        """An offer without ICE that lacks every c= gets one for each stream, and nothing else."""
        before, after = sample("seed-offer"), sdp.complete(sample("seed-offer"), PAGE)
        media_line = next(line for line in before.splitlines() if line.startswith("m="))
        self.assertEqual(after, before.replace(f"{media_line}\r\n", f"{media_line}\r\nc=IN IP4 {PAGE}\r\n"))

    def test_idempotent(self) -> None:
        """A completed description is complete."""
        for name in ("chromium-early", "chromium-video"):
            once = sdp.complete(sample(name), PAGE)
            self.assertEqual(sdp.complete(once, "198.51.100.99"), once)

    def test_candidates_merged_later(self) -> None:
        """With candidates but c= at 0.0.0.0 the best candidate becomes the default destination: port and c= only."""
        before = (
            sample("chromium-gathered")
            .replace("m=audio 50544", "m=audio 9")
            .replace("c=IN IP4 198.51.100.20", "c=IN IP4 0.0.0.0")
        )
        self.assertEqual(sdp.complete(before, PAGE), sample("chromium-gathered"))

    def test_best_candidate(self) -> None:
        """Relayed comes before reflexive before host, IPv4 before IPv6, then priority decides; TCP and RTCP never."""
        lines = [
            "a=candidate:1 1 tcp 9999999999 192.0.2.1 9 typ host tcptype active",
            "a=candidate:1 2 udp 9999999999 192.0.2.2 1002 typ host",
            "a=candidate:1 1 udp 300 2001:db8::3 1003 typ host",
            "a=candidate:1 1 UDP 100 192.0.2.4 1004 typ host",
            "a=candidate:1 1 udp 200 192.0.2.5 1005 typ host",
            "a=candidate:1 1 udp 20 192.0.2.6 1006 typ srflx raddr 0.0.0.0 rport 0",
            "a=candidate:1 1 udp 1 192.0.2.7 1007 typ relay raddr 0.0.0.0 rport 0",
        ]
        for count, expected in ((3, "IP6 2001:db8::3"), (4, "IP4 192.0.2.4"), (5, "IP4 192.0.2.5")):
            self.assertIn(f"c=IN {expected}\r\n", sdp.complete(media(*ICE, *lines[:count]), PAGE))
        self.assertIn("m=audio 1006 ", sdp.complete(media(*ICE, *lines[:6]), PAGE))
        self.assertIn("m=audio 1007 ", sdp.complete(media(*ICE, *lines), PAGE))

    def test_names_are_no_addresses(self) -> None:
        """Candidates with mDNS names stay, and count as none."""
        name = "a=candidate:1 1 udp 2122260223 3b1e9e9e-6f0c.local 51000 typ host"
        after = sdp.complete(media(*ICE, name), PAGE)
        self.assertIn(name, after)
        self.assertIn(f" {PAGE} 9 typ host", after)
        self.assertIn(f"c=IN IP4 {PAGE}", after)

    def test_credentials_at_session_level(self) -> None:
        """ICE credentials may stand before the first stream; c= may be missing, and goes after m= and i=."""
        self.assertIn(f"0\r\nc=IN IP4 {PAGE}\r\n", sdp.complete(media(address=None, session=ICE), PAGE))
        titled = sdp.complete(media("i=title", *ICE, address=None), PAGE)
        self.assertIn(f"i=title\r\nc=IN IP4 {PAGE}\r\na=ice-ufrag", titled)

    def test_session_destination(self) -> None:
        """A default destination of the session holds for its streams, and becomes the candidate when none is there."""
        after = sdp.complete(media(*ICE, port=4000, address=None, session=("c=IN IP4 192.0.2.9/127",)), PAGE)
        self.assertTrue(after.endswith("a=candidate:1 1 udp 2113937151 192.0.2.9 4000 typ host\r\n"))
        named = sdp.complete(media(*ICE, port=4000, address="host.example.org"), PAGE)
        self.assertIn(f" {PAGE} 4000 typ host", named)

    def test_old_style_hold(self) -> None:
        """0.0.0.0 with a real port, and 0.0.0.0 without ICE, are meant: nothing changes."""
        candidate = "a=candidate:1 1 udp 100 192.0.2.4 4000 typ host"
        for text in (media(*ICE, candidate, port=4000), media("a=sendrecv")):
            self.assertEqual(sdp.complete(text, PAGE), text)

    def test_hold_by_attribute(self) -> None:
        """A hold that says so keeps its direction and gets a real destination, good for the resume too."""
        after = sdp.complete(media(*ICE, "a=sendonly"), PAGE)
        self.assertIn("a=sendonly\r\n", after)
        self.assertIn(f"c=IN IP4 {PAGE}", after)

    def test_page_addresses(self) -> None:
        """IPv6, IPv4-mapped, zoned and unknown page addresses give usable lines."""
        for page, expected in (
            ("2001:db8::7", "c=IN IP6 2001:db8::7"),
            ("::ffff:203.0.113.9", "c=IN IP4 203.0.113.9"),
            ("::ffff:cb00:7109", "c=IN IP4 203.0.113.9"),
            ("fe80::1%eth0", "c=IN IP6 fe80::1"),
            ("[2001:db8::8]", "c=IN IP6 2001:db8::8"),
            ("", "c=IN IP4 192.0.2.1"),
            ("evil\r\na=x", "c=IN IP4 192.0.2.1"),
        ):
            self.assertIn(expected + "\r\n", sdp.complete(media(*ICE), page))
        self.assertIn("c=IN IP4 203.0.113.7", sdp.complete(media(*ICE, address="::"), PAGE))

    def test_audio_and_video(self) -> None:
        """Each stream of an early offer is completed; a disabled or bundle-only one is not."""
        after = sdp.complete(sample("chromium-video"), PAGE)
        self.assertEqual(after.count("a=candidate:"), 2)
        self.assertNotIn("0.0.0.0", after.replace("a=rtcp:9 IN IP4 0.0.0.0", ""))
        disabled = sample("chromium-video").replace("m=video 9", "m=video 0")
        self.assertEqual(sdp.complete(disabled, PAGE).count("a=candidate:"), 1)

    def test_bundled(self) -> None:
        """A stream bundled with one that has candidates takes its destination from there and gets none of its own."""
        candidate = "a=rtcp-mux\r\na=candidate:7 1 udp 100 192.0.2.4 4000 typ host"
        after = sdp.complete(sample("chromium-video").replace("a=rtcp-mux", candidate, 1), PAGE)
        self.assertEqual(after.count("a=candidate:"), 1)
        self.assertEqual(after.count("c=IN IP4 192.0.2.4"), 2)
        self.assertIn("m=video 4000 ", after)


class DirectionTests(SynchronousTestCase):
    """Directions, hold and answers to them."""

    def test_read(self) -> None:
        """The attribute counts at the stream, then at the session, then sendrecv."""
        self.assertEqual(sdp.direction(sample("asterisk-answer")), "sendrecv")
        self.assertEqual(sdp.direction(sample("plain-rtp")), "sendrecv")
        self.assertEqual(sdp.direction(media("a=recvonly", session=("a=inactive",), address="192.0.2.1")), "recvonly")
        self.assertEqual(sdp.direction(media(session=("a=inactive",), address="192.0.2.1")), "inactive")

    def test_audio_counts(self) -> None:
        """Video does not tell the direction of a call, and neither does a disabled stream."""
        video_first = "m=video 9 RTP/AVP 96\r\na=inactive\r\nm=audio 9"
        self.assertEqual(sdp.direction(sample("seed-offer").replace("m=audio 9", video_first)), "sendrecv")
        rejected = "m=audio 0 RTP/AVP 0\r\na=inactive\r\nm=audio 9"
        self.assertEqual(sdp.direction(sample("seed-offer").replace("m=audio 9", rejected)), "sendrecv")
        self.assertEqual(sdp.direction(media("a=sendonly", port=0)), "sendonly")

    def test_no_stream(self) -> None:
        """Where there is no stream yet (RFC 3264 section 5) nothing flows, whatever the session says."""
        self.assertEqual(sdp.direction("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=sendrecv\r\n"), "inactive")
        self.assertEqual(sdp.direction("nonsense"), "inactive")

    def test_zero_address(self) -> None:
        """0.0.0.0 forbids the peer to send, unless the address is only not known yet."""
        self.assertEqual(sdp.direction(sample("chromium-early")), "sendrecv")
        self.assertEqual(sdp.direction(media("a=sendrecv")), "sendonly")
        self.assertEqual(sdp.direction(media("a=recvonly", port=4000)), "inactive")
        self.assertEqual(sdp.direction(media("a=sendonly", address="::")), "sendonly")
        self.assertEqual(sdp.direction(media(*ICE, port=4000)), "sendonly")

    def test_write(self) -> None:
        """Exactly the direction lines change; a stream without one gets one, a disabled one does not."""
        before = sample("chromium-early")
        self.assertEqual(changed(before, sdp.with_direction(before, "sendonly")), (["a=sendrecv"], ["a=sendonly"]))
        self.assertEqual(sdp.with_direction(sample("plain-rtp"), "inactive"), sample("plain-rtp") + "a=inactive\r\n")
        self.assertEqual(sdp.with_direction(media("a=sendrecv", port=0), "inactive"), media("a=sendrecv", port=0))

    def test_data_channel_has_no_direction(self) -> None:
        """Only media with a direction get one."""
        channel = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n"
        self.assertTrue(sdp.with_direction(sample("seed-offer") + channel, "sendonly").endswith(channel))

    def test_held(self) -> None:
        """Hold takes away receiving from each stream and nothing else."""
        after = sdp.held(sample("chromium-video"))
        self.assertEqual(
            changed(sample("chromium-video"), after), (["a=sendrecv", "a=recvonly"], ["a=sendonly", "a=inactive"])
        )
        self.assertEqual(sdp.held(after), after)

    def test_mirrored(self) -> None:
        """The other side writes the same direction the other way round."""
        self.assertEqual(sdp.mirrored("sendonly"), "recvonly")
        self.assertEqual(sdp.mirrored("recvonly"), "sendonly")
        self.assertEqual(sdp.mirrored("inactive"), "inactive")
        self.assertEqual(sdp.mirrored("sendrecv"), "sendrecv")

    def test_answer_direction(self) -> None:
        """All sixteen pairs: an answer sends only what the offerer receives, and the other way round."""
        ways: dict[str, set[str]] = {
            "sendrecv": {"send", "recv"},
            "sendonly": {"send"},
            "recvonly": {"recv"},
            "inactive": set(),
        }
        directions: tuple[sdp.Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
        for offered in directions:
            for wanted in directions:
                allowed = ways[wanted] & ways[sdp.mirrored(offered)]
                self.assertEqual(ways[sdp.answer_direction(offered, wanted)], allowed, (offered, wanted))

    def test_answer_without_the_page(self) -> None:
        """The far side's hold is answered from our first offer: direction mirrored, the DTLS role as it was."""
        offer = sdp.with_direction(sample("asterisk-answer"), "sendonly").replace("setup:active", "setup:actpass")
        answer = sdp.answer_to(offer, sample("chromium-gathered"), sample("asterisk-answer"))
        removed, added = changed(sample("chromium-gathered"), answer)
        self.assertEqual(removed, ["a=setup:actpass", "a=sendrecv"])
        self.assertEqual(added, ["a=setup:passive", "a=recvonly"])

    def test_answer_keeps_a_role(self) -> None:
        """A description of ours that names its role keeps it; without any history the answerer is active."""
        ours = sample("chromium-gathered").replace("actpass", "passive")
        self.assertIn("a=setup:passive", sdp.answer_to(sample("asterisk-answer"), ours, sample("asterisk-answer")))
        fresh = sdp.answer_to(sample("plain-rtp"), sample("chromium-gathered"), sample("plain-rtp"))
        self.assertIn("a=setup:active", fresh)
        self.assertIn("a=recvonly", sdp.answer_to(sample("plain-rtp"), sample("chromium-video"), sample("plain-rtp")))

    def test_reoffer(self) -> None:
        """An answer of ours becomes an offer by leaving the DTLS role open."""
        before = sample("asterisk-answer")
        self.assertEqual(changed(before, sdp.reoffer(before)), (["a=setup:active"], ["a=setup:actpass"]))
        blanks = before.replace("a=setup:active", "a=setup:active \t")
        self.assertEqual(sdp.reoffer(blanks), sdp.reoffer(before))


class ComparisonTests(SynchronousTestCase):
    """What makes a new description news for the page."""

    def test_same_session(self) -> None:
        """Only the origin's version and line ends may differ."""
        one = sample("asterisk-answer")
        self.assertTrue(sdp.same_session(one, sdp.with_version(one, 99).replace("\r\n", "\n")))
        self.assertFalse(sdp.same_session(one, sdp.with_direction(one, "sendonly")))
        self.assertFalse(sdp.same_session(one, one.replace("o=- 1336", "o=- 1337")))

    def test_only_direction_differs(self) -> None:
        """Hold and the roles of an offer are no news; other codecs, keys or streams are."""
        one = sample("asterisk-answer")
        held = sdp.reoffer(sdp.with_version(sdp.with_direction(one, "sendonly"), 5))
        self.assertTrue(sdp.only_direction_differs(one, held))
        self.assertTrue(sdp.only_direction_differs(one, held.replace("a=sendonly\r\n", "")))
        self.assertTrue(sdp.only_direction_differs(one, held.replace("audio 20082", "audio 20090")))
        for old, new in (
            ("111 0 8 110 126", "0 8 126"),
            ("SHA-256 7B", "SHA-256 7C"),
            ("ufrag:6f", "ufrag:70"),
            ("m=audio", "m=video 9 RTP/AVP 96\r\nm=audio"),
            ("m=audio 20082", "m=audio 0"),
        ):
            self.assertFalse(sdp.only_direction_differs(one, held.replace(old, new)), new)

    def test_connection(self) -> None:
        """Asterisk's a=connection is no news: new at first, existing later, and without a meaning for DTLS."""
        one = sample("asterisk-answer")
        self.assertIn("a=connection:new\r\n", one)
        self.assertTrue(sdp.only_direction_differs(one, one.replace("a=connection:new", "a=connection:existing")))

    def test_without_ice_the_address_counts(self) -> None:
        """A plain stream that moves is news."""
        one = sample("plain-rtp")
        self.assertTrue(sdp.only_direction_differs(one, sdp.with_direction(one, "sendonly")))
        self.assertFalse(sdp.only_direction_differs(one, one.replace("m=audio 40000", "m=audio 40002")))
        self.assertFalse(sdp.only_direction_differs(one, one.replace("c=IN IP4 192.0.2.44", "c=IN IP4 192.0.2.45")))

    def test_has_ice(self) -> None:
        """ICE shows by its credentials."""
        self.assertTrue(sdp.has_ice(sample("chromium-early")))
        self.assertFalse(sdp.has_ice(sample("seed-offer")))


class OriginTests(SynchronousTestCase):
    """One origin per session, whose version grows."""

    def test_version(self) -> None:
        """The version is read and written in o= only."""
        one = sample("chromium-early")
        self.assertEqual(sdp.origin_version(one), 2)
        after = sdp.with_version(one, 7)
        self.assertEqual(changed(one, after)[1], ["o=- 4611731400430051336 7 IN IP4 127.0.0.1"])
        self.assertEqual(sdp.origin_version("v=0\r\n"), 0)

    def test_continued(self) -> None:
        """A changed description takes the old origin with the next version, an unchanged one the same."""
        sent = sdp.with_version(sample("chromium-gathered"), 9)
        fresh = sample("chromium-early").replace("4611731400430051336", "77")
        self.assertEqual(sdp.origin_version(sdp.continued(fresh, sent)), 10)
        self.assertIn("o=- 4611731400430051336 10 ", sdp.continued(fresh, sent))
        self.assertEqual(sdp.continued(sample("chromium-gathered"), sent), sent)
        self.assertEqual(sdp.continued(fresh, "v=0\r\n"), fresh)


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "m=audio 9 RTP/AVP 0",
                "m=video 0 RTP/AVP 96",
                "c=IN IP4 0.0.0.0",
                "c=",
                "a=ice-ufrag:x",
                "a=ice-pwd:y",
                "a=sendonly",
                "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
                "a=candidate:",
                "a=group:BUNDLE 0 1",
                "a=mid:0",
            ]
        ),
        st.from_regex(r"[a-z]=[^\0\r\n]*", fullmatch=True),
    ),
    max_size=20,
)


class PropertyTests(SynchronousTestCase):
    """Whatever passes the check goes through every function."""

    @settings(deadline=None, derandomize=True, max_examples=200)
    @given(LINES)
    def test_nothing_raises(self, lines: list[str]) -> None:
        """No accepted text makes a function raise, and the result is accepted again with no line lost."""
        text = "\r\n".join(["v=0", "o=- 1 1 IN IP4 x", "s=-", "t=0 0", "m=audio 9 RTP/AVP 0", *lines, ""])
        try:
            sdp.check(text)
        except BadInput:
            return
        for after in (
            sdp.complete(text, PAGE),
            sdp.held(text),
            sdp.answer_to(text, text, text),
            sdp.continued(text, text),
        ):
            sdp.check(after)
            self.assertGreaterEqual(len(after.split("\r\n")), len(sdp.normalise(text).split("\r\n")))
        self.assertIn(sdp.direction(text), ("sendrecv", "sendonly", "recvonly", "inactive"))
        self.assertTrue(sdp.only_direction_differs(text, sdp.with_version(text, 3)))

    @settings(deadline=None, derandomize=True)
    @given(st.text(alphabet="mvoac=: 019\r\n\tx", max_size=60))
    def test_text_is_kept(self, text: str) -> None:
        """A value gives back the very text that it was made of, whatever that is."""
        self.assertEqual(str(parse(text)), text)

    def test_samples_are_kept(self) -> None:
        """So do real descriptions, with each kind of line end; normalised they lose no line."""
        for path in DATA.glob("*.sdp"):
            for text in (path.read_text(), sample(path.stem), sample(path.stem).rstrip()):
                self.assertEqual(str(parse(text)), text)
                self.assertEqual(str(parse(text).normalised()), sdp.normalise(text))
                self.assertEqual(list(parse(text).lines), text.strip().splitlines())


class StreamTests(SynchronousTestCase):
    """What is read of one media description."""

    def test_media_line(self) -> None:
        """Kind, port, profile and formats, also with a number of ports and doubled blanks."""
        stream = parse("v=0\r\nm=video 9/2  RTP/AVP 96 97\r\n").streams[0]
        self.assertEqual((stream.media, stream.port, stream.profile), ("video", "9", "RTP/AVP"))
        self.assertEqual(stream.formats, ["96", "97"])
        self.assertEqual(str(parse(stream.with_media_line(port="0").lines[0])), "m=video 0 RTP/AVP 96 97")

    def test_broken_media_lines(self) -> None:
        """What a media line lacks is empty, and a stream without a port is not in use."""
        for line in ("m=", "m=audio"):
            stream = parse(line).streams[0]
            self.assertEqual((stream.port, stream.profile, stream.formats), ("", "", []))
            self.assertTrue(stream.is_rejected)

    def test_attributes(self) -> None:
        """Values come without blanks around them; a direction may have blanks behind it."""
        stream = parse("m=audio 9 RTP/AVP 0\r\na=mid: 0 \r\na=sendonly \r\n").streams[0]
        self.assertEqual((stream.value("mid"), stream.value("ice-ufrag")), ("0", None))
        self.assertEqual(stream.stated_direction, "sendonly")
