"""Bytes that are no UTF-8, where text leaves the program."""

import json

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.texts import clean, json_line, utf8


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

    def test_json_line(self) -> None:
        """No reader finds an end in a line of JSON but the last one."""
        value = {"name": "J\udcfcrgen\u2028\u2029\x85\r\n\x0b"}
        line = json_line(value).decode()
        self.assertEqual(len(line.splitlines()), 1)
        self.assertEqual(json.loads(line), {"name": "J\u00fcrgen\u2028\u2029\x85\r\n\x0b"})
