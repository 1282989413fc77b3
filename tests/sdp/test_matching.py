"""Answers that have not the media descriptions of their offer, and offers that have not those of the session."""

import pathlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sdp import checking
from wrtcgw.sdp.description import MOST_STREAMS, Description, Section, parse
from wrtcgw.sdp.directions import direction
from wrtcgw.sdp.matching import continued, fitted

CHROMIUM = pathlib.Path(__file__).parents[1] / "data" / "sdp" / "chromium-video.sdp"
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"


def description(*streams: str, session: str = "") -> Description:
    """Return a description of these streams: ``audio``, or ``video 0 a=mid:1`` with port and attribute."""
    lines = []
    for stream in streams:
        media, port, attribute = [*stream.split(" "), *("", "")][:3]
        lines.append(f"m={media} {port or 4000} RTP/AVP 0\r\n" + (f"{attribute}\r\n" if attribute else ""))
    return parse(HEAD + session + "".join(lines))


def shape(answer: Description) -> list[str]:
    """Return of each stream its kind and port, and its mid."""
    return [f"{stream.media} {stream.port} {stream.value('mid') or ''}".rstrip() for stream in answer.streams]


class FittedTests(SynchronousTestCase):
    """One media description for each of the offer's (RFC 3264 section 6)."""

    def test_as_it_is(self) -> None:
        """An answer that fits stays as it is, byte by byte, rejected streams and odd line ends too."""
        offer = description("audio", "video", "audio")
        for answer in (offer, description("audio 0", "video 0", "audio"), parse(str(offer).replace("\r\n", "\n"))):
            self.assertIs(fitted(answer, offer), answer)
        self.assertIs(fitted(offer, parse("")), offer)

    def test_fitted(self) -> None:
        """What is missing is rejected at its place, what was not offered goes, what is in another order is sorted."""
        for offered, answered, expected in (
            (["audio", "video"], ["audio"], ["audio 4000", "video 0"]),
            (["video", "audio"], ["audio"], ["video 0", "audio 4000"]),
            (["video", "audio"], ["audio", "video 0"], ["video 0", "audio 4000"]),
            (["audio"], ["audio", "video 4002"], ["audio 4000"]),
            (["audio", "audio", "audio"], ["audio", "audio 4002"], ["audio 4000", "audio 4002", "audio 0"]),
            (["audio", "video"], ["text", "video 4002"], ["audio 0", "video 4002"]),
            (["audio"], ["video"], ["audio 0"]),
            (["audio"], [], ["audio 0"]),
            (["audio 9 a=mid:a", "video 9 a=mid:v"], ["audio"], ["audio 4000", "video 0 v"]),
            (
                ["audio 9 a=mid:a", "audio 9 a=mid:b", "video 9 a=mid:v"],
                ["audio 4000 a=mid:b"],
                ["audio 0 a", "audio 4000 b", "video 0 v"],
            ),
        ):
            with self.subTest(offered=offered, answered=answered):
                answer = fitted(description(*answered), description(*offered))
                self.assertEqual(shape(answer), expected)
                checking.read(str(answer))

    def test_rejection(self) -> None:
        """A rejection has the offer's profile and formats, an address where the session has none, no direction."""
        offer = parse(CHROMIUM.read_text())
        answer = fitted(parse(HEAD + "\r\n".join(offer.streams[0].lines)), offer)
        self.assertEqual(
            answer.streams[1].lines,
            ("m=video 0 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=inactive", "a=mid:1"),
        )
        self.assertEqual(direction(answer), direction(parse(str(offer))))
        with_address = fitted(description("audio", session="c=IN IP4 192.0.2.1\r\n"), offer)
        self.assertEqual(with_address.streams[1].lines[1], "a=inactive")

    def test_groups(self) -> None:
        """A group names no stream that is not there; what is rejected here was in none."""
        offer = description("audio 9 a=mid:0", "video 9 a=mid:1", session="a=group:BUNDLE 0 1\r\n")
        answer = description("audio 9 a=mid:0", "text 9 a=mid:7", "video 0", session="a=group:BUNDLE 0 7\r\n")
        self.assertEqual(fitted(answer, offer).session.value("group"), "BUNDLE 0")

    @given(*[st.lists(st.sampled_from(("audio", "video", "audio 0", "text 9 a=mid:x", "audio 9 a=mid:y")))] * 2)
    def test_any(self, offered: list[str], answered: list[str]) -> None:
        """Whatever is answered to whatever offer, the kinds are the offer's, and nothing is taken twice."""
        offer, answer = description(*offered), description(*answered)
        made = fitted(answer, offer)
        if offered:
            self.assertEqual([each.media for each in made.streams], [each.media for each in offer.streams])
        used = [stream for stream in made.streams if not stream.is_rejected]
        self.assertTrue(all(stream in answer.streams for stream in used))
        self.assertLessEqual(len(used), len([each for each in answer.streams if not each.is_rejected]))
        self.assertIs(fitted(made, offer), made)

    def test_many(self) -> None:
        """Where nothing fits anything, each name is still looked for once: far side and page may both be hostile."""
        looks: list[str] = []
        value = Section.value

        def noted(section: Section, name: str) -> str | None:
            looks.append(name)
            return value(section, name)

        self.patch(Section, "value", noted)
        fitted(description(*["video"] * MOST_STREAMS), description(*["audio"] * MOST_STREAMS))
        fitted(description(*["audio 9 a=mid:x"] * MOST_STREAMS), description(*["audio 9 a=mid:y"] * MOST_STREAMS))
        continued(description(*["video"] * 64), description(*["audio"] * 64))
        self.assertLess(len(looks), 20 * MOST_STREAMS)

    def test_permuted(self) -> None:
        """Of the same kinds in another order, those go together that have one name."""
        offer = description("audio 9 a=mid:a", "audio 9 a=mid:b")
        answer = description("audio 0 a=mid:b", "audio 4000 a=mid:a")
        self.assertEqual(shape(fitted(answer, offer)), ["audio 4000 a", "audio 0 b"])


