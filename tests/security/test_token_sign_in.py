"""sign_in by a signed token: who may come in, and everything that must keep others out."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any, cast

from joserfc.jwk import ECKey, RSAKey
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from tests.identity.provider import AUDIENCE, ISSUER, NOW, SETTINGS, StandInSource, claims, key, public, raw, token
from tests.web.harness import Answer, WebTestCase
from wrtcgw.daemon.composition import http_surface
from wrtcgw.errors import RegistrationRefused
from wrtcgw.gateway import HA1, Gateway
from wrtcgw.identity.keyring import FAILURE_PAUSE, FRESH, UNKNOWN_PAUSE, USABLE, KeyRing
from wrtcgw.identity.secrets import NoSecret, Secret
from wrtcgw.identity.settings import OIDCSettings
from wrtcgw.identity.tokens import TOKEN_LIMIT, TokenVerifier
from wrtcgw.web import Allowance, GatewaySite, HTTPSurface, WebSettings
from wrtcgw.web.tokens import IdentityParts

SIGN_IN = "/api/webrtc/sign_in"
SECRET = "from-the-vault"
PEM = cast(RSAKey, key("RSA", "k1")).as_pem(private=False)
"""What anybody can make of the key that the provider publishes."""


class StandInSecrets:
    """Gives every DN the same secret, unless there is none."""

    def __init__(self) -> None:
        self.failure = ""
        self.secret = Secret(password=SECRET)
        self.asked: list[str] = []

    async def secret_of(self, dn: str) -> Secret:
        """Return the secret of a DN."""
        self.asked.append(dn)
        if self.failure:
            raise NoSecret(self.failure)
        return self.secret


class TokenCase(WebTestCase):
    """A surface with an identity provider and a source of secrets behind it."""

    oidc = SETTINGS
    settings = WebSettings(session_idle=0.0, session_lifetime=0.0)

    def configure(self, settings: WebSettings) -> None:
        """Put the surface up, anew when it is up."""
        before: HTTPSurface | None = vars(self).get("surface")
        if before is not None:
            before.close()
        self.source = StandInSource(key("RSA", "k1"), key("EC", "e1"), key("OKP", "d1"))
        self.secrets = StandInSecrets()
        self.keys = KeyRing(self.source, self.clock.seconds)
        parts = IdentityParts(TokenVerifier(self.oidc, self.keys, self.wall), self.secrets)
        gateway = cast(Gateway, self.gateway)
        self.surface = http_surface(gateway, settings, self.clock, identity=parts)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return NOW + self.clock.seconds() - 1000

    def show(self, shown: str, **fields: Any) -> Answer:
        """Sign in with a token as Bearer."""
        return self.ask("POST", SIGN_IN, data=fields, headers={"Authorization": f"Bearer {shown}"})

    def refused(self, shown: str, code: str, *words: str, status: int = 401) -> None:
        """Check that a token is refused, and that the text says what is wrong without showing the token."""
        answer = self.show(shown, dn="5001")
        self.assertEqual(answer.error, (status, code), answer.text)
        for word in words:
            self.assertIn(word, answer.json["error"])
        for part in shown.split("."):
            if len(part) > 30:
                self.assertNotIn(part, answer.text)
        self.assertEqual(self.gateway.asked, [])
        if status == 401:
            self.assertIn('error="invalid_token"', answer.headers["www-authenticate"])


class ComingIn(TokenCase):
    """Tokens that are good."""

    def test_as_bearer(self) -> None:
        """The token may come as Authorization: Bearer; the SIP secret is the gateway's affair."""
        answer = self.show(token(), id="agent123", dn="5001")
        self.assertEqual(answer.code, 200, answer.text)
        self.assertEqual(self.gateway.asked, [("sign_in", "agent123", "5001", SECRET, "", False)])
        self.assertNotIn(SECRET, answer.text)

    def test_as_a_field(self) -> None:
        """It may come as the field token, in a form or in JSON."""
        for body in ({"data": {"token": token()}}, {"json": {"token": token()}}):
            self.assertEqual(self.ask("POST", SIGN_IN, **body).code, 200)
        self.assertEqual([asked[:4] for asked in self.gateway.asked], [("sign_in", "5001", "5001", SECRET)] * 2)

    def test_the_session_serves_as_any_other(self) -> None:
        """What sign_in returns is a session like one that a password has opened."""
        session = self.show(token(), id="agent123").headers["x-wrtc-session"]
        answer = self.ask("GET", "/api/webrtc/calls?id=agent123", headers={"Authorization": f"Bearer {session}"})
        self.assertEqual(answer.code, 200)

    def test_each_algorithm(self) -> None:
        """EdDSA, by both its names, ES256 and RS256 are taken."""
        for kind, kid, algorithm in (("OKP", "d1", "EdDSA"), ("OKP", "d1", "Ed25519"), ("EC", "e1", "ES256")):
            answer = self.show(token(kind=kind, kid=kid, algorithm=algorithm))
            self.assertEqual(answer.code, 200, answer.text)

    def test_no_kid(self) -> None:
        """A token without kid is judged by the keys that fit its algorithm."""
        self.assertEqual(self.show(token(kid="", signer=key("RSA", "k1"))).code, 200)

    def test_list_of_dns(self) -> None:
        """A claim may list DNs; one of them is signed in, the one that is asked for."""
        listed = token(claims(dn=["5001", "5002"]))
        self.assertEqual(self.show(listed, dn="5002").code, 200)
        self.assertEqual(self.gateway.asked[-1][2], "5002")
        answer = self.show(listed)
        self.assertEqual((answer.error, answer.json["dns"]), ((400, "dn_required"), ["5001", "5002"]))

    def test_dn_as_number(self) -> None:
        """A DN may be a number of JSON."""
        self.assertEqual(self.show(token(claims(dn=5001)), dn="5001").code, 200)

    def test_audience_list(self) -> None:
        """One of several audiences is enough."""
        self.assertEqual(self.show(token(claims(aud=["account", AUDIENCE]))).code, 200)

    def test_leeway(self) -> None:
        """Clocks may differ by the leeway."""
        self.assertEqual(self.show(token(claims(exp=NOW - 30, nbf=NOW + 30, iat=NOW + 30))).code, 200)

    def test_renewal_keeps_the_calls(self) -> None:
        """A later sign_in of the same agent with a new token keeps its calls, and ends the old session."""
        first = self.show(token(), id="agent123").headers["x-wrtc-session"]
        self.gateway.add_call("agent123", "call1")
        second = self.show(token(claims(exp=NOW + 900)), id="agent123").headers["x-wrtc-session"]
        calls = self.ask("GET", "/api/webrtc/calls?id=agent123", headers={"Authorization": f"Bearer {second}"})
        self.assertEqual([call["callId"] for call in calls.json["calls"]], ["call1"])
        old = self.ask("GET", "/api/webrtc/calls?id=agent123", headers={"Authorization": f"Bearer {first}"})
        self.assertEqual(old.error, (403, "foreign_session"))

    def test_a_session_outlives_its_token(self) -> None:
        """The token says who comes in; how long the session lasts is said by session_lifetime."""
        session = self.show(token(), id="agent123").headers["x-wrtc-session"]
        self.clock.advance(3600)
        answer = self.ask("GET", "/api/webrtc/calls?id=agent123", headers={"Authorization": f"Bearer {session}"})
        self.assertEqual(answer.code, 200)

    def test_password_beside(self) -> None:
        """Passwords go on to be taken; a page behind a proxy that adds a Bearer of its own may send one."""
        answer = self.show(token(), id="agent123", dn="5001", password="of-the-page")
        self.assertEqual((answer.code, self.gateway.asked[-1][3]), (200, "of-the-page"))
        fields = {"id": "agent123", "dn": "5001", "password": "x", "token": token()}
        self.assertEqual(self.ask("POST", SIGN_IN, data=fields).error, (400, "bad_input"))


