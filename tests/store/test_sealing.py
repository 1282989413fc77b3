"""Secrets at rest: what opens them, and what does not."""

import hmac
from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.store.sealing import UnsealError, key_of_text, key_of_token, new_salt, seal, unseal

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SECRET = b"example.org:5f4dcc3b5aa765d61d8327deb882cf99"


def digest(key: bytes, text: bytes) -> bytes:
    """Return the HMAC with SHA-256."""
    return hmac.digest(key, text, "sha256")


class SealingTests(SynchronousTestCase):
    """seal and unseal."""

    def assert_closed(self, key: bytes, agent: str, sealed: bytes) -> None:
        """Assert that something does not open."""
        self.assertRaises(UnsealError, unseal, key, agent, sealed)

    def test_opens(self) -> None:
        """The key opens what it has sealed for the agent; nothing of it can be read meanwhile."""
        for agent in ("agent-1", "Ä 1", "half \ud83d", ""):
            for secret in (SECRET, b"", b"x" * 100_000):
                sealed = seal(KEY, agent, secret)
                self.assertEqual(unseal(KEY, agent, sealed), secret)
        self.assertNotIn(SECRET[-8:], seal(KEY, "a", SECRET))

    def test_never_twice_the_same(self) -> None:
        """Sealing twice gives different bytes: nobody sees that two agents have one password."""
        self.assertEqual(len({seal(KEY, "a", SECRET) for _ in range(100)}), 100)

    def test_other_key_or_agent(self) -> None:
        """Another key does not open it, nor is it good for another agent."""
        sealed = seal(KEY, "agent-1", SECRET)
        self.assert_closed(OTHER, "agent-1", sealed)
        for agent in ("agent-2", "agent-1 ", "", "AGENT-1"):
            self.assert_closed(KEY, agent, sealed)

    @given(st.data())
    def test_changed(self, data: st.DataObject) -> None:
        """No change of any byte, and no other length, opens."""
        sealed = seal(KEY, "a", SECRET)
        position = data.draw(st.integers(0, len(sealed) - 1))
        changed = bytearray(sealed)
        changed[position] ^= data.draw(st.integers(1, 255))
        self.assert_closed(KEY, "a", bytes(changed))
        self.assert_closed(KEY, "a", sealed[:position])
        self.assert_closed(KEY, "a", sealed + b"\0")

    def test_key_of_a_token(self) -> None:
        """A token opens what it has sealed, with the same salt; another token, or salt, does not."""
        salt, token = new_salt(), "kLq3-token"
        sealed = seal(key_of_token(token, salt), "a", SECRET)
        self.assertEqual(unseal(key_of_token(token, salt), "a", sealed), SECRET)
        self.assert_closed(key_of_token("kLq3-tokem", salt), "a", sealed)
        self.assert_closed(key_of_token(token, new_salt()), "a", sealed)

    def test_hkdf(self) -> None:
        """The derivation is RFC 5869: extract, then expand, with our purpose as its info."""
        salt, token = bytes(range(16)), "token"
        extracted = digest(salt, token.encode())
        self.assertEqual(key_of_token(token, salt), digest(extracted, b"wrtcgw secrets at rest\x01"))


class KeyTests(SynchronousTestCase):
    """Keys as text."""

    def test_read(self) -> None:
        """32 bytes in base64, however the lines are broken."""
        text = b64encode(KEY).decode()
        for form in (text, f"{text}\n", f"{text[:20]}\n{text[20:]}\n"):
            self.assertEqual(key_of_text(form), KEY)

    def test_faults(self) -> None:
        """What is wrong is told, and how to make a key, but not what was found."""
        for text, told in (
            (b64encode(KEY[:16]).decode(), "these are 16"),
            (b64encode(KEY + KEY).decode(), "these are 64"),
            (KEY.hex(), "these are 48"),
            ("not base64 at all!", "not base64"),
            ("", "these are 0"),
            ("ä" * 44, "not base64"),
        ):
            error = str(self.assertRaises(ValueError, key_of_text, text))
            self.assertIn(told, error)
            self.assertIn("openssl rand -base64 32", error)
            if text:
                self.assertNotIn(text, error)
