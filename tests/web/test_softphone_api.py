"""The softphone's API for desktops: documented shapes, true states, and nothing to anybody without the token."""

from typing import Any, cast

from tests.web.harness import Answer, WebTestCase
from wrtcgw.calls.abilities import DEFAULT
from wrtcgw.calls.agent import RegistrationState

INACTIVE: list[tuple[str, str, Any, Any]] = [
    ("GET", "GetDnSIP", None, {"get_DnSIPResult": ""}),
    (
        "POST",
        "SetOptions",
        {
            "value": {
                "uri": "https://127.0.0.1:8000",
                "sip-server-address": "192.0.2.81:5060",
                "register-interval": 1500,
                "wait-user-max-attempts": 20,
                "register-max-attempts": 10,
                "ping-interval": 2000,
                "max-failed-ping": 10,
                "transport-protocol": "UDP",
                "policy.session.auto_answer": 0,
            }
        },
        {},
    ),
    ("POST", "SetSIPEndpointParameters", {"value": [{"Key": "SipEndpointTransportProtocol", "Value": "UDP"}]}, {}),
    ("POST", "RegisterDn/", {"addresses": ["192.0.2.81:5060"], "users": ["5001"]}, {"RegisterDnResult": False}),
    ("GET", "GetIsEndpointActive", None, {"get_IsEndpointActiveResult": False}),
    (
        "GET",
        "GetSIPEndpointParameters",
        None,
        {
            "get_SIPEndpointParametersResult": [
                {"Key": "EndpointStatus", "Value": "EndpointStatus_NotReady"},
                {"Key": "IsPingMandatory", "Value": "false"},
                {"Key": "Status", "Value": "Initialized"},
            ]
        },
    ),
    ("POST", "SetPingPeriod", {"value": 2000}, {}),
    ("GET", "Ping", None, {"PingResult": []}),
    ("POST", "UnregisterDn", {"users": ["5001"]}, {"UnregisterDnResult": False}),
]
"""What a desktop asks, in its order, and what it hears while no phone is there."""

ACTIVE = {
    "GetDnSIP": {"get_DnSIPResult": "5001"},
    "RegisterDn/": {"RegisterDnResult": True},
    "GetIsEndpointActive": {"get_IsEndpointActiveResult": True},
    "GetSIPEndpointParameters": {
        "get_SIPEndpointParametersResult": [
            {"Key": "EndpointStatus", "Value": "EndpointStatus_Ready"},
            {"Key": "IsPingMandatory", "Value": "false"},
            {"Key": "Status", "Value": "Initialized"},
        ]
    },
    "UnregisterDn": {"UnregisterDnResult": True},
}
"""What it hears instead while there is one."""


class SoftphoneCase(WebTestCase):
    """A desktop with an agent's token, or without."""

    token = ""

    def call(self, method: str, name: str, body: Any = None, **headers: str) -> Answer:
        """Ask as the desktop does."""
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        more: dict[str, Any] = {} if body is None else {"json": body}
        return self.ask(method, f"/softphone-api/{name}", headers=headers, **more)

    def come(self, agent_id: str = "agent123", dn: str = "5001") -> str:
        """Sign an agent in whose page listens; return its token."""
        token = self.sign_in(agent_id, dn)
        self.gateway.attend(agent_id)
        return token

    @property
    def is_active(self) -> bool:
        """Whether the desktop hears *active*; both ways of asking have to agree."""
        active = self.call("GET", "GetIsEndpointActive").json["get_IsEndpointActiveResult"]
        (status, *_) = self.call("GET", "GetSIPEndpointParameters").json["get_SIPEndpointParametersResult"]
        self.assertEqual(status["Value"], "EndpointStatus_Ready" if active else "EndpointStatus_NotReady")
        return cast(bool, active)

    def register(self, *users: str) -> bool:
        """Order a DN."""
        return cast(bool, self.call("POST", "RegisterDn/", {"users": users}).json["RegisterDnResult"])