class NotAToken(TokenCase):
    """What is no signed token, or can be read in two ways."""

    def test_shape(self) -> None:
        """Anything but three parts in base64url, each with an object, is malformed."""
        good = token()
        head, body, signature = good.split(".")
        for shown in (f"{head}.{body}", f"{good}.x", f"{head}.{body}.a.b", f"{head}.!!.{signature}", f".{body}.x"):
            self.refused(shown, "token_malformed", "expected", "found")
        for content in (
            b"\xff\xfe",
            b"[]",
            b'"x"',
            b"{",
            b"[" * 3000,
            b'{"exp": NaN}',
            b'{"exp": ' + b"9" * 2500 + b"e",
        ):
            self.refused(raw({"alg": "RS256"}, content), "token_malformed")
            self.refused(raw(content, claims()), "token_malformed")
        self.refused(raw({"alg": "RS256"}, b'{"exp": ' + b"9" * 5000 + b"}"), "token_malformed")

    def test_encrypted(self) -> None:
        """An encrypted token is named as such."""
        self.refused("a.b.c.d.e", "token_malformed", "an encrypted one")

    def test_duplicated_claims(self) -> None:
        """A claim that stands twice is refused, though it is signed: two readers could take two values."""
        text = json.dumps(claims())[:-1].encode() + b', "dn": "5002"}'
        self.refused(token(text), "token_malformed", "'dn' twice")

    def test_duplicated_header(self) -> None:
        """So is a field of the header that stands twice."""
        self.refused(raw(b'{"alg": "RS256", "alg": "none"}', claims()), "token_malformed", "'alg' twice")

    def test_huge(self) -> None:
        """A huge token is refused before anything is done with it."""
        answer = self.ask("POST", SIGN_IN, data={"token": token(claims(more="x" * TOKEN_LIMIT))})
        self.assertEqual(answer.error, (401, "token_too_large"))
        answer = self.ask("POST", SIGN_IN, data={"token": "a" * (TOKEN_LIMIT + 1)})
        self.assertEqual(answer.error, (401, "token_too_large"))
        self.assertIn(str(TOKEN_LIMIT), answer.json["error"])
        self.refused(token(header={"more": "x" * 5000}), "token_too_large", "header")
        self.assertEqual(self.source.asked, 0)

    def test_critical_extensions(self) -> None:
        """What a token declares critical is not understood here, so the token is refused (RFC 7515 section 4.1.11)."""
        extensions: tuple[dict[str, object], ...] = ({"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True})
        for more in extensions:
            self.refused(raw({"alg": "RS256", "kid": "k1", **more}, claims()), "token_malformed", "crit")
        self.refused(token(header={"crit": ["exp"], "exp": 1}), "token_malformed", "crit")

    def test_other_kinds_of_tokens(self) -> None:
        """A token that the provider signed for another purpose signs nobody in (RFC 8725 section 3.11)."""
        for kind in ("logout+jwt", "dpop+jwt", "secevent+jwt", 7, ""):
            self.refused(token(header={"typ": kind}), "token_malformed", "typ")
        for kind in ("at+jwt", "application/at+jwt", "jwt"):
            self.assertEqual(self.show(token(header={"typ": kind})).code, 200)


class Forged(TokenCase):
    """Signatures that are not the provider's."""

    def test_no_algorithm(self) -> None:
        """None is no algorithm, however it is written."""
        for name in ("none", "None", "NONE", "nOnE", "", None, 0, ["RS256"], {"alg": "RS256"}):
            self.refused(raw({"alg": name, "kid": "k1"}, claims(), b""), "token_algorithm", "EdDSA or ES256 or RS256")

    def test_shared_secret(self) -> None:
        """With HS256 the public key, which everybody has, would be the secret: the classical confusion."""
        for name, code in (("HS256", "token_algorithm"), ("RS256", "token_signature")):
            unsigned = raw({"alg": name, "kid": "k1"}, claims()).rpartition(".")[0]
            for secret in (PEM, PEM.strip(), json.dumps(public(key("RSA", "k1"))["keys"][0]).encode(), b""):
                made = hmac.digest(secret, unsigned.encode(), hashlib.sha256)
                self.refused(f"{unsigned}.{urlsafe_b64encode(made).decode().rstrip('=')}", code, name)

    def test_algorithm_of_another_kind_of_key(self) -> None:
        """The algorithm has to be that of the key."""
        self.refused(token(kind="EC", kid="e1", algorithm="ES256", header={"kid": "k1"}), "token_algorithm", "RSA")
        self.refused(token(header={"kid": "d1"}), "token_algorithm", "OKP Ed25519")

    def test_algorithm_that_the_key_is_not_for(self) -> None:
        """A key that names its algorithm is used with no other one, though that were allowed."""
        self.source.document = public(key("RSA", "k1"), alg="PS256")
        self.refused(token(), "token_algorithm", "PS256")

    def test_algorithm_that_is_not_allowed(self) -> None:
        """The list of allowed ones counts, not what the key can do."""
        self.refused(token(algorithm="PS256"), "token_algorithm", "PS256")

    def test_shared_secret_among_the_keys(self) -> None:
        """A secret among the provider's keys is never used."""
        self.source.document["keys"].append({"kty": "oct", "kid": "s1", "k": "c2VjcmV0", "alg": "RS256"})
        self.refused(token(header={"kid": "s1"}), "token_key_unknown")

    def test_other_key(self) -> None:
        """Another key with the same kid does not do."""
        self.refused(token(signer=key("RSA", "another")), "token_signature", "k1")

    def test_changed_content(self) -> None:
        """The signature covers header and claims."""
        head, body, signature = token().split(".")
        other = raw({}, claims(dn="5002")).split(".")[1]
        self.refused(f"{head}.{other}.{signature}", "token_signature")
        self.refused(
            f"{raw({'alg': 'RS256', 'kid': 'k1', 'x': 1}, {}).split('.')[0]}.{body}.{signature}", "token_signature"
        )

    def test_empty_signature(self) -> None:
        """No signature is none."""
        head, body, _ = token().split(".")
        for signature in ("", "A", "!", "AA"):
            self.refused(f"{head}.{body}.{signature}", "token_signature")
        zeros = urlsafe_b64encode(bytes(64)).decode().rstrip("=")  # r = s = 0, CVE-2022-21449
        head, body, _ = token(kind="EC", kid="e1", algorithm="ES256").split(".")
        self.refused(f"{head}.{body}.{zeros}", "token_signature")

    def test_own_key_in_the_token(self) -> None:
        """A token does not say by which key it wants to be believed: jwk, x5c, jku and x5u are not looked at."""
        mine = key("RSA", "mine")
        own = {
            "jwk": mine.as_dict(private=False),
            "jku": "https://evil.example/keys",
            "x5u": "https://evil.example/cert",
            "x5c": ["MIIB"],
        }
        for name, value in own.items():
            self.refused(token(signer=mine, header={name: value}), "token_signature")
        self.refused(token(kid="mine", signer=mine, header=own), "token_key_unknown", "k1")
        self.assertEqual(self.source.asked, 1)

    def test_they_do_not_harm_a_good_one(self) -> None:
        """A good token may have them."""
        self.assertEqual(self.show(token(header={"jku": "https://evil.example/keys", "x5c": "?"})).code, 200)

    def test_kid_that_is_a_path(self) -> None:
        """A kid is looked up in the list of keys, and nowhere else."""
        for kid in ("../../../../dev/null", "k1' OR '1'='1", "https://evil.example/k", "|id", "\x00k1", "k1\n"):
            self.refused(token(kid=kid, signer=key("RSA", "k1")), "token_key_unknown")
        others: tuple[object, ...] = (7, None, ["k1"], {"k": 1}, "k" * 300)
        for other in others:
            self.refused(token(header={"kid": other}), "token_malformed", "kid")

    def test_weak_curve(self) -> None:
        """ES256 goes with P-256 only."""
        odd = ECKey.generate_key("P-384", {"kid": "odd"})
        self.source.document = public(odd)
        self.refused(raw({"alg": "ES256", "kid": "odd"}, claims()), "token_algorithm", "P-384")


class Claims(TokenCase):
    """Signed claims that are not good enough."""

    def test_issuer(self) -> None:
        """The issuer is compared literally, and nobody is asked for the keys of another one."""
        others: tuple[object, ...] = ("https://evil.example", ISSUER + "/", ISSUER.upper(), [ISSUER], None, 7)
        for issuer in others:
            self.refused(token(claims(iss=issuer)), "token_issuer", ISSUER)
        self.assertEqual(self.source.asked, 0)

    def test_audience(self) -> None:
        """The audience has to be ours, alone or in a list."""
        audiences: tuple[object, ...] = (
            "account",
            ["account", "other"],
            [],
            AUDIENCE.upper(),
            f"{AUDIENCE} x",
            {AUDIENCE: 1},
            7,
        )
        for audience in audiences:
            self.refused(token(claims(aud=audience)), "token_audience", AUDIENCE)
        self.refused(token(claims(aud=None)), "token_claim", "aud")

    def test_expired(self) -> None:
        """A token is good until exp, and the leeway."""
        self.refused(token(claims(exp=NOW - 60)), "token_expired", "60 s ago")
        self.refused(token(claims(exp=-(10**400))), "token_expired")

    def test_no_expiry(self) -> None:
        """A token without exp would be good for ever."""
        for exp in (None, "1900000000", True, [NOW + 300]):
            self.refused(token(claims(exp=exp)), "token_claim", "exp")

    def test_not_yet_valid(self) -> None:
        """A token is good from nbf on; one that was issued in the future is odd."""
        self.refused(token(claims(nbf=NOW + 100)), "token_not_yet_valid", "nbf", "100 s")
        self.refused(token(claims(iat=NOW + 100)), "token_not_yet_valid", "iat")
        self.refused(token(claims(nbf=10**400)), "token_not_yet_valid")
        self.refused(token(claims(nbf="now")), "token_claim", "nbf")

    def test_no_dn(self) -> None:
        """The claim with the DN has to be there, and to hold texts."""
        for dn in (None, "", [], [""], {"5001": 1}, True, 50.1, ["5001", None], ["5001"] * 101, [["5001"]]):
            self.refused(token(claims(dn=dn)), "token_claim", "claim dn")

    def test_foreign_dn(self) -> None:
        """A DN that the token does not have is refused; a part of one, or another spelling, is another one."""
        for asked in ("5002", "500", "50011", "5001 ", "*"):
            answer = self.show(token(), dn=asked)
            self.assertEqual(answer.error, (403, "dn_not_allowed"))
            self.assertEqual(answer.json["dns"], ["5001"])
        self.assertEqual((self.gateway.asked, self.secrets.asked), ([], []))

    def test_claim_in_an_object(self) -> None:
        """The claim may be inside an object, as providers nest what belongs to one application."""
        self.oidc = OIDCSettings(issuer=ISSUER, audiences=(AUDIENCE,), dn_claim="telephony.dn")
        self.configure(self.settings)
        self.assertEqual(self.show(token(claims(telephony={"dn": "5007"}))).code, 200)
        self.assertEqual(self.show(token(claims(**{"telephony.dn": "5008"}))).code, 200)
        self.assertEqual([asked[2] for asked in self.gateway.asked], ["5007", "5008"])


class Keys(TokenCase):
    """The provider's keys: fetched, kept, changed."""

    def test_fetched_once(self) -> None:
        """Many sign_ins ask the provider once, also while it has not answered."""
        self.source.waiting = Deferred()
        shown = {"Authorization": f"Bearer {token()}"}
        pending = [self.begin("POST", SIGN_IN, headers=shown) for _ in range(5)]
        self.assertTrue(all(each.hangs for each in pending))
        self.source.waiting.callback(None)
        self.assertEqual({each.answer().code for each in pending}, {200})
        self.assertEqual(self.source.asked, 1)

    def test_rotation(self) -> None:
        """A kid that is not known lets the keys be fetched again; the old key is worth nothing then."""
        self.assertEqual(self.show(token()).code, 200)
        self.source.document = public(key("RSA", "k2"))
        self.clock.advance(UNKNOWN_PAUSE)
        self.assertEqual(self.show(token(kid="k2")).code, 200)
        self.gateway.asked.clear()
        self.refused(token(), "token_key_unknown", "k2")

    def test_invented_kids_are_no_load_for_the_provider(self) -> None:
        """Anybody can invent a kid: the provider is asked at most once in a while."""
        for number in range(20):
            self.refused(token(kid=f"x{number}", signer=key("RSA", "k1")), "token_key_unknown")
        self.assertEqual(self.source.asked, 1)
        self.clock.advance(UNKNOWN_PAUSE)
        self.refused(token(kid="y", signer=key("RSA", "k1")), "token_key_unknown")
        self.refused(token(kid="z", signer=key("RSA", "k1")), "token_key_unknown")
        self.assertEqual(self.source.asked, 2)

    def test_withdrawn_key(self) -> None:
        """A key that the provider has withdrawn goes with the next look, without any unknown kid."""
        self.assertEqual(self.show(token()).code, 200)
        self.source.document = public(key("EC", "e1"))
        self.clock.advance(FRESH)
        token_of_now = token(claims(exp=NOW + 5000))
        self.show(token_of_now)  # still with the old keys, while the new ones are fetched
        self.assertEqual(self.show(token_of_now).error, (401, "token_key_unknown"))

    def test_provider_is_down(self) -> None:
        """Without keys nobody can say whether a token is good: 503, and soon asked again."""
        self.source.failure = "no connection"
        self.refused(token(), "identity_provider_unavailable", "no connection", status=503)
        self.refused(token(), "identity_provider_unavailable", status=503)
        self.assertEqual(self.source.asked, 1)
        self.source.failure = ""
        self.clock.advance(FAILURE_PAUSE)
        self.assertEqual(self.show(token()).code, 200)

    def test_kept_keys_serve_while_it_is_down(self) -> None:
        """Keys that are there go on to be used, for a day; a kid that is not among them is 503."""
        self.assertEqual(self.show(token()).code, 200)
        self.source.failure = "HTTP status 500"
        self.clock.advance(FRESH * 3)
        later = token(claims(exp=NOW + 2 * USABLE))
        self.assertEqual(self.show(later).code, 200)
        self.gateway.asked.clear()
        new = token(kid="k9", signer=key("RSA", "k1"))
        self.refused(new, "identity_provider_unavailable", "HTTP status 500", status=503)
        self.clock.advance(USABLE)
        self.refused(later, "identity_provider_unavailable", status=503)

    def test_page_that_goes(self) -> None:
        """A page that goes while the keys are fetched takes nothing with it."""
        self.source.waiting = Deferred()
        page = self.wire()
        page.send("POST", SIGN_IN, Authorization=f"Bearer {token()}", Content_Length="0")
        page.lose()
        self.source.waiting.callback(None)
        self.assertEqual(self.show(token()).code, 200)


class Secrets(TokenCase):
    """The SIP secret, which no page ever sees."""

    def test_cannot_be_had(self) -> None:
        """Without the secret nobody is registered; the page hears that it may try again, the log why."""
        events: list[LogEvent] = []
        observer = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.secrets.failure = "the vault is sealed"
        answer = self.show(token())
        self.assertEqual(answer.error, (503, "secret_unavailable"))
        self.assertNotIn("vault", answer.text)
        self.assertTrue(any(event.get("cause") == "the vault is sealed" for event in events))

    def test_registrar_refuses_it(self) -> None:
        """That the registrar does not take it is not the agent's fault, and told so."""
        self.gateway.failure = RegistrationRefused("5001", 403, "Forbidden", credentials=True)
        answer = self.show(token())
        self.assertEqual((answer.error, answer.json["sipCode"]), ((502, "secret_refused"), 403))

    def test_hash(self) -> None:
        """A hash in place of the password goes to the registration as one."""
        self.secrets.secret = Secret(realm="example.org", ha1="0" * 32, algorithm="MD5")
        self.assertEqual(self.show(token()).code, 200)
        self.assertEqual(self.gateway.asked[-1][3], HA1("example.org", "0" * 32, "MD5"))

    def test_nothing_is_logged(self) -> None:
        """Neither token nor secret gets into the log, whatever comes of it."""
        events: list[LogEvent] = []
        observer = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        good, bad = token(), token(claims(exp=NOW - 999))
        for shown in (good, bad):
            self.show(shown)
        logged = repr(events)
        self.assertIn("5001", logged)
        for secret in (SECRET, good.split(".")[1], good.split(".")[2], bad.split(".")[1]):
            self.assertNotIn(secret, logged)
        self.assertNotIn(SECRET, repr(Secret(password=SECRET, realm="r", ha1=SECRET)))


class Audited(TokenCase):
    """What the audit log says of it."""

    def lines(self, shown: str, **fields: Any) -> list[str]:
        """Return the lines of one sign_in."""
        found: list[str] = []

        def take(event: LogEvent) -> None:
            if event["log_namespace"] == "wrtcgw.audit":
                found.append(event["line"])

        observer = cast(ILogObserver, take)
        globalLogPublisher.addObserver(observer)
        self.show(shown, **fields)
        globalLogPublisher.removeObserver(observer)
        return found

    def test_who_it_was(self) -> None:
        """It names the person at the provider beside the DN."""
        (line, _) = self.lines(token(), dn="5001")
        self.assertIn("event=token outcome=ok", line)
        self.assertIn("dn=5001 sub=ann", line)

    def test_why_not(self) -> None:
        """It says why a token was refused, and shows nothing of it."""
        for shown, code in ((token(claims(exp=NOW - 99)), "token_expired"), (token(claims(dn="1")), "dn_not_allowed")):
            (line,) = self.lines(shown, dn="5001")
            self.assertIn("event=token outcome=refused", line)
            self.assertIn(f"code={code}", line)
            self.assertNotIn(shown[:40], line)


class Ways(TokenCase):
    """Ways that a token must not take."""

    def test_in_an_address(self) -> None:
        """A token in an address stands in histories and logs: refused, by GET and by POST."""
        self.assertEqual(self.ask("POST", f"{SIGN_IN}?token={token()}").error, (400, "bad_input"))
        self.assertEqual(self.ask("GET", f"{SIGN_IN}?token={token()}").error, (400, "bad_input"))
        self.assertEqual(self.ask("GET", SIGN_IN, headers={"Authorization": f"Bearer {token()}"}).error[0], 405)
        self.assertEqual(self.gateway.asked, [])

    def test_as_a_session(self) -> None:
        """A token opens a session, and is none."""
        self.show(token(), id="agent123")
        answer = self.ask("GET", "/api/webrtc/calls?id=agent123", headers={"Authorization": f"Bearer {token()}"})
        self.assertEqual(answer.error, (403, "foreign_session"))

    def test_as_an_operator(self) -> None:
        """It makes nobody an operator."""
        self.configure(WebSettings(operator_token="for-operators"))
        answer = self.ask("GET", "/api/agents", headers={"Authorization": f"Bearer {token()}"})
        self.assertEqual(answer.code, 401)

    def test_many_bad_ones(self) -> None:
        """Bad tokens are charged to their address like wrong passwords; good ones are not."""
        self.configure(WebSettings(sign_in_per_address=Allowance(burst=3, per_second=0.1)))
        for _ in range(5):
            self.assertEqual(self.show(token()).code, 200)
        self.gateway.asked.clear()
        for _ in range(3):
            self.refused(token(claims(exp=NOW - 999)), "token_expired")
        self.assertEqual(self.show(token()).error, (429, "too_many_tries"))


class Off(WebTestCase):
    """A gateway without an identity provider."""

    def test_says_so(self) -> None:
        """A token is not taken, and the answer says which setting is missing."""
        for more in ({"data": {"token": token()}}, {"headers": {"Authorization": f"Bearer {token()}"}}):
            answer = self.ask("POST", SIGN_IN, **cast("dict[str, Any]", more))
            self.assertEqual(answer.error, (403, "tokens_not_accepted"))
            self.assertIn("oidc_issuer", answer.json["error"])
