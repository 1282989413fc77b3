"""Scripts without their comments."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.browser.comments import uncommented

SCRIPT = b"""\
// what it is
/** One line. */
import { a } from "./a.js"; // stays

/**
 * Several ** lines / of * it.
 * @returns {string}
 */
export function b() {
  // within
  return "/* no comment */" + a(`//`) /* stays too */;
  /* before */ return 1;
}
/*! Licence of somebody. */
"""
BARE = b"""\


import { a } from "./a.js"; // stays





export function b() {

  return "/* no comment */" + a(`//`) /* stays too */;
  /* before */ return 1;
}
/*! Licence of somebody. */
"""


class Comments(SynchronousTestCase):
    """What is left out, and what is not."""

    def test_lines(self) -> None:
        """Whole lines go, the others keep their numbers."""
        self.assertEqual(uncommented(SCRIPT), BARE)

    def test_open_comment(self) -> None:
        """A comment that never ends is left for the browser to complain of."""
        self.assertEqual(uncommented(b"/* never\nb();\n"), b"/* never\nb();\n")