class ContinuedTests(SynchronousTestCase):
    """The media descriptions of a session only become more (RFC 3264 section 8)."""

    def test_as_it_is(self) -> None:
        """An offer that goes on stays as it is, byte by byte: the same, more, some rejected, or with new names."""
        before = description("audio 9 a=mid:0", "video 9 a=mid:1")
        for offer in (
            before,
            description("audio 0", "video 0"),
            description("audio", "video", "audio 5000"),
            description("audio 9 a=mid:x", "video 9 a=mid:y"),
            parse(str(before).replace("\r\n", "\n")),
        ):
            self.assertIs(continued(offer, before), offer)
        self.assertIs(continued(before, parse("")), before)
        too_many = description(*["video"] * 100)
        self.assertIs(continued(too_many, description(*["audio"] * 100)), too_many)

    def test_continued(self) -> None:
        """What has gone is rejected at its place, another order is sorted, and what is new comes behind."""
        for before, offered, expected in (
            (["audio", "video"], ["audio"], ["audio 4000", "video 0"]),
            (["audio", "video"], ["video"], ["audio 0", "video 4000"]),
            (["audio", "video"], ["video", "audio 5000"], ["audio 5000", "video 4000"]),
            (["audio", "video 0"], ["audio"], ["audio 4000", "video 0"]),
            (["audio"], ["video", "audio"], ["audio 4000", "video 4000"]),
            (["audio"], ["image"], ["audio 0", "image 4000"]),
            (["audio"], ["audio", "video 0"], ["audio 4000"]),
            (["audio", "video"], [], ["audio 0", "video 0"]),
            (["audio 9 a=mid:0", "video 9 a=mid:1"], ["audio"], ["audio 4000", "video 0 1"]),
            (["audio 9 a=mid:0", "video 9 a=mid:1"], ["audio 9 a=mid:x"], ["audio 9 x", "video 0 1"]),
            (["audio 9 a=mid:0", "audio 9 a=mid:1"], ["audio 9 a=mid:1"], ["audio 0 0", "audio 9 1"]),
            (
                ["audio 9 a=mid:0", "audio 9 a=mid:1"],
                ["audio 9 a=mid:1", "audio 7 a=mid:0"],
                ["audio 7 0", "audio 9 1"],
            ),
            (["video 9 a=mid:0", "audio 9 a=mid:1"], ["audio 9 a=mid:0"], ["video 0 gone0", "audio 9 0"]),
        ):
            with self.subTest(before=before, offered=offered):
                offer = continued(description(*offered), description(*before))
                self.assertEqual(shape(offer), expected)
                checking.read(str(offer))

    def test_groups(self) -> None:
        """A group that names what has gone does not any more: browsers refuse it."""
        before = description("audio 9 a=mid:0", "video 9 a=mid:1")
        offer = description("audio 9 a=mid:0", session="a=group:BUNDLE 0 1\r\n")
        self.assertEqual(continued(offer, before).session.value("group"), "BUNDLE 0")

    def test_what_was_rejected(self) -> None:
        """A stream that was rejected already stays in the words that the peer knows: it is no news."""
        before = description("audio", "video 0 a=foo")
        self.assertEqual(continued(description("audio"), before), before)

    @given(*[st.lists(st.sampled_from(("audio", "video", "audio 0", "text 9 a=mid:x", "audio 9 a=mid:y")))] * 2)
    def test_any(self, before: list[str], offered: list[str]) -> None:
        """Whatever comes after whatever, the kinds go on, nothing in use is lost, and the answer can be fitted."""
        session, offer = description(*before), description(*offered)
        made = continued(offer, session)
        kinds = [each.media for each in session.streams]
        self.assertEqual([each.media for each in made.streams][: len(kinds)], kinds)
        in_use = [each for each in offer.streams if not each.is_rejected]
        self.assertEqual(sorted(map(str, in_use)), sorted(str(each) for each in made.streams if not each.is_rejected))
        if before:
            self.assertIs(continued(made, session), made)
        if offered:
            self.assertEqual(
                [each.media for each in fitted(made, offer).streams], [each.media for each in offer.streams]
            )