class Shapes(SoftphoneCase):
    """The documented calls in the documented order."""

    def test_active(self) -> None:
        """The agent's own desktop hears what is true."""
        self.token = self.come()
        for method, name, body, inactive in INACTIVE:
            answer = self.call(method, name, body)
            self.assertEqual((answer.code, answer.json), (200, ACTIVE.get(name, inactive)), name)
        self.assertNotIn("agent123", [agent.id for agent in self.gateway.registry.agents()])

    def test_without_or_with_a_wrong_token(self) -> None:
        """Nobody else hears more than that there is no phone, whoever is signed in; not even by cookie and address."""
        token = self.come()
        cookie = f"wrtcgw_0={token}"
        for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic x"}, {"X-WRTC-Session": token}):
            for method, name, body, expected in INACTIVE:
                answer = self.call(method, name, body, Cookie=cookie, **headers)
                self.assertEqual((answer.code, answer.json), (200, expected), (name, headers))
        self.assertEqual(self.gateway.agent("agent123").dn, "5001")

    def test_volume_and_mute(self) -> None:
        """They are the page's: what is ordered is not done, and what is asked for is full volume, not muted."""
        self.token = self.come()
        for name, expected in (("GetSpeakerVolume", 100), ("GetMicrophoneMute", False)):
            self.assertEqual(self.call("GET", name).json, {f"get_{name[3:]}Result": expected})
        for name in ("SetMicrophoneVolume", "Mute", "UnmuteSpeaker"):
            self.assertEqual(self.call("POST", name, {"value": 1}).json, {f"{name}Result": False})

    def test_refused(self) -> None:
        """Unknown commands, wrong methods and bad bodies are told as errors that the desktop's page can read."""
        self.token = self.come()
        origin = {"Origin": "https://wwe.example.org"}
        for method, name, body, expected in (
            ("GET", "Answer", None, (404, "not_found")),
            ("GET", "", None, (404, "not_found")),
            ("GET", "Ping/../x", None, (404, "not_found")),
            ("POST", "Ping", {}, (405, "wrong_method")),
            ("GET", "RegisterDn", None, (405, "wrong_method")),
            ("PUT", "Mute", {}, (405, "wrong_method")),
            ("POST", "RegisterDn", {"users": "5001"}, (400, "bad_input")),
            ("POST", "RegisterDn", {"users": [True]}, (400, "bad_input")),
            ("POST", "UnregisterDn", {"users": [{}]}, (400, "bad_input")),
            ("POST", "RegisterDn", [1], (400, "bad_input")),
            ("POST", "SetOptions", {"value": "x" * 20_000}, (413, "body_too_large")),
        ):
            answer = self.call(method, name, body, **origin)
            self.assertEqual(answer.error, expected, (method, name))
            self.assertEqual(answer.headers["access-control-allow-origin"], origin["Origin"])


