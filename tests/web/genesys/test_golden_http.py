"""Golden files of the four calls and their header fields: W 2 and 3 of docs/genesys-dialect.md."""

from tests.web.genesys.dialectcase import ORIGIN
from tests.web.genesys.golden import SHORT_FAR, GoldenCase, GoldenPage
from wrtcgw.gateway.persistence import Persistence
from wrtcgw.web.genesys import GenesysSettings, wire


class SignIn(GoldenCase):
    """sign_in (W 2.1 to 2.3)."""

    whole = True

    def test_golden_sign_in_password(self) -> None:
        """W 2.2, 2.3: id:password; id= and no line end, in text/plain, after the registrar's final response."""
        self.http("POST", "/sign_in", b"5001:secret")
        self.assertGolden()

    def test_golden_sign_in_password_raw(self) -> None:
        """W 2.2: the first colon parts; plus, percent, blank, more colons and UTF-8 mean themselves in a password."""
        self.passwords["+5411"] = "a+b%41:c d ü"
        self.http("POST", "/sign_in", "+5411:a+b%41:c d ü".encode())
        self.assertGolden()

    def test_golden_sign_in_sip_address(self) -> None:
        """W 2.2: the colon of a leading sip: does not part; the user part is the DN."""
        self.http("POST", "/sign_in", b"sip:5001@example.org:secret")
        self.assertGolden()

    def test_golden_sign_in_wrong_password(self) -> None:
        """W 2.3: the registrar's no is the answer to sign_in, in text: the page hears of it by no other way."""
        self.http("POST", "/sign_in", b"5001:wrong")
        self.assertGolden()

    def test_golden_sign_in_registrar_silent(self) -> None:
        """W 2.3: a registrar that does not answer is waited for no longer than 10 s."""
        self.far.silent.add("REGISTER")
        self.http("POST", "/sign_in", b"5001:secret")
        for seconds in (9.5, 0.5):
            self.run_for(seconds)
            self.note(f"{self.clock.seconds():.1f} s")
        self.assertGolden()

    def test_golden_sign_in_without_password(self) -> None:
        """W 2.1, 2.2: no password is one by three ways; there are no guests unless it is configured."""
        self.http("GET", "/sign_in?anon0123456789abcdef0123456789abcdef")
        self.http("POST", "/sign_in", b"5001:undefined")
        self.http("POST", "/sign_in", b"5001")
        self.assertGolden()

    def test_golden_sign_in_guest(self) -> None:
        """W 2.1: connect(): where guests are allowed, the SSID comes at once; they may call some, and no others."""
        self.start(guest_mode="unregistered", guest_dn="web", guest_destinations=("1003",))
        self.http("GET", "/sign_in?anon0123456789abcdef0123456789abcdef")
        self.whole = False
        page = GoldenPage(self, list(self.names)[-1])
        page.offer("1004")
        page.wait()
        page.wait()
        page.offer()
        self.assertGolden()

    def test_golden_sign_in_ids(self) -> None:
        """
        W 2.1, 2.2: how ids are read.

        Only what a browser encodes by itself is decoded in a query.
        """
        queries = (b"anon12ab", b"+5411", b"a=b&c", b"d%2Be%26f%25", b"x@y.z", b"J%20%C3%BC%22%3C%3e", b"%41", b"%FF")
        self.table("the query of GET sign_in -> the id", *((query, wire.raw_id(query)) for query in queries))
        bodies = ("5001:a:b", "5001:", "5001", "5001:undefined", "5001:Undefined", "5001:null", "SIP:1@x:p", "sip:1:p")
        rows = ((body, *map(repr, wire.credentials(body.encode()))) for body in bodies)
        self.table("the body of POST sign_in -> the id -> the password", *rows)
        ids = ("5001", "+5411", "5001@x.y", "sip:5001@x", "SIPS:5001@x", "sip:5001")
        self.table("the id -> the DN", *((id_, wire.account(id_)) for id_ in ids))
        self.assertGolden()

    def test_golden_sign_in_nonsense(self) -> None:
        """W 2.3, 11.1: errors are text too; never JSON, which a page would take amiss."""
        self.http("GET", "/sign_in")
        self.http("POST", "/sign_in", b":secret")
        self.http("POST", "/sign_in", b"5001:\xff", Content_Type="application/json")
        self.http("PUT", "/sign_in", b"x")
        self.assertGolden()

    def test_golden_stickiness_cookie(self) -> None:
        """W 3.1: the cookie names the node and nothing else; behind TLS it is good for other sites' pages."""
        self.http("POST", "/sign_in", b"5001:secret")
        self.configure(GenesysSettings(node="n1", path="/gw"))
        self.http("POST", "/gw/sign_in", b"5002:geheim")
        self.configure(GenesysSettings())
        self.http("POST", "/sign_in", b"5003:third")
        self.assertGolden()


