"""Tests of digest authentication: the RFCs' own examples, and what servers in the field do (asked for as A23)."""

import hashlib
from collections.abc import Callable
from unittest import SkipTest

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.support.tokens import CountingTokens
from wrtcgw.sip import digest
from wrtcgw.sip.digest import HA1, Algorithm, Authenticator, Verifier, known_hashes
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.headers import Credentials
from wrtcgw.sip.message import Headers, Response
from wrtcgw.sip.settings import Account
from wrtcgw.sip.tokens import TokenSource

URI = "sip:example.org"

RFC_7616_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC_7616_OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
RFC_7616_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


class OneToken(CountingTokens):
    """Tokens that are all the same, for the cnonce of an example."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def token(self, bits: int = 128) -> str:
        return self.word


def make_authenticator(
    username: str = "alice", password: str = "wonder", tokens: TokenSource | None = None
) -> Authenticator:
    """Make an authenticator."""
    return Authenticator(username, password, tokens or CountingTokens())


def challenge(realm: str = "example.org", nonce: str = "n1", rest: str = 'qop="auth", algorithm=MD5') -> str:
    """Make the value of a challenge."""
    return f'Digest realm="{realm}", nonce="{nonce}", {rest}'


def unauthorized(*values: str) -> Response:
    """Make a 401 with these challenges."""
    return Response(401, "Unauthorized", Headers(("WWW-Authenticate", value) for value in values))


def proxy_unauthorized(*values: str) -> Response:
    """Make a 407 with these challenges."""
    return Response(407, "Proxy Authentication Required", Headers(("Proxy-Authenticate", value) for value in values))


def reference(hash_name: str, *parts: str) -> str:
    """Hash parts joined by colons, by hashlib alone."""
    return hashlib.new(hash_name, ":".join(parts).encode()).hexdigest()


class DigestTestCase(SynchronousTestCase):
    """What the tests of the client share."""

    def answer(
        self, authenticator: Authenticator, response: Response, *, tried: bool = False, body: str = ""
    ) -> list[Credentials]:
        """Answer a challenge to a REGISTER, and give the credentials."""
        fields = authenticator.answer(response, "REGISTER", URI, body, tried)
        assert fields is not None, "it gave up"
        return [Credentials.parse(value) for _, value in fields]

    def answer_one(
        self, authenticator: Authenticator, response: Response, *, tried: bool = False, body: str = ""
    ) -> Credentials:
        """Answer a challenge for which there has to be one field."""
        (credentials,) = self.answer(authenticator, response, tried=tried, body=body)
        return credentials

    def assert_gives_up(self, authenticator: Authenticator, response: Response, *, tried: bool = False) -> None:
        """Check that there is no use in another try."""
        self.assertIs(authenticator.answer(response, "REGISTER", URI, "", tried), None)


class ExampleTests(DigestTestCase):
    """The examples of RFC 2617 and RFC 7616, which are HTTP requests."""

    def get(self, authenticator: Authenticator, uri: str, *values: str) -> str:
        """Answer a challenge to GET, and give the one field."""
        fields = authenticator.answer(unauthorized(*values), "GET", uri, "", False)
        assert fields is not None
        ((name, value),) = fields
        self.assertEqual(name, "Authorization")
        return value

    def test_rfc_2617(self) -> None:
        """RFC 2617 3.5: MD5 by default, auth chosen of a list."""
        authenticator = make_authenticator("Mufasa", "Circle Of Life", OneToken("0a4f113b"))
        value = self.get(
            authenticator,
            "/dir/index.html",
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        )
        self.assertEqual(
            value,
            'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
            'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        )

    def mufasa(self, algorithm: str) -> str:
        """Make a challenge of RFC 7616 3.9.1."""
        return (
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            f'nonce="{RFC_7616_NONCE}", opaque="{RFC_7616_OPAQUE}"'
        )

    def test_rfc_7616_md5(self) -> None:
        """RFC 7616 3.9.1, MD5."""
        authenticator = make_authenticator("Mufasa", "Circle of Life", OneToken(RFC_7616_CNONCE))
        value = self.get(authenticator, "/dir/index.html", self.mufasa("MD5"))
        self.assertEqual(Credentials.parse(value).params["response"], "8ca523f5e9506fed4657c9700eebdbec")
        self.assertIn("algorithm=MD5,", value)

    def test_rfc_7616_sha_256(self) -> None:
        """RFC 7616 3.9.1 with both challenges, in either order: the stronger one is answered."""
        offers = [self.mufasa("SHA-256"), self.mufasa("MD5")]
        for values in (offers, offers[::-1]):
            authenticator = make_authenticator("Mufasa", "Circle of Life", OneToken(RFC_7616_CNONCE))
            params = Credentials.parse(self.get(authenticator, "/dir/index.html", *values)).params
            self.assertEqual(params["response"], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")
            self.assertEqual((params["algorithm"], params["opaque"]), ("SHA-256", RFC_7616_OPAQUE))

    def doe(self, nonce: str, cnonce: str, function: Callable[..., str]) -> tuple[str, str]:
        """Compute username and response of RFC 7616 3.9.2 with a hash function."""
        username = function("Jäsøn Doe", "api@example.org")
        ha1 = function("Jäsøn Doe", "api@example.org", "Secret, or not?")
        return username, function(ha1, nonce, "00000001", cnonce, "auth", function("GET", "/doe.json"))

    def test_rfc_7616_sha_512_256(self) -> None:
        """
        RFC 7616 3.9.2: SHA-512/256 with a hashed name that is not ASCII.

        The digests that the RFC prints are SHA-512 cut to 256 bits, which is another function than SHA-512/256. So the
        expected values are computed step by step, and the steps are checked with the function that the RFC took.
        """
        if "sha512_256" not in hashlib.algorithms_available:
            raise SkipTest("this OpenSSL has no SHA-512/256")
        nonce, cnonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
        authenticator = make_authenticator("Jäsøn Doe", "Secret, or not?", OneToken(cnonce))
        value = self.get(
            authenticator,
            "/doe.json",
            f'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="{nonce}", '
            'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
        )
        printed = self.doe(nonce, cnonce, lambda *parts: reference("sha512", *parts)[:64])
        self.assertEqual(
            printed,
            (
                "488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec",
                "ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd",
            ),
        )
        params = Credentials.parse(value).params
        expected = self.doe(nonce, cnonce, lambda *parts: reference("sha512_256", *parts))
        self.assertEqual((params["username"], params["response"]), expected)
        self.assertTrue(value.endswith(", userhash=true"), value)


class ComputationTests(DigestTestCase):
    """The response of each variant, against hashlib."""

    def test_no_qop(self) -> None:
        """A challenge without qop gets an answer as in RFC 2069: no nc, no cnonce."""
        for rest in ("algorithm=MD5", 'qop=""', "stale=false"):
            params = self.answer_one(make_authenticator(), unauthorized(challenge(rest=rest))).params
            expected = reference(
                "md5",
                reference("md5", "alice", "example.org", "wonder"),
                "n1",
                reference("md5", "REGISTER", URI),
            )
            self.assertEqual(params["response"], expected)
            self.assertEqual(params.keys() & {"qop", "nc", "cnonce"}, set())

    def test_auth_int(self) -> None:
        """Where only auth-int is offered, the body is hashed too; no body counts as an empty one."""
        for body in ("", "v=0\r\n", "grün \udcff"):
            params = self.answer_one(
                make_authenticator(), unauthorized(challenge(rest='qop="auth-int"')), body=body
            ).params
            entity = hashlib.md5(body.encode("utf-8", "surrogateescape")).hexdigest()
            expected = reference(
                "md5",
                reference("md5", "alice", "example.org", "wonder"),
                "n1",
                "00000001",
                "t1",
                "auth-int",
                reference("md5", "REGISTER", URI, entity),
            )
            self.assertEqual((params["qop"], params["response"]), ("auth-int", expected))

    def test_session(self) -> None:
        """In a session variant the nonces go into H(A1), and the cnonce of the session stays the same."""
        for name, function in (("MD5-sess", "md5"), ("SHA-256-sess", "sha256"), ("md5-SESS", "md5")):
            authenticator = make_authenticator()
            rest = f'qop="auth", algorithm={name}'
            first = self.answer_one(authenticator, unauthorized(challenge(rest=rest))).params
            ((_, value),) = authenticator.cached("REGISTER", URI, "")
            second = Credentials.parse(value).params
            ha1 = reference(function, reference(function, "alice", "example.org", "wonder"), "n1", "t1")
            ha2 = reference(function, "REGISTER", URI)
            for params, count in ((first, "00000001"), (second, "00000002")):
                self.assertEqual(params["response"], reference(function, ha1, "n1", count, "t1", "auth", ha2))
                self.assertEqual((params["algorithm"], params["cnonce"], params["nc"]), (name, "t1", count))

    def test_session_without_qop(self) -> None:
        """A session variant without qop cannot be answered: without qop there must be no cnonce."""
        self.assert_gives_up(make_authenticator(), unauthorized(challenge(rest="algorithm=MD5-sess")))

    def test_odd_names_and_passwords(self) -> None:
        """Colon, quote, backslash, at sign and UTF-8 are hashed as they are and arrive as they are."""
        for word in (
            "a:b",
            'say "hi"',
            "back\\slash",
            "user@example.org",
            "Jäsøn",
            "密码",
            "with space",
            "a,b;c=d",
            "",
        ):
            params = self.answer_one(make_authenticator(word, word), unauthorized(challenge())).params
            ha1 = reference("md5", word, "example.org", word)
            ha2 = reference("md5", "REGISTER", URI)
            self.assertEqual(params["username"], word)
            self.assertEqual(params["response"], reference("md5", ha1, "n1", "00000001", "t1", "auth", ha2))

    def test_realm_with_comma(self) -> None:
        """Commas, quotes and equal signs in a quoted realm are part of it."""
        value = r'Digest realm="Example, \"Inc\" qop=auth,auth-int", nonce="n1", qop="auth"'
        params = self.answer_one(make_authenticator(), unauthorized(value)).params
        self.assertEqual(params["realm"], 'Example, "Inc" qop=auth,auth-int')

    def test_text_that_is_no_utf_8(self) -> None:
        """A lone surrogate is refused when the account is made, by an error that does not show the password."""
        error = self.assertRaises(LocalViolation, make_authenticator, "alice", "secret\ud800")
        self.assertNotIn("secret", f"{error!r} {error} {error.__cause__!r}")

    def test_missing_hash(self) -> None:
        """A hash function that this build of OpenSSL lacks is an algorithm that is not known."""
        self.assertEqual(list(known_hashes({"md5", "sha256", "sha1"})), ["SHA-256", "MD5"])
        self.assertIs(Algorithm.parse("SHA-1"), None)

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0")), st.text(st.characters(codec="utf-8")))
    def test_server_agrees(self, username: str, password: str) -> None:
        """Whatever name and password: the server side finds right what the client side makes of them."""
        verifier = Verifier("example.org", CountingTokens())
        fields = make_authenticator(username, password).answer(
            unauthorized(verifier.challenge()), "INVITE", URI, "", False
        )
        assert fields is not None
        self.assertEqual(verifier.verify(fields[0][1], "INVITE", {username: password}.get), username)


class OfferTests(DigestTestCase):
    """Which challenge of a response is answered."""

    def test_strongest(self) -> None:
        """The strongest known algorithm wins wherever it stands; of equals the topmost."""
        response = unauthorized(
            challenge(nonce="a"),
            challenge(nonce="b", rest='qop="auth", algorithm=SHA-256-sess'),
            challenge(nonce="c", rest='qop="auth", algorithm=SHA-256'),
        )
        self.assertEqual(self.answer_one(make_authenticator(), response).params["nonce"], "b")

    def test_unknown_algorithms(self) -> None:
        """Unknown algorithms and schemes are passed over, and with them alone there is no answer."""
        unknown = [challenge(rest=f'qop="auth", algorithm={name}') for name in ("AKAv1-MD5", "SHA-3", "token", '""')]
        others = ['Basic realm="example.org"', "Negotiate", "Bearer authz_server=x"]
        response = unauthorized(*unknown, *others, challenge(nonce="good"))
        self.assertEqual(self.answer_one(make_authenticator(), response).params["nonce"], "good")
        self.assert_gives_up(make_authenticator(), unauthorized(*unknown, *others))

    def test_no_challenge(self) -> None:
        """A 401 without a challenge ends the matter."""
        self.assert_gives_up(make_authenticator(), unauthorized())

    def test_malformed_challenges(self) -> None:
        """Challenges that cannot be read, or lack realm or nonce, are passed over."""
        malformed = ["", "Digest", 'Digest realm="example.org"', 'Digest nonce="x"', "Digest realm=, nonce", '"', "=,="]
        self.assert_gives_up(make_authenticator(), unauthorized(*malformed))
        response = unauthorized(*malformed, challenge())
        self.assertEqual(self.answer_one(make_authenticator(), response).params["nonce"], "n1")

    def test_spellings(self) -> None:
        """Case of scheme, names and tokens does not matter, nor do spaces or quotes where none belong."""
        value = 'dIGEST  REALM = "example.org" ,Nonce="n1" , QOP="AUTH-INT , AUTH", ALGORITHM="md5"'
        params = self.answer_one(make_authenticator(), unauthorized(value)).params
        self.assertEqual((params["qop"], params["algorithm"], params["realm"]), ("auth", "md5", "example.org"))

    def test_qop_list(self) -> None:
        """Auth is chosen of a list, quoted or bare, with options that nobody knows, or with a comma left over."""
        for rest in (
            'qop="auth-int,auth"',
            'qop="foo, auth"',
            "qop=auth",
            "qop=auth-int, auth, algorithm=MD5",
            'qop="auth",',
        ):
            params = self.answer_one(make_authenticator(), unauthorized(challenge(rest=rest))).params
            self.assertEqual(params["qop"], "auth", rest)

    def test_unknown_qop(self) -> None:
        """A challenge that offers only unknown options cannot be answered."""
        self.assert_gives_up(make_authenticator(), unauthorized(challenge(rest='qop="foo,bar"')))

    def test_opaque(self) -> None:
        """Opaque comes back unchanged, even when it is empty, and is left out when there was none."""
        for opaque in ("", "abc==", r"\"x\""):
            response = unauthorized(challenge(rest=f'qop="auth", opaque="{opaque}"'))
            params = self.answer_one(make_authenticator(), response).params
            self.assertEqual(params["opaque"], opaque.replace("\\", ""))
        self.assertNotIn("opaque", self.answer_one(make_authenticator(), unauthorized(challenge())).params)

    def test_realms(self) -> None:
        """An authenticator that is bound to its realms says nothing to others."""
        authenticator = Authenticator("alice", "wonder", CountingTokens(), realms={"example.org"})
        self.assert_gives_up(authenticator, unauthorized(challenge("evil.example.net")))
        response = unauthorized(challenge("evil.example.net"), challenge())
        self.assertEqual(self.answer_one(authenticator, response).params["realm"], "example.org")

    def test_acknowledgement_and_cancellation(self) -> None:
        """ACK and CANCEL are never challenged, and get no credentials of their own."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        for method in ("ACK", "CANCEL"):
            self.assertIs(authenticator.answer(unauthorized(challenge()), method, URI, "", False), None)
            self.assertEqual(authenticator.cached(method, URI, ""), [])