class States(SoftphoneCase):
    """Never *active* while the phone is not."""

    def setUp(self) -> None:
        super().setUp()
        self.token = self.come()
        self.agent = self.gateway.agent("agent123")

    def test_lost_registration(self) -> None:
        """A DN that the registrar does not hold is not active, and active again when it does."""
        for state in (RegistrationState.RECOVERING, RegistrationState.FAILED, RegistrationState.SIGNED_OUT):
            self.agent.registration = state
            self.assertFalse(self.is_active, state)
            self.assertEqual(self.call("GET", "GetDnSIP").json, {"get_DnSIPResult": ""})
            self.agent.registration = RegistrationState.REGISTERED
            self.assertTrue(self.is_active)

    def test_lost_page(self) -> None:
        """An agent whose page is gone is not active; the gap between two polls, or a reload, is no loss."""
        self.gateway.leave("agent123")
        self.agent.last_seen = self.clock.seconds()
        self.clock.advance(4.9)
        self.assertTrue(self.is_active)
        self.clock.advance(0.2)
        self.assertFalse(self.is_active)
        self.gateway.attend("agent123")
        self.assertTrue(self.is_active)

    def test_page_that_never_came(self) -> None:
        """A sign_in alone is no phone yet."""
        self.token = self.sign_in("other", "5002")
        self.gateway.agent("other").last_seen = None
        self.assertFalse(self.is_active)

    def test_sign_out(self) -> None:
        """With the session its token is worth nothing, also when the id is somebody's again."""
        self.ask("POST", "/api/webrtc/sign_out?id=agent123", headers={"Authorization": f"Bearer {self.token}"})
        self.assertFalse(self.is_active)
        new = self.come()
        self.assertFalse(self.is_active)
        self.token = new
        self.assertTrue(self.is_active)

    def test_replaced_session(self) -> None:
        """Of two sign-ins of one agent only the later one's token counts."""
        new = self.sign_in(headers={"Authorization": f"Bearer {self.token}"})
        self.assertFalse(self.is_active)
        self.token = new
        self.assertTrue(self.is_active)

    def test_other_dn(self) -> None:
        """A desktop that wants another DN must not start its session with this one, until it wants this one."""
        self.assertTrue(self.register("5001"))
        for users in (("5002",), ("5001", "5002"), ()):
            self.assertFalse(self.register(*users), users)
            self.assertFalse(self.is_active, users)
            self.assertTrue(self.register("5001"))
            self.assertTrue(self.is_active)

    def test_others_are_untouched(self) -> None:
        """What one desktop orders is nothing to another agent."""
        mine, self.token = self.token, self.come("other", "5002")
        self.assertFalse(self.register("5001"))
        self.assertFalse(self.call("POST", "UnregisterDn", {"users": ["5001"]}).json["UnregisterDnResult"])
        self.token = mine
        self.assertTrue(self.is_active)

    def test_guest(self) -> None:
        """A guest has no DN that a desktop could use."""
        self.agent.abilities = DEFAULT.as_guest()
        self.assertFalse(self.is_active)
        self.assertFalse(self.register("5001"))

    def test_unregister_in_a_call(self) -> None:
        """A desktop that logs out ends no call; it hears that it was not done, and the phone is not its any more."""
        self.gateway.add_call("agent123", "call")
        self.assertEqual(self.call("POST", "UnregisterDn", {}).json, {"UnregisterDnResult": False})
        self.assertFalse(self.is_active)
        self.assertIs(self.gateway.agent("agent123"), self.agent)
        self.assertTrue(self.register("5001"))
        self.assertTrue(self.is_active)

    def test_unregister(self) -> None:
        """Without a call it signs the agent out, and nobody else."""
        self.come("other", "5002")
        self.assertEqual(self.call("POST", "UnregisterDn").json, {"UnregisterDnResult": True})
        self.assertEqual([agent.id for agent in self.gateway.registry.agents()], ["other"])
        self.assertFalse(self.is_active)

    def test_silence(self) -> None:
        """A desktop that stops to ping changes nothing for the agent, nor for a call."""
        self.gateway.add_call("agent123", "call")
        self.assertEqual(self.call("GET", "Ping").json, {"PingResult": []})
        self.clock.advance(600)
        self.assertTrue(self.is_active)
        self.assertIn("call", self.agent.calls)

    def test_desktop_is_no_page(self) -> None:
        """Its questions do not keep an agent alive whose page is gone."""
        self.gateway.leave("agent123")
        self.agent.last_seen = self.clock.seconds()
        for _ in range(4):
            self.clock.advance(1.5)
            self.call("GET", "Ping")
            active = self.is_active
        self.assertFalse(active)


class SharingTests(SoftphoneCase):
    """Pages of any origin may call, also over the borders of networks."""

    def test_preflight(self) -> None:
        """OPTIONS names what is allowed, to an origin that is none as well."""
        for origin in ("null", "https://wwe.example.org"):
            answer = self.call(
                "OPTIONS",
                "RegisterDn/",
                Origin=origin,
                **{
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization,content-type",
                    "Access-Control-Request-Private-Network": "true",
                },
            )
            self.assertEqual(answer.code, 204)
            expected = {
                "access-control-allow-origin": origin,
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": "GET, POST, OPTIONS",
                "access-control-allow-headers": "authorization,content-type",
                "access-control-allow-private-network": "true",
            }
            self.assertEqual({name: answer.headers.get(name) for name in expected}, expected)

    def test_answers(self) -> None:
        """Answers can be read by the page that asked, and are kept by nobody."""
        answer = self.call("GET", "Ping", Origin="null")
        self.assertEqual(answer.headers["access-control-allow-origin"], "null")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertNotIn("access-control-allow-origin", self.call("GET", "Ping").headers)
