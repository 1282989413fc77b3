"""Bytes that are no UTF-8, where text leaves the program."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.texts import clean, utf8


class Texts(SynchronousTestCase):
    """The one rule for them."""

    def test_clean(self) -> None:
        """They are read as Windows-1252; what is no character even there is told as such."""
        for text, told in (
            ("Ann", "Ann"),
            ("J\u00fcrgen \u20ac", "J\u00fcrgen \u20ac"),
            ("J\udcfcrgen \udc80\udc81", "J\u00fcrgen \u20ac\ufffd"),
            ("\u00fc\udcfc", "\u00fc\u00fc"),
            ("half \ud83d", "half \ufffd"),
            ("", ""),
        ):
            self.assertEqual(clean(text), told)
            self.assertEqual(utf8(text), told.encode())
