"""
Digest authentication (:rfc:`3261#section-22`, :rfc:`7616`, :rfc:`8760`), for the client and for the server side.

Text is hashed as UTF-8, whatever ``charset`` says. Nothing here shows a password, or what is made from it, in its repr.
"""

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from typing import Self

from attrs import define, field, frozen

from wrtcgw.sip.errors import LocalViolation, RemoteViolation
from wrtcgw.sip.hashes import HA1, HASHES, Algorithm, encoded, known_hashes
from wrtcgw.sip.headers import Challenge, Credentials
from wrtcgw.sip.headers.liberal import challenges, read
from wrtcgw.sip.keyring import Keyring, Objection
from wrtcgw.sip.message import Response
from wrtcgw.sip.tokens import TokenSource

__all__ = ["HA1", "HASHES", "Algorithm", "Authenticator", "Verdict", "Verifier", "known_hashes"]

ANSWERS: Mapping[str, str] = {"WWW-Authenticate": "Authorization", "Proxy-Authenticate": "Proxy-Authorization"}
"""The header field of a request that answers each header field of a response (:rfc:`3261#section-22.2`, 22.3)."""
NEVER_CHALLENGED = frozenset({"ACK", "CANCEL"})
"""They cannot be sent again, so that servers must not challenge them (:rfc:`3261#section-22.1`)."""
MAX_SPACES = 8
"""How many protection spaces an authenticator remembers; what peers send must not make it grow."""
MAX_NONCES = 10_000
"""How many nonces a verifier remembers; the oldest go first, and are stale then."""

# :rfc:`3261#section-25.1` wants qop-options in quotes; some servers leave them out
_BARE_QOP_LIST = re.compile(r"\b(qop\s*=\s*)(auth(?:-int)?(?:\s*,\s*auth(?:-int)?)+)", re.IGNORECASE)


def can_answer(challenge: str) -> bool:
    """Return whether a WWW- or Proxy-Authenticate value is one that an :class:`Authenticator` can answer."""
    return _Offer.parse(challenge) is not None


