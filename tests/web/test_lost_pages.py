"""Pages of the REST dialect that are lost: who says that it always listens is signed out then, others are kept."""

from tests.web.genesys.dialectcase import DialectCase

SIGN_IN = "/api/webrtc/sign_in"
FIELDS = {"id": "agent123", "dn": "5001", "password": "secret"}


class LostPages(DialectCase):
    """always_listens, a field of sign_in."""

    def kept(self, seconds: float, **fields: str) -> bool:
        """Sign in, never listen, and tell whether the agent is still there after so long."""
        self.assertEqual(self.ask("POST", SIGN_IN, data={**FIELDS, **fields}, headers={}).code, 200)
        self.run_for(seconds)
        return self.gateway.health().registered_agents == 1

    def test_always_listens(self) -> None:
        """It has page_grace to come back; then the DN is not registered any more."""
        self.assertTrue(self.kept(59, always_listens="1"))
        self.assertFalse(self.kept(61, always_listens="1"))
        self.assertIn("expires=0", self.far.registers[-1].headers.get("Contact") or "")

    def test_other_pages(self) -> None:
        """The seed's gadget polls in calls only; a sign_in that says so counts from then on."""
        self.assertTrue(self.kept(1, always_listens="true"))
        self.assertTrue(self.kept(200, always_listens="false"))
        self.assertTrue(self.kept(200))

    def test_neither(self) -> None:
        """Another word is refused."""
        answer = self.ask("POST", SIGN_IN, data={**FIELDS, "always_listens": "perhaps"}, headers={})
        self.assertEqual((answer.code, answer.json["field"]), (400, "always_listens"))
