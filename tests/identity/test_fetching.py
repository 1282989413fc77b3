"""Documents from elsewhere: bounded in time and size, and by where they come from."""

import json
from typing import Any, cast

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from treq.client import HTTPClient
from treq.testing import RequestTraversalAgent, StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost, ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.identity.provider import ISSUER, key, public
from wrtcgw.identity.fetching import Client, Fetcher, FetchFailed, is_safe
from wrtcgw.identity.keyring import Provider
from wrtcgw.identity.strictjson import parse_strictly


class Site(Resource):
    """Answers every path from a table of status and body; what is not in it never answers."""

    isLeaf = True

    def __init__(self, **answers: tuple[int, bytes]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[tuple[str, bytes | None]] = []

    def render(self, request: Request) -> bytes | int:
        """Answer a request."""
        name = request.path.decode().rpartition("/")[2].replace("-", "_")
        self.asked.append((request.uri.decode(), request.getHeader(b"authorization")))
        if name not in self.answers:
            return NOT_DONE_YET
        code, body = self.answers[name]
        request.setResponseCode(code)
        if code in (301, 302):
            request.setHeader(b"location", b"/keys")
        return body


class FetchingCase(SynchronousTestCase):
    """A fetcher with a server in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.site = Site(keys=(200, b"x" * 100), moved=(302, b""), gone=(404, b"no"), openid_configuration=(200, b"{}"))
        self.stub: Any = StubTreq(self.site)
        self.fetcher = Fetcher(cast(Client, self.stub), self.clock)

    def fetch(self, name: str, size: int = 100) -> "Deferred[bytes]":
        """Fetch a document."""
        fetched = self.fetcher.get(f"https://login.example.org/{name}", size)
        self.stub.flush()
        return fetched


class Fetching(FetchingCase):
    """One document."""

    def test_body(self) -> None:
        """The body comes as it is."""
        self.assertEqual(self.successResultOf(self.fetch("keys")), b"x" * 100)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_large(self) -> None:
        """One byte too many, and nothing comes."""
        failure = self.failureResultOf(self.fetch("keys", 99), FetchFailed)
        self.assertEqual(str(failure.value), "more than 99 bytes")

    def test_too_slow(self) -> None:
        """What does not answer in time is given up."""
        fetched = self.fetch("hangs")
        self.clock.advance(4.9)
        self.assertNoResult(fetched)
        self.clock.advance(0.2)
        self.assertEqual(str(self.failureResultOf(fetched, FetchFailed).value), "no answer within 5 s")

    def test_redirect_is_not_followed(self) -> None:
        """A redirect could lead anywhere."""
        self.assertEqual(str(self.failureResultOf(self.fetch("moved"), FetchFailed).value), "HTTP status 302")
        self.assertEqual(len(self.site.asked), 1)

    def test_status(self) -> None:
        """Anything but 200 is a failure."""
        self.assertEqual(self.failureResultOf(self.fetch("gone"), FetchFailed).value.status, 404)

    def test_no_connection(self) -> None:
        """Why there is no connection is told in a few words."""

        class Broken:
            error: Exception

            def request(self, *_: object, **__: object) -> "Deferred[Any]":
                return fail(Failure(self.error))

        broken = Broken()
        fetcher = Fetcher(HTTPClient(cast(RequestTraversalAgent, broken)), self.clock)
        untrusted = SSL.Error([("ssl", "", "certificate verify failed")])
        errors = (
            (ConnectionRefusedError(), "no connection"),
            (DNSLookupError(), "its name cannot be resolved"),
            (ResponseNeverReceived([Failure(untrusted)]), "its certificate was not accepted"),
            (ResponseNeverReceived([Failure(VerificationError([]))]), "its certificate was not accepted"),
            (ResponseNeverReceived([Failure(ConnectionLost())]), "the connection was lost"),
        )
        for error, words in errors:
            broken.error = error
            self.assertEqual(str(self.failureResultOf(fetcher.get("https://a/", 9), FetchFailed).value), words)


class Discovery(FetchingCase):
    """The provider's own word on where its keys are."""

    def fetch_keys(self, discovery: str, jwks_url: str = "") -> "Deferred[Any]":
        """Ask for the keys of a provider that describes itself so."""
        self.site.answers["openid_configuration"] = (200, discovery.encode())
        fetched = Deferred.fromCoroutine(Provider(self.fetcher, ISSUER, jwks_url).fetch())
        self.stub.flush()
        return fetched

    def test_keys(self) -> None:
        """The keys come from where the discovery document says."""
        self.site.answers["keys"] = (200, str(public(key("EC", "e1"))).replace("'", '"').encode())
        told = f'{{"issuer": "{ISSUER}", "jwks_uri": "https://login.example.org/keys"}}'
        self.assertEqual([each.kid for each in self.successResultOf(self.fetch_keys(told))], ["e1"])
        self.assertEqual(self.site.asked[0][0], "/realms/telephony/.well-known/openid-configuration")

    def test_keys_without_discovery(self) -> None:
        """With oidc_jwks_url nobody is asked where they are."""
        self.site.answers["keys"] = (200, str(public(key("EC", "e1"))).replace("'", '"').encode())
        self.successResultOf(self.fetch_keys("", "https://login.example.org/keys"))
        self.assertEqual(len(self.site.asked), 1)

    def test_document_of_another(self) -> None:
        """A document of another issuer, or one that leads astray, is refused."""
        url = '"jwks_uri": "https://login.example.org/keys"'
        refused = (
            f'{{"issuer": "{ISSUER}/", {url}}}',
            f'{{"issuer": "https://evil.example", {url}}}',
            f"{{{url}}}",
            f'{{"issuer": "{ISSUER}"}}',
            f'{{"issuer": "{ISSUER}", "jwks_uri": "http://login.example.org/keys"}}',
            f'{{"issuer": "{ISSUER}", "jwks_uri": "file:///etc/passwd"}}',
            f'{{"issuer": "{ISSUER}", "issuer": "{ISSUER}", {url}}}',
            "[]",
            "<html>",
        )
        for told in refused:
            failure = self.failureResultOf(self.fetch_keys(told), FetchFailed)
            self.assertIn("discovery document", str(failure.value))
        self.assertTrue(all("openid-configuration" in uri for uri, _ in self.site.asked))

    def test_no_keys(self) -> None:
        """A document without any usable key is named."""
        weak = '{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak"}'
        slow = json.dumps({"kty": "RSA", "n": "A" * 342, "e": "f" * 300})
        documents = ("[]", "{}", '{"keys": {}}', '{"keys": []}', f'{{"keys": [{weak}, {slow}, 7, {{"kty": 1}}]}}', "x")
        many, shared = json.dumps({"keys": [1] * 101}), '{"keys": [{"kty": "oct", "k": "eA"}]}'
        for document in (*documents, many, shared):
            self.site.answers["keys"] = (200, document.encode())
            failure = self.failureResultOf(self.fetch_keys("", "https://login.example.org/keys"), FetchFailed)
            self.assertIn("it answered with", str(failure.value))

    def test_keys_for_something_else(self) -> None:
        """Keys for encryption, and private parts of others, are not used."""
        document = public(key("EC", "e1"), key("EC", "e2"), key("OKP", "d1"))
        document["keys"][0]["use"] = "enc"
        document["keys"][1] = {**key("EC", "e2").as_dict(private=True), "key_ops": ["verify"]}
        document["keys"][2]["key_ops"] = ["sign"]
        self.site.answers["keys"] = (200, str(document).replace("'", '"').encode())
        (only,) = self.successResultOf(self.fetch_keys("", "https://login.example.org/keys"))
        self.assertEqual((only.kid, only.public.is_private), ("e2", False))


class Small(SynchronousTestCase):
    """Small rules."""

    def test_safe_urls(self) -> None:
        """Only https, or http to this machine, without credentials and oddities."""
        for url in ("https://a.example.org/x?y=1", "http://localhost:1", "http://127.0.0.1", "http://[::1]:8080/x"):
            self.assertTrue(is_safe(url), url)
        for url in (
            "http://a.example.org",
            "https://u:p@a.example.org",
            "https:///x",
            "ftp://a",
            "",
            "https://a:99999",
        ):
            self.assertFalse(is_safe(url), url)
        for url in ("https://a.example.org/\n", "https://ä.example.org", "http://127.0.0.1.example.org", "http://[::1"):
            self.assertFalse(is_safe(url), url)

    def test_strict_json(self) -> None:
        """Nothing can be read in two ways, at any depth."""
        self.assertEqual(parse_strictly(b'{"a": {"b": [1, {"a": 2}]}}'), {"a": {"b": [1, {"a": 2}]}})
        twice = b'{"a": 1, "a": 1}', b'{"x": [{"b": 1, "\\u0062": 2}]}'
        for text in (*twice, b"NaN", b"-Infinity", b"\xff", b"", b"{'a': 1}"):
            self.assertRaises(ValueError, parse_strictly, text)
