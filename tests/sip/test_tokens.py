"""Tests of the token sources: the real one, and the counting one that other tests rely on."""

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.support.tokens import CountingTokens
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.tokens import SystemTokens


class SystemTokensTests(SynchronousTestCase):
    """The source of a running gateway."""

    def setUp(self) -> None:
        self.tokens: TokenSource = SystemTokens()

    def test_alphabet(self) -> None:
        """A word holds only characters that need no quoting in SIP or in a URL."""
        for _ in range(200):
            self.assertRegex(self.tokens.token(), re.compile(r"\A[A-Za-z0-9_-]+\Z"))

    def test_length(self) -> None:
        """A word has six bits a character, so its length shows that it holds the bits asked for."""
        for bits in (1, 32, 33, 128, 256):
            self.assertGreaterEqual(len(self.tokens.token(bits)) * 6, bits)

    def test_distinct(self) -> None:
        """No word comes twice."""
        words = {self.tokens.token() for _ in range(1000)}
        self.assertEqual(len(words), 1000)

    def test_uniform(self) -> None:
        """Waits stay in their range and are not always the same."""
        waits = {self.tokens.uniform(2.0, 3.0) for _ in range(100)}
        self.assertTrue(all(2.0 <= wait <= 3.0 for wait in waits))
        self.assertGreater(len(waits), 1)


class CountingTokensTests(SynchronousTestCase):
    """The source of tests."""

    def test_words(self) -> None:
        """Words are counted from one, each source for itself."""
        tokens: TokenSource = CountingTokens()
        self.assertEqual([tokens.token(), tokens.token(32), CountingTokens().token()], ["t1", "t2", "t1"])

    def test_uniform(self) -> None:
        """A wait is the middle of its range, and does not count as a word."""
        tokens = CountingTokens()
        self.assertEqual(tokens.uniform(1.0, 4.0), 2.5)
        self.assertEqual(tokens.drawn, 0)