@frozen
class _Offer:
    """A challenge that can be answered."""

    algorithm: Algorithm
    qop: str
    """``auth`` where offered, else ``auth-int``; '' when the server knows no qop (:rfc:`2617#section-3.2.1`)."""
    params: Mapping[str, str]

    @property
    def stale(self) -> bool:
        return self.params.get("stale", "").lower() == "true"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read one challenge; None when it is malformed or asks for what is unknown here (:rfc:`8760#section-2.4`)."""
        challenge = parse_challenge(text)
        if (
            challenge is None
            or challenge.scheme.lower() != "digest"
            or not challenge.params.keys() >= {"realm", "nonce"}
        ):
            return None
        params = challenge.params
        algorithm = Algorithm.parse(params.get("algorithm", "MD5"))
        options = [option.strip().lower() for option in params.get("qop", "").split(",")]
        qop: str | None = next((option for option in ("auth", "auth-int") if option in options), None)
        if qop is None and not any(options):
            qop = ""
        if algorithm is None or qop is None or (algorithm.session and not qop):
            return None  # a session needs a cnonce, which needs a qop: RFC 3261 section 22.4
        return cls(algorithm, qop, params)


def parse_challenge(text: str) -> Challenge | None:
    """Read one challenge, also one with a bare list in qop, and what else peers get wrong."""
    try:
        return Challenge.parse(text)
    except RemoteViolation:
        return read(Challenge, _BARE_QOP_LIST.sub(r'\1"\2"', text), [])


@define
class _Space:
    """A protection space (:rfc:`7616#section-3.6`): a challenge of it, and how often its nonce was used."""

    offer: _Offer
    cnonce: str
    ha1: str = field(repr=False)
    count: int = 0
    fresh: bool = False
    """Whether the credentials made last were the answer to a challenge of this space."""
    retried: bool = False
    """Whether that challenge came for credentials that had been fresh themselves."""


class Authenticator:
    """
    The credentials of one account, and the challenges that it knows: one for each header field and realm.

    One object serves all requests of the account, so that later ones carry credentials at once and each nonce is
    counted up (:rfc:`7616#section-3.4`, nc). The cnonce stays the same as long as the nonce, which makes both readings
    of the session variants come out the same.
    """

    def __init__(
        self,
        username: str,
        password: str,
        tokens: TokenSource,
        realms: Collection[str] | None = None,
        ha1: HA1 | None = None,
        *,
        keyring: Keyring | None = None,
        registering: bool = False,
    ) -> None:
        """
        Keep the credentials.

        :param ha1: in place of the password; only challenges of its realm that offer its hash are answered then.
        :param realms: the only realms to answer to; None answers to any. A peer that may choose the realm can have
            hashes of the password to try words on.
        :param keyring: in place of password, realms and hash: it may serve several authenticators.
        :param registering: whether this one is for REGISTER, by which the realms are learnt.
        :raises LocalViolation: for text that UTF-8 cannot carry.
        """
        encoded(username + password)
        self._username = username
        self._keys = keyring or Keyring(username, password, ha1, realms)
        self._registering = registering
        self._tokens = tokens
        self.objections: tuple[Objection, ...] = ()
        """To what was challenged last, and gets no credentials."""
        self._spaces: dict[tuple[str, str], _Space] = {}

    @property
    def username(self) -> str:
        """Return whose credentials they are."""
        return self._username

    def __repr__(self) -> str:
        return f"<Authenticator of {self._username!r}>"

    def answer(
        self,
        response: Response,
        method: str,
        uri: str,
        body: str,
        tried: bool,
        carried: Collection[tuple[str, str]] | None = None,
    ) -> list[tuple[str, str]] | None:
        """
        Answer the challenges in a 401 or 407.

        Many servers do not say ``stale=true`` when a nonce is too old, so that a challenge for credentials on a
        remembered nonce is answered too. One for credentials on the nonce of the challenge before is not, because
        then the password is wrong; with ``stale=true`` it is, but once only.

        :param method: with ``uri`` and ``body``, of the request that was challenged and is to be sent again.
        :param tried: whether that request carried what this method returned; false for what :meth:`cached` returned.
        :param carried: header field and realm of the credentials that the request had already: beside them only those
            are made that were asked for now. None makes all that can be made.
        :returns: the fields that replace each Authorization and Proxy-Authorization of the request, also those for
            spaces that did not challenge this time; None when there is no use in another try.
        """
        self.objections = ()
        offers = {} if method in NEVER_CHALLENGED else self._choose(response)
        refused = [key for key, offer in offers.items() if tried and self._is_refusal(key, offer)]
        for key in refused:
            del self._spaces[key]
        if refused or not offers:
            return None
        for key, offer in offers.items():
            self._enter(key, offer, tried)
        wanted = None if carried is None else {*carried, *offers}
        fields = self.cached(method, uri, body, wanted)
        for key in offers:
            self._spaces[key].fresh = True
        return fields

    def cached(
        self, method: str, uri: str, body: str, wanted: Collection[tuple[str, str]] | None = None
    ) -> list[tuple[str, str]]:
        """
        Make credentials for every challenge that is known, each with the next nonce count.

        :param wanted: header field and realm of those to make; None makes all.
        :returns: Authorization and Proxy-Authorization fields; none for a method that is never challenged: an ACK
            takes those of its INVITE (:rfc:`3261#section-22.1`).
        """
        if method in NEVER_CHALLENGED:
            return []
        chosen = [(key, space) for key, space in self._spaces.items() if wanted is None or key in wanted]
        return [(name, str(self._credentials(space, method, uri, body))) for (name, _), space in chosen]

    def for_proxies(self, method: str, uri: str, body: str) -> list[tuple[str, str]]:
        """Make credentials, as :meth:`cached` does, only for the proxies that are known: no end of a dialog is one."""
        return self.cached(method, uri, body, [key for key in self._spaces if key[0] == "Proxy-Authorization"])

    def _choose(self, response: Response) -> dict[tuple[str, str], _Offer]:
        """
        Choose one offer for each header field and realm.

        It is the one with the strongest algorithm, and the topmost of those: a local policy, for which
        :rfc:`8760#section-2.4` leaves room. Servers whose list begins with the strongest see no difference.
        """
        best: dict[tuple[str, str], _Offer] = {}
        objections: dict[tuple[str, str], Objection] = {}
        for name, answer in ANSWERS.items():
            for offer in filter(None, map(_Offer.parse, challenges(response.headers.get_all(name)))):
                key, algorithm = (answer, offer.params["realm"]), offer.algorithm
                why = self._keys.objection(key[1], algorithm, registering=self._registering)
                if why is not None:
                    objections[key] = Objection(key[1], algorithm.hash_name, why)
                elif key not in best or algorithm.weakness < best[key].algorithm.weakness:
                    best[key] = offer
        self.objections = tuple(objection for key, objection in objections.items() if key not in best)[:MAX_SPACES]
        chosen = dict(list(best.items())[:MAX_SPACES])
        for (_, realm), offer in chosen.items():
            self._keys.note(realm, offer.algorithm, registering=self._registering)
        return chosen

    def _is_refusal(self, key: tuple[str, str], offer: _Offer) -> bool:
        """Return whether the challenge says that the credentials, and not only their nonce, are wrong."""
        space = self._spaces.get(key)
        return space is not None and space.fresh and (space.retried or not offer.stale)

    def _enter(self, key: tuple[str, str], offer: _Offer, tried: bool) -> None:
        """Remember a challenge; the count goes on when its nonce is the one that is known."""
        old = self._spaces.pop(key, None)
        retried = tried and old is not None and old.fresh
        nonce = offer.params["nonce"]
        if old is not None and old.offer.params["nonce"] == nonce and old.offer.algorithm == offer.algorithm:
            old.offer, old.retried = offer, retried
            self._spaces[key] = old
            return
        cnonce = self._tokens.token()
        plain = self._keys.ha1(offer.params["realm"], offer.algorithm)
        ha1 = offer.algorithm.of_session(plain, nonce, cnonce)
        self._spaces[key] = _Space(offer, cnonce, ha1, retried=retried)
        if len(self._spaces) > MAX_SPACES:
            del self._spaces[next(iter(self._spaces))]

    def _credentials(self, space: _Space, method: str, uri: str, body: str) -> Credentials:
        """Make credentials with the next nonce count (:rfc:`7616#section-3.4`)."""
        space.count += 1
        space.fresh = False
        offer, given = space.offer, space.offer.params
        params = {"username": self._username, "realm": given["realm"], "nonce": given["nonce"], "uri": uri}
        if offer.qop:
            params |= {"qop": offer.qop, "nc": f"{space.count:08x}", "cnonce": space.cnonce}
        params["response"] = offer.algorithm.response(space.ha1, method, body, params)
        params |= {name: given[name] for name in ("algorithm", "opaque") if name in given}
        if given.get("userhash", "").lower() == "true":
            params |= {"username": offer.algorithm.digest(self._username, given["realm"]), "userhash": "true"}
        return Credentials("Digest", params)


@frozen
class Verdict:
    """What a :class:`Verifier` found: who it is, or None; ``stale`` if only the nonce was not good any more."""

    username: str | None
    stale: bool = False


class Verifier:
    """
    The server side of one realm (:rfc:`3261#section-22.4`, :rfc:`8760#section-2.3`): makes nonces and checks answers.

    The ``uri`` of the credentials is not compared with the Request-URI, since proxies may change that one
    (:rfc:`3261#section-22.4`, item 6). Times are reactor seconds; for a caller that gives none no nonce expires.
    """

    def __init__(
        self, realm: str, tokens: TokenSource, *, algorithm: str = "SHA-256", qop: str = "auth", lifetime: float = 300.0
    ) -> None:
        """
        Set the policy.

        :param algorithm: the only one that is offered and accepted, so that nobody can talk client and server down.
        :param qop: the value to offer: ``auth``, ``auth-int`` or both with a comma between.
        :param lifetime: seconds for which a nonce is good.
        :raises LocalViolation: for an algorithm that is not known here.
        """
        known = Algorithm.parse(algorithm)
        if known is None:
            raise LocalViolation(f"unknown digest algorithm {algorithm!r}")
        self._realm = realm
        self._tokens = tokens
        self._algorithm = known
        self._algorithm_name = algorithm
        self._qop = qop
        self._lifetime = lifetime
        self._nonces: dict[str, tuple[float, int]] = {}  # when each expires, and its highest count so far

    def challenge(self, now: float = 0.0, *, stale: bool = False) -> str:
        """Return the value of a WWW-Authenticate or Proxy-Authenticate field with a new nonce."""
        nonce = self._tokens.token()
        self._nonces[nonce] = (now + self._lifetime, 0)
        if len(self._nonces) > MAX_NONCES:
            del self._nonces[next(iter(self._nonces))]
        params = {"realm": self._realm, "nonce": nonce, "algorithm": self._algorithm_name, "qop": self._qop}
        return str(Challenge("Digest", params | ({"stale": "true"} if stale else {})))

    def verify(
        self, header_value: str, method: str, password_of: Callable[[str], str | None], now: float = 0.0, body: str = ""
    ) -> str | None:
        """Return the user whose credentials are good, else None; see :meth:`check`."""
        return self.check(header_value, method, password_of, now, body).username

    def check(
        self, header_value: str, method: str, password_of: Callable[[str], str | None], now: float = 0.0, body: str = ""
    ) -> Verdict:
        """
        Check credentials.

        A right answer is taken once for each nonce count, which has to rise; what comes too late, again, or for a nonce
        of someone else is stale. Credentials without qop (:rfc:`2617#section-3.2.2`) are good once for each nonce.

        :param header_value: of an Authorization or Proxy-Authorization field, as it came.
        :param method: with ``body``, of the request that carries it.
        :param password_of: gives the password of a user, None for one that does not exist.
        """
        try:
            params = Credentials.parse(header_value).params
        except RemoteViolation:
            return Verdict(None)
        username = params.get("username", "")
        password = password_of(username) if self._acceptable(params) else None
        if password is None or not self._right(params, method, body, username, password):
            return Verdict(None)
        return Verdict(username) if self._use_nonce(params, now) else Verdict(None, stale=True)

    def _acceptable(self, params: Mapping[str, str]) -> bool:
        """Return whether the credentials are for this realm and its algorithm, and whole (:rfc:`7616#section-3.4`)."""
        qop = params.get("qop")
        needed = {"realm", "nonce", "uri", "response"} | ({"nc", "cnonce"} if qop is not None else set())
        return (
            params.keys() >= needed
            and params["realm"] == self._realm
            and Algorithm.parse(params.get("algorithm", "MD5")) == self._algorithm
            and (qop in self._qop.split(",") if qop is not None else not self._algorithm.session)
            and re.fullmatch("[0-9a-fA-F]{8}", params.get("nc", "00000001")) is not None
        )

    def _right(self, params: Mapping[str, str], method: str, body: str, username: str, password: str) -> bool:
        """Return whether the response is the one that the password gives."""
        ha1 = self._algorithm.ha1(username, self._realm, password, params["nonce"], params.get("cnonce", ""))
        expected = self._algorithm.response(ha1, method, body, params)
        return hmac.compare_digest(encoded(expected), encoded(params["response"].lower()))

    def _use_nonce(self, params: Mapping[str, str], now: float) -> bool:
        """Count the use of a nonce of ours; False when it is not good any more."""
        nonce, count = params["nonce"], int(params.get("nc", "1"), 16)
        expires, used = self._nonces.get(nonce, (now, 0))
        if expires <= now or count <= used:
            return False
        self._nonces[nonce] = (expires, count)
        return True