class CountTests(DigestTestCase):
    """Nonce counts and what is remembered from one request to the next."""

    def test_nothing_known(self) -> None:
        """Before the first challenge there is nothing to add to a request."""
        self.assertEqual(make_authenticator().cached("REGISTER", URI, ""), [])

    def test_counts_up(self) -> None:
        """Each request counts the nonce up, whatever its method: REGISTER, INVITE, re-INVITE, BYE."""
        authenticator = make_authenticator()
        first = self.answer_one(authenticator, unauthorized(challenge()))
        counts = [first.params["nc"]]
        for method in ("INVITE", "INVITE", "BYE"):
            ((name, value),) = authenticator.cached(method, "sip:bob@example.org", "")
            params = Credentials.parse(value).params
            counts.append(params["nc"])
            ha2 = reference("md5", method, "sip:bob@example.org")
            ha1 = reference("md5", "alice", "example.org", "wonder")
            self.assertEqual(params["response"], reference("md5", ha1, "n1", params["nc"], "t1", "auth", ha2))
            self.assertEqual((name, params["uri"]), ("Authorization", "sip:bob@example.org"))
        self.assertEqual(counts, ["00000001", "00000002", "00000003", "00000004"])

    def test_hexadecimal(self) -> None:
        """The count is eight hexadecimal digits."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        values = [authenticator.cached("INFO", URI, "")[0][1] for _ in range(15)]
        self.assertIn("nc=0000000f,", values[13])
        self.assertIn("nc=00000010,", values[14])

    def test_new_nonce(self) -> None:
        """A new nonce starts again at one, with a new cnonce."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        authenticator.cached("REGISTER", URI, "")
        params = self.answer_one(authenticator, unauthorized(challenge(nonce="n2"))).params
        self.assertEqual((params["nonce"], params["nc"], params["cnonce"]), ("n2", "00000001", "t2"))

    def test_same_nonce_again(self) -> None:
        """A server that challenges with the nonce it gave before gets the next count, or it would see a replay."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        authenticator.cached("REGISTER", URI, "")
        params = self.answer_one(authenticator, unauthorized(challenge(rest='qop="auth-int"'))).params
        self.assertEqual((params["nc"], params["cnonce"], params["qop"]), ("00000003", "t1", "auth-int"))

    def test_same_nonce_other_algorithm(self) -> None:
        """With another algorithm the same nonce is a new session."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        response = unauthorized(challenge(rest='qop="auth", algorithm=SHA-256'))
        params = self.answer_one(authenticator, response).params
        self.assertEqual((params["nc"], len(params["response"])), ("00000001", 64))

    def test_memory_is_bounded(self) -> None:
        """Peers that invent realms cannot make it grow; what was used last stays."""
        authenticator = make_authenticator()
        for number in range(50):
            self.answer(authenticator, unauthorized(challenge(f"realm{number}")))
        realms = [Credentials.parse(value).params["realm"] for _, value in authenticator.cached("INFO", URI, "")]
        self.assertEqual(realms, [f"realm{number}" for number in range(42, 50)])
        flood = unauthorized(*(challenge(f"flood{number}") for number in range(50)))
        self.assertEqual(len(self.answer(authenticator, flood)), digest.MAX_SPACES)

    def test_no_secret_in_repr(self) -> None:
        """No repr shows the password, a hash of it, or a response."""
        authenticator = make_authenticator()
        params = self.answer_one(authenticator, unauthorized(challenge())).params
        shown = f"{authenticator!r} {authenticator._spaces!r} {Verifier('example.org', CountingTokens())!r}"
        for secret in ("wonder", reference("md5", "alice", "example.org", "wonder"), params["response"]):
            self.assertNotIn(secret, shown)
        self.assertIn("alice", shown)