class Wait(GoldenCase):
    """``wait`` (W 2.4 and 3.3)."""

    whole = True

    def test_golden_wait(self) -> None:
        """W 2.4: it hangs until there is a message; Pragma has the peer, and nothing may be stored."""
        page = self.golden_page()
        page.wait()
        self.run_for(300)
        self.note("300 s later")
        self.far.call("5001", SHORT_FAR, caller="+5411")
        self.assertGolden()

    def test_golden_wait_superseded(self) -> None:
        """W 3.3, 11.3: a second wait takes the place of the first, which is closed without an answer, never by 204."""
        page = self.golden_page()
        page.wait()
        page.wait()
        self.far.call("5001", None)
        self.assertGolden()

    def test_golden_wait_broke_off(self) -> None:
        """W 3.3, 11.3: a wait that broke off has taken nothing; the message is the next one's."""
        page = self.golden_page()
        self.breaks(page.wait())
        self.far.call("5001", None)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_wait_one_each(self) -> None:
        """W 3.3: messages come in their order, one in each response."""
        page = self.golden_page()
        far = page.call_up()
        far.info("application/octet-stream", "a=1")
        far.info("application/octet-stream", "a=2")
        self.run_for()
        page.wait()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_wait_query(self) -> None:
        """W 2.4: an application may have jQuery add a parameter against caches; without an SSID it is no session."""
        page = self.golden_page()
        self.http("GET", f"/wait?_=1&id={page.ssid}&x=id")
        self.http("GET", "/wait?ssid=x")
        self.http("GET", "/wait")
        self.assertGolden()

    def test_golden_wait_unknown(self) -> None:
        """W 3.3: 204 takes a page of before a restart out of its retries, for wait and message; 404 may be chosen."""
        self.http("GET", "/wait?id=of-another-life")
        self.http("POST", "/message?from=of-another-life&to=1003", b"BYE")
        self.configure(GenesysSettings(unknown_session=404))
        self.http("GET", "/wait?id=of-another-life")
        self.http("POST", "/message?from=of-another-life&to=1003", b"BYE")
        self.assertGolden()

    def test_golden_wait_forced_sign_out(self) -> None:
        """W 3.3, 11.3: 204 means sign out: here the other dialect has taken the DN, then the gateway stops."""
        page = self.golden_page()
        page.wait()
        self.note("the REST dialect signs 5001 in")
        self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret", headers={})
        page.wait()
        other = self.golden_page("5002")
        other.wait()
        self.note("the gateway stops")
        self.patch(Persistence, "survives", False)  # to those whose session ends with the process
        self.surface.close()
        self.assertGolden()

    def test_golden_wait_lingers(self) -> None:
        """W 2.4, 2.6: disconnect() and register(): the old wait stays silent, and sign_out ends only the old SSID."""
        old = self.golden_page()
        old.wait()
        self.http("POST", "/sign_in", b"5001:secret")
        self.http("GET", f"/sign_out?id={old.ssid}")
        self.run_for(5)
        self.far.call("5001", None)
        self.run_for()
        self.http("GET", f"/wait?id={list(self.names)[-1]}")
        self.assertGolden()

    def test_golden_sign_out(self) -> None:
        """W 2.6, 11.3: sign_out ends the call and un-registers; a wait that comes after it hangs: no 204."""
        page = self.golden_page()
        page.call_up()
        self.http("GET", f"/sign_out?id={page.ssid}")
        self.run_for(1)
        page.wait()
        self.http("GET", "/sign_out?id=nobody")
        self.assertGolden()


class Origins(GoldenCase):
    """CORS (W 3.1)."""

    whole = True

    def test_golden_cors(self) -> None:
        """W 3.1, 11.2: the origin is echoed with credentials on every answer, errors included."""
        page = self.golden_page()
        page.post("BYE")
        page.post("nonsense")
        self.http("POST", "/sign_in", b"5001:wrong", Origin="null")
        self.http("GET", "/message")
        self.http("GET", "/wait?id=nobody", Origin="capacitor://localhost")
        self.assertGolden()

    def test_golden_cors_bug(self) -> None:
        """W 3.1, 11.2: even what nobody foresaw."""
        page = self.golden_page()
        self.gateway.seen = None  # type: ignore[assignment,method-assign]
        page.post("BYE")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertGolden()

    def test_golden_cors_preflight(self) -> None:
        """W 3.1: OPTIONS takes what header fields a page adds, and lets a gateway in a private network be called."""
        self.http(
            "OPTIONS",
            "/message?from=a&to=b",
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="x-mine, content-type",
            Access_Control_Request_Private_Network="true",
        )
        self.http("OPTIONS", "/sign_in")
        self.http("OPTIONS", "/wait", Access_Control_Request_Headers="x-mine\tx")
        self.http("OPTIONS", "/wait", Origin="")
        self.assertGolden()

    def test_golden_cors_listed(self) -> None:
        """W 3.1: with a list of origins those of others are refused, and cannot read why; our own needs no listing."""
        self.configure(GenesysSettings(origins=frozenset({ORIGIN.upper() + "/"})))
        self.http("GET", "/wait?id=nobody")
        self.http("GET", "/wait?id=nobody", Origin="https://other.example")
        self.http("OPTIONS", "/wait?id=nobody", Origin="https://other.example")
        self.http("GET", "/wait?id=nobody", Origin="http://gateway.example:8082")
        self.assertGolden()


class Message(GoldenCase):
    """``message`` (W 2.5)."""

    def test_golden_message_body_raw(self) -> None:
        """W 2.5, 11.5: a body is taken as it is, though its content type calls it a form."""
        page = self.golden_page()
        self.whole = True
        page.call_up()
        page.post("INFO-MAP k=a+b%41&l=ü")
        self.assertGolden()

    def test_golden_message_peers(self) -> None:
        """W 2.5: who is called by which query: all behind the first &to=, percent-decoded only."""
        page = self.golden_page()
        rows = []
        peers = (
            "+5411",
            "%2B5411",
            "1003@example.org",
            "sip:1003@example.org",
            "10%2003",
            "a;b=c",
            "a&to=b",
            "J%C3%BC",
        )
        for to in peers:
            with self.unseen():
                self.far.calls.clear()
                page.offer(to)
                rows.append((to, *(far.request("INVITE").uri for far in self.far.calls)))
                page.post("BYE")
                self.run_for(1)
                page.wait()
        self.table("&to= -> INVITE", *rows)
        self.assertGolden()

    def test_golden_message_to_nobody(self) -> None:
        """W 2.5, 6.4: null, undefined, NaN and foreign domains: the POST succeeds, and the call fails."""
        page = self.golden_page()
        page.offer("null")
        page.wait()
        page.wait()
        for to in ("undefined", "NaN", "", "x@other.example"):
            with self.unseen():
                page.offer(to)
            page.wait()
            page.wait()
        self.assertEqual(self.far.calls, [])
        self.assertGolden()

    def test_golden_message_to_self(self) -> None:
        """W 2.5: the library writes self as the page's own SSID; it is the echo number, or nobody."""
        page = self.golden_page()
        page.offer(page.ssid)
        page.wait()
        page.wait()
        self.configure(GenesysSettings(self_destination="1003"))
        page = self.golden_page()
        page.offer(page.ssid)
        with self.unseen():
            page.post("BYE")
            self.run_for()
        page.offer("self")
        self.assertGolden()

    def test_golden_message_nonsense(self) -> None:
        """W 2.5, 4.1: what is no message is 400 in text; the prefix before the first brace does not count."""
        page = self.golden_page()
        page.post("HELLO")
        page.post('RSMP {"messageType":"SHUTDOWN"}')
        page.post('RSMP {"messageType":["OFFER"]}')
        page.post("RSMP {")
        page.post("\ufeff\r\n BYE")
        page.post('RSMP junk {"messageType":"OK"}')
        self.assertGolden()

    def test_golden_pragma(self) -> None:
        """W 3.1: a peer in Pragma comes back raw in &to=."""
        peers = ("1002", "+5411", "a@b.c", "Jü rg", "sip:x@y;z=1", 'q"&to=#%', "a\r\nb", "")
        self.table("the peer -> Pragma", *((peer, wire.pragma(peer)) for peer in peers))
        back = [wire.peer_of(b"from=x&to=" + wire.pragma(peer).encode("ascii")) for peer in peers]
        self.assertEqual(back, [*peers[:-1], "anonymous"])
        self.assertGolden()