class RetryTests(DigestTestCase):
    """When another try is of use, and when it is not."""

    def test_wrong_password(self) -> None:
        """A challenge for credentials on a nonce that was just given means that they are wrong."""
        for nonce in ("n2", "n1"):
            authenticator = make_authenticator()
            self.answer(authenticator, unauthorized(challenge()))
            self.assert_gives_up(authenticator, unauthorized(challenge(nonce=nonce)), tried=True)
            self.assertEqual(authenticator.cached("REGISTER", URI, ""), [], "wrong credentials are not kept")

    def test_remembered_nonce(self) -> None:
        """A challenge for a remembered nonce is answered once without stale=true; the second one is a refusal."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        authenticator.cached("REGISTER", URI, "")
        params = self.answer_one(authenticator, unauthorized(challenge(nonce="n2"))).params
        self.assertEqual(params["nonce"], "n2")
        self.assert_gives_up(authenticator, unauthorized(challenge(nonce="n3")), tried=True)

    def test_later_request(self) -> None:
        """A request without credentials is answered again and again: nothing was refused."""
        authenticator = make_authenticator()
        for number in range(5):
            self.answer(authenticator, unauthorized(challenge(nonce=f"n{number}")))

    def test_stale(self) -> None:
        """With stale=true a fresh nonce is replaced once; a server that says so for ever is left."""
        for spelling in ("true", "TRUE", '"true"'):
            authenticator = make_authenticator()
            rest = f'qop="auth", stale={spelling}'
            self.answer(authenticator, unauthorized(challenge()))
            params = self.answer_one(authenticator, unauthorized(challenge(nonce="n2", rest=rest)), tried=True).params
            self.assertEqual((params["nonce"], params["nc"]), ("n2", "00000001"))
            self.assert_gives_up(authenticator, unauthorized(challenge(nonce="n3", rest=rest)), tried=True)

    def test_stale_for_remembered_nonce(self) -> None:
        """The stale=true of a remembered nonce does not use up the one retry for a fresh nonce."""
        rest = 'qop="auth", stale=true'
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        authenticator.cached("REGISTER", URI, "")
        self.answer(authenticator, unauthorized(challenge(nonce="n2", rest=rest)))
        self.answer(authenticator, unauthorized(challenge(nonce="n3", rest=rest)), tried=True)
        self.assert_gives_up(authenticator, unauthorized(challenge(nonce="n4", rest=rest)), tried=True)

    def test_registrar_and_proxy(self) -> None:
        """A 407 after the 401 is answered, and both credentials go along, each with its own count."""
        for tried_realm in ("example.org", "proxy.example.org"):
            authenticator = make_authenticator()
            self.answer(authenticator, unauthorized(challenge()))
            response = proxy_unauthorized(challenge(tried_realm, "p1"))
            fields = authenticator.answer(response, "REGISTER", URI, "", True)
            assert fields is not None
            self.assertEqual([name for name, _ in fields], ["Authorization", "Proxy-Authorization"])
            counts = [Credentials.parse(value).params["nc"] for _, value in fields]
            self.assertEqual(counts, ["00000002", "00000001"])
            self.assert_gives_up(authenticator, proxy_unauthorized(challenge(tried_realm, "p2")), tried=True)

    def test_remembered_nonces_of_both(self) -> None:
        """When both remembered nonces are too old, each is replaced in turn though the request was tried before."""
        authenticator = make_authenticator()
        self.answer(authenticator, unauthorized(challenge()))
        self.answer(authenticator, proxy_unauthorized(challenge("proxy", "p1")), tried=True)
        authenticator.cached("INVITE", URI, "")
        self.answer(authenticator, proxy_unauthorized(challenge("proxy", "p2")))
        last = self.answer(authenticator, unauthorized(challenge(nonce="n2")), tried=True)
        self.assertEqual([credentials.params["nonce"] for credentials in last], ["p2", "n2"])

    def test_two_realms_at_once(self) -> None:
        """A response with challenges of several realms, in both fields, gets credentials for each of them."""
        response = unauthorized(challenge("a", "na"), challenge("b", "nb"))
        response.headers.add("Proxy-Authenticate", challenge("a", "np"))
        authenticator = make_authenticator()
        fields = authenticator.answer(response, "INVITE", URI, "", False)
        assert fields is not None
        found = [(name, Credentials.parse(value).params["nonce"]) for name, value in fields]
        self.assertEqual(found, [("Authorization", "na"), ("Authorization", "nb"), ("Proxy-Authorization", "np")])


class VerifierTests(DigestTestCase):
    """The server side."""

    def setUp(self) -> None:
        self.verifier = Verifier("example.org", CountingTokens())
        self.authenticator = make_authenticator()
        self.passwords = {"alice": "wonder"}

    def credentials(self, now: float = 0.0) -> str:
        """Let the client answer a challenge to INVITE."""
        fields = self.authenticator.answer(unauthorized(self.verifier.challenge(now)), "INVITE", URI, "", False)
        assert fields is not None
        return fields[0][1]

    def check(self, value: str, now: float = 0.0, method: str = "INVITE") -> tuple[str | None, bool]:
        """Let the server check credentials."""
        verdict = self.verifier.check(value, method, self.passwords.get, now)
        return verdict.username, verdict.stale

    def test_challenge(self) -> None:
        """A challenge has all its parts, a new nonce each time, and stale only when asked for."""
        self.assertEqual(
            [self.verifier.challenge(), self.verifier.challenge(stale=True)],
            [
                'Digest realm="example.org", nonce="t1", algorithm=SHA-256, qop="auth"',
                'Digest realm="example.org", nonce="t2", algorithm=SHA-256, qop="auth", stale=true',
            ],
        )

    def test_right(self) -> None:
        """Right credentials give the user, and remembered ones with a higher count do so again."""
        self.assertEqual(self.check(self.credentials()), ("alice", False))
        ((_, value),) = self.authenticator.cached("BYE", "sip:bob@example.org", "")
        self.assertEqual(self.verifier.verify(value, "BYE", self.passwords.get), "alice")

    def test_replay(self) -> None:
        """The same credentials are not good twice."""
        value = self.credentials()
        self.check(value)
        self.assertEqual(self.check(value), (None, True))

    def test_expiry(self) -> None:
        """A nonce is good for its lifetime, and stale from then on."""
        value = self.credentials(now=100.0)
        self.assertEqual(self.check(value, now=400.0), (None, True))
        value = self.credentials(now=100.0)
        self.assertEqual(self.check(value, now=399.9), ("alice", False))

    def test_foreign_nonce(self) -> None:
        """Right credentials for a nonce that is not ours, or that was forgotten, are stale."""
        value = self.credentials()
        for _ in range(digest.MAX_NONCES):
            self.verifier.challenge()
        self.assertEqual(self.check(value), (None, True))

    def test_wrong(self) -> None:
        """A wrong password, user, method or realm is not stale: it is wrong."""
        value = self.credentials()
        self.assertEqual(self.check(value, method="BYE"), (None, False))
        self.assertEqual(self.check(value.replace("alice", "bob")), (None, False))
        self.assertEqual(self.check(value.replace("example.org", "example.net", 1)), (None, False))
        self.passwords["alice"] = "other"
        self.assertEqual(self.check(value), (None, False))

    def test_malformed(self) -> None:
        """Whatever a peer sends is refused without an exception."""
        value = self.credentials()
        for broken in (
            "",
            "Digest",
            "=",
            'Digest username="alice"',
            value.replace("nc=00000001", "nc=1"),
            value.replace("nc=00000001", "nc=zzzzzzzz"),
            value.replace("nc=00000001, ", ""),
            value.replace("qop=auth, ", ""),
            value.replace("qop=auth,", "qop=auth-int,"),
            value.replace("SHA-256", "MD5"),
            value.replace("algorithm=SHA-256", "x=y"),
            value.replace('response="', 'response="é'),
        ):
            self.assertEqual(self.check(broken), (None, False), broken)

    def test_without_qop(self) -> None:
        """Credentials as in RFC 2069 are taken, once for each nonce; a session variant does not take them."""
        nonce = str(self.verifier.challenge()).split('nonce="')[1].split('"')[0]
        ha1 = reference("sha256", "alice", "example.org", "wonder")
        response = reference("sha256", ha1, nonce, reference("sha256", "INVITE", URI))
        value = f'Digest username="alice", realm="example.org", nonce="{nonce}", uri="{URI}", response="{response}"'
        self.assertEqual(self.check(f"{value}, algorithm=SHA-256"), ("alice", False))
        self.assertEqual(self.check(f"{value}, algorithm=SHA-256"), (None, True))
        self.verifier = Verifier("example.org", CountingTokens(), algorithm="SHA-256-sess")
        self.assertEqual(self.check(f"{value}, algorithm=SHA-256-sess"), (None, False))

    def test_policies(self) -> None:
        """Each algorithm and quality of protection that can be set works with the client."""
        for algorithm in ("MD5", "MD5-sess", "SHA-256", "SHA-256-sess"):
            for qop in ("auth", "auth-int", "auth,auth-int"):
                verifier = Verifier("example.org", CountingTokens(), algorithm=algorithm, qop=qop)
                for _ in range(2):
                    response = unauthorized(verifier.challenge())
                    fields = make_authenticator().answer(response, "MESSAGE", URI, "hello", False)
                    assert fields is not None
                    value = fields[0][1]
                    if qop == "auth-int":
                        self.assertIs(verifier.verify(value, "MESSAGE", self.passwords.get, body="hullo"), None)
                    self.assertEqual(verifier.verify(value, "MESSAGE", self.passwords.get, body="hello"), "alice")

    def test_unknown_algorithm(self) -> None:
        """A verifier for an algorithm that is not known cannot be made."""
        with self.assertRaises(LocalViolation):
            Verifier("example.org", CountingTokens(), algorithm="SHA-1")


class HashInPlaceOfThePassword(DigestTestCase):
    """Credentials made from HA1 (RFC 7616 section 3.4.2)."""

    def test_same_answer(self) -> None:
        """The answer is that of the password, for each algorithm and its session variant."""
        for hash_name, function in digest.HASHES.items():
            ha1 = HA1("example.org", reference(function, "alice", "example.org", "wonder"), hash_name)
            for variant in ("", "-sess"):
                asked = unauthorized(challenge(rest=f'qop="auth", algorithm={hash_name}{variant}'))
                by_password = self.answer_one(make_authenticator(), asked)
                by_hash = self.answer_one(Authenticator("alice", "", CountingTokens(), ha1=ha1), asked)
                self.assertEqual(by_hash.params["response"], by_password.params["response"])

    def test_its_realm_only(self) -> None:
        """A challenge of another realm cannot be answered, nor one for another hash."""
        ha1 = HA1("example.org", "0" * 32)
        authenticator = Authenticator("alice", "", CountingTokens(), ha1=ha1)
        for asked in (challenge(realm="other.org"), challenge(rest='qop="auth", algorithm=SHA-256')):
            self.assertIsNone(authenticator.answer(unauthorized(asked), "REGISTER", URI, "", False))
        both = unauthorized(challenge(rest='qop="auth", algorithm=SHA-256'), challenge(nonce="n2"))
        self.assertEqual(self.answer_one(authenticator, both).params["nonce"], "n2")

    def test_it_is_not_shown(self) -> None:
        """The hash is as good as a password, and shows in no repr."""
        ha1 = HA1("example.org", "planted")
        shown = repr(ha1) + repr(Authenticator("alice", "", CountingTokens(), ha1=ha1))
        self.assertNotIn("planted", shown + repr(Account("alice", "alice", "", ha1=ha1)))
