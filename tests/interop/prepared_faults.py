"""
Prepared faults: what ``phone.check()`` finds of each, and what is said of calls that had one.

``python -m tests.interop.prepared_faults`` plays them all in Chromium against a gateway with its demo PBX and a real
coturn, and prints what was expected beside what was found; ``checks`` or ``verdicts`` plays one half, and any further
word only those with it in their names. It exits with 1 when something was found otherwise than expected.
"""

import json
import pathlib
import re
import socket
import sys
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.request import urlopen

from attrs import define, field, frozen
from playwright.sync_api import Page, Playwright, sync_playwright

from tests.interop.authority import make_certificates
from tests.interop.badline import GOOD, THROUGH_LINE, BadLine, Impairment
from tests.interop.chromium import ARGUMENTS, EXECUTABLE
from tests.interop.coturn import SECRET, Coturn, coturn
from tests.interop.demo import demo, demo_folder
from tests.interop.gateway import Gateway
from tests.interop.library_page import PAGE, SILENT
from tests.interop.processes import free_ports
from tests.interop.servers import PASSWORD, own_address

HALVES = ("checks", "verdicts")
HOST = "127.0.0.1"
DEVICE = "--use-fake-device-for-media-stream"
UI = "--use-fake-ui-for-media-stream"
WHO = {"dn": "5001", "password": PASSWORD}

CHECK = """async ({ options, who, check, shape }) => {
    const { Phone } = await import("/grtc/phone.js");
    const through = window.throughLine ?? ((sdp) => sdp);
    const odd = (sdp) => sdp.replace(/^a=rtpmap:.*\\r?\\n/gm, "").replace(/(m=audio \\S+ \\S+).*/, "$1 99");
    const cut = (sdp) => (shape ? odd(sdp) : sdp);
    const phone = new Phone({ storage: null, ...options, shape: (sdp) => cut(through(sdp)) });
    if (who) await phone.signIn(who);
    try {
        return await phone.check(check);
    } finally {
        if (who) await phone.signOut().catch(() => {});
    }
}"""
CALL = """async ({ options, who, to }) => {
    const { Phone } = await import("/grtc/phone.js");
    const through = window.throughLine ?? ((sdp) => sdp);
    const phone = new Phone({ storage: null, ...options, shape: through });
    await phone.signIn(who);
    const call = await phone.call(to);
    window.warned = [];
    for (const name of ["warning", "warningcleared"]) call.on(name, ({ code }) => warned.push([name, code]));
    Object.assign(window, { phone, call });
}"""
HANG_UP = """async () => {
    await call.hangup();
    const { verdict, id } = call;
    await phone.signOut();
    return { verdict, id, warned };
}"""


@frozen(kw_only=True)
class Site:
    """What all play with."""

    playwright: Playwright
    turn: Coturn
    folder: pathlib.Path
    silence: pathlib.Path


@frozen(kw_only=True)
class CheckFault:
    """
    One fault, and what a check has to find: the verdict, and the code that it rests on.

    :ivar settings: keys of ``wrtcgw.toml``.
    :ivar options: of ``Phone``.
    :ivar check: of ``check()``.
    :ivar line: what happens to RTP both ways, or one way; None: media do not go through the line.
    :ivar without: arguments that Chromium is not given.
    :ivar more: those that it is given beside the usual ones.
    """

    name: str
    verdict: str
    code: str
    settings: Callable[[Site], Mapping[str, object]] = lambda site: {}
    options: Mapping[str, object] = field(factory=dict)
    check: Mapping[str, object] = field(factory=dict)
    who: Mapping[str, str] | None = field(factory=lambda: WHO)
    up: Impairment | None = None
    down: Impairment | None = None
    shape: bool = False
    without: Sequence[str] = ()
    more: Callable[[Site], Sequence[str]] = lambda site: ()
    before: Callable[[Gateway], None] = lambda gateway: None


def stun(site: Site) -> Mapping[str, object]:
    """Return the settings of a site with STUN and TURN that work."""
    return {
        "stun_servers": [site.turn.stun],
        "turn_servers": [site.turn.udp, site.turn.tcp],
        "turn_secret": SECRET,
    }


def dead_port() -> int:
    """Return a port that takes UDP and says nothing."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    DEAD.append(made)
    port: int = made.getsockname()[1]
    return port


DEAD: list[socket.socket] = []


def drain(running: Gateway) -> None:
    """Let a gateway take no new calls."""
    urlopen(f"{running.url}/api/ops/drain", data=b"on=true", timeout=5).read()


CHECKS = (
    CheckFault(name="nothing is wrong", verdict="ready", code="ok", settings=stun),
    CheckFault(name="no device", verdict="blocked", code="no_microphone", without=(DEVICE,)),
    CheckFault(name="permission denied", verdict="permission_denied", code="microphone_refused", without=(UI,)),
    CheckFault(
        name="silent device",
        verdict="blocked",
        code="mic_silent",
        more=lambda site: (f"--use-file-for-fake-audio-capture={site.silence}",),
    ),
    CheckFault(
        name="codec missing in the browser", verdict="blocked", code="no_common_codec", check={"codecs": ["G729"]}
    ),
    CheckFault(name="codec missing at the far side", verdict="blocked", code="no_common_codec", shape=True),
    CheckFault(
        name="gateway down", verdict="blocked", code="gateway_unreachable", who=None, options={"gateway": "DEAD"}
    ),
    CheckFault(
        name="gateway drains",
        verdict="degraded",
        code="gateway_not_ready",
        who=None,
        before=drain,
        settings=lambda site: {"page_grace": 61.0},
        check={"only": ["gateway"]},
    ),
    CheckFault(
        name="wrong password",
        verdict="blocked",
        code="registration_refused",
        who=None,
        check={"who": {**WHO, "password": "wrong"}},
    ),
    CheckFault(name="nobody signed in", verdict="inconclusive", code="not_signed_in", who=None),
    CheckFault(
        name="dead STUN",
        verdict="degraded",
        code="stun_unreachable",
        settings=lambda site: {**stun(site), "stun_servers": [f"stun:{HOST}:{dead_port()}"]},
    ),
    CheckFault(
        name="dead TURN",
        verdict="degraded",
        code="turn_unreachable",
        settings=lambda site: {**stun(site), "turn_servers": [f"turn:{HOST}:{dead_port()}?transport=udp"]},
    ),
    CheckFault(
        name="dead TURN, and no other way allowed",
        verdict="blocked",
        code="turn_unreachable",
        settings=lambda site: {**stun(site), "turn_servers": [f"turn:{HOST}:{dead_port()}?transport=udp"]},
        options={"iceTransportPolicy": "relay"},
    ),
    CheckFault(
        name="wrong TURN secret",
        verdict="degraded",
        code="turn_refused",
        settings=lambda site: {**stun(site), "turn_secret": "another one"},
    ),
    CheckFault(
        name="UDP blocked",
        verdict="blocked",
        code="media_failed",
        up=Impairment(blocked=True),
        down=Impairment(blocked=True),
    ),
    CheckFault(name="one way", verdict="blocked", code="no_incoming_packets", up=GOOD, down=Impairment(deaf=True)),
    CheckFault(
        name="one way, the other", verdict="blocked", code="incoming_silence", up=Impairment(deaf=True), down=GOOD
    ),
    CheckFault(
        name="5 % loss",
        verdict="degraded",
        code="high_packet_loss",
        up=Impairment(loss=0.05),
        down=Impairment(loss=0.05),
    ),
    CheckFault(
        name="5 % loss on the way in", verdict="degraded", code="high_packet_loss", up=GOOD, down=Impairment(loss=0.05)
    ),
    CheckFault(
        name="300 ms delay", verdict="degraded", code="high_rtt", up=Impairment(delay=0.3), down=Impairment(delay=0.3)
    ),
    CheckFault(
        name="jitter", verdict="degraded", code="high_jitter", up=GOOD, down=Impairment(delay=0.02, jitter=0.15)
    ),
    CheckFault(name="a line without fault", verdict="ready", code="ok", up=GOOD, down=GOOD),
    CheckFault(
        name="wrong echo number", verdict="inconclusive", code="echo_wrong_number", check={"echoNumber": "7777"}
    ),
    CheckFault(name="echo number busy", verdict="inconclusive", code="echo_busy", check={"echoNumber": "1005"}),
    CheckFault(
        name="echo number not answered", verdict="inconclusive", code="echo_unavailable", check={"echoNumber": "1006"}
    ),
    CheckFault(
        name="echo number is none of an echo", verdict="blocked", code="incoming_silence", check={"echoNumber": "1007"}
    ),
)


@frozen(kw_only=True)
class CallFault:
    """
    One fault of a call, and what its verdict has to be.

    :ivar during: what is done in the page when the call is up.
    :ivar after: seconds of a good call before the fault.
    """

    name: str
    code: str
    to: str = "1003"
    up: Impairment = GOOD
    down: Impairment = GOOD
    during: str = ""
    after: float = 0.0
    seconds: float = 14.0
    silent: bool = False
    relay: bool = False
    """Media go through the TURN server alone, and that dies; so it is played last."""


CALLS = (
    CallFault(name="nothing is wrong", code="good"),
    CallFault(name="muted", code="good", to="1004", during="() => call.mute()"),
    CallFault(
        name="on hold in between",
        code="good",
        during="() => { setTimeout(() => call.hold(), 3000); setTimeout(() => call.resume(), 9000) }",
    ),
    CallFault(name="silent microphone", code="mic_silent", silent=True),
    CallFault(
        name="microphone pulled out",
        code="device_gone",
        during="() => call.localStream.getTracks().forEach((each) => each.stop())",
    ),
    CallFault(name="one way", code="no_incoming_packets", down=Impairment(deaf=True), after=4.0),
    CallFault(name="far side silent", code="incoming_silence", to="1007", seconds=18.0),
    CallFault(name="5 % loss", code="high_packet_loss", down=Impairment(loss=0.05)),
    CallFault(name="20 % loss both ways", code="high_packet_loss", up=Impairment(loss=0.2), down=Impairment(loss=0.2)),
    CallFault(name="10 % loss on the way out", code="high_packet_loss", up=Impairment(loss=0.1), seconds=20.0),
    CallFault(name="300 ms delay", code="high_rtt", up=Impairment(delay=0.3), down=Impairment(delay=0.3), seconds=18.0),
    CallFault(name="jitter", code="high_jitter", down=Impairment(delay=0.02, jitter=0.15)),
    CallFault(name="TURN server dies", code="relay_lost", relay=True, after=4.0, seconds=20.0),
)


@define
class Browser:
    """Chromium, for one set of arguments at a time."""

    site: Site
    _known: dict[tuple[tuple[str, ...], tuple[str, ...]], Any] = field(factory=dict)

    @contextmanager
    def page(self, url: str, without: Sequence[str] = (), more: Sequence[str] = ()) -> Iterator[Page]:
        """Open a page of the gateway's that does nothing by itself."""
        key = tuple(without), tuple(more)
        if key not in self._known:
            self.close()
            arguments = [*(each for each in ARGUMENTS if each not in without), *more]
            self._known[key] = self.site.playwright.chromium.launch(
                executable_path=EXECUTABLE, args=arguments, headless=True, chromium_sandbox=False
            )
        context = self._known[key].new_context(bypass_csp=True)
        try:
            page = context.new_page()
            page.goto(f"{url}{PAGE}")
            yield page
        finally:
            context.close()

    def close(self) -> None:
        """Close it."""
        for browser in self._known.values():
            browser.close()
        self._known.clear()


def play_check(site: Site, browser: Browser, fault: CheckFault) -> dict[str, Any]:
    """Return what a check finds."""
    with ExitStack() as stack:
        running = demo(fault.settings(site))
        page = stack.enter_context(browser.page(running.url, fault.without, fault.more(site)))
        if fault.up is not None and fault.down is not None:
            line = BadLine(HOST)
            stack.callback(line.close)
            line.up, line.down = fault.up, fault.down
            page.evaluate(THROUGH_LINE, line.ends)
        dead = f"http://{HOST}:{free_ports(1)[0]}"
        options = {name: dead if value == "DEAD" else value for name, value in fault.options.items()}
        fault.before(running)
        given = {"options": options, "who": fault.who, "check": dict(fault.check)}
        report: dict[str, Any] = page.evaluate(CHECK, {**given, "shape": fault.shape})
        return report


def play_call(site: Site, browser: Browser, fault: CallFault) -> dict[str, Any]:
    """Return the verdict on a call: the page's, and what the gateway knows of it."""
    running = demo(stun(site) if fault.relay else {})
    with ExitStack() as stack:
        page = stack.enter_context(browser.page(running.url))
        line = BadLine(HOST)
        stack.callback(line.close)
        if not fault.relay:
            page.evaluate(THROUGH_LINE, line.ends)
        if fault.silent:
            page.evaluate(SILENT)
        if not fault.after:
            line.up, line.down = fault.up, fault.down
        options = {"iceTransportPolicy": "relay"} if fault.relay else {}
        page.evaluate(CALL, {"options": options, "who": WHO, "to": fault.to})
        page.wait_for_function("() => call.state === 'established' && call.connection.connectionState === 'connected'")
        if fault.during:
            page.evaluate(fault.during)
        page.wait_for_timeout(1000 * fault.after)
        line.up, line.down = fault.up, fault.down
        if fault.relay:
            site.turn.server.stop()
        page.wait_for_timeout(1000 * fault.seconds)
        told: dict[str, Any] = page.evaluate(HANG_UP)
    with urlopen(f"{running.url}/api/ops/ladder?call={told['id']}", timeout=5) as answer:
        ladder = json.load(answer)
    return {**told, "recorded": (ladder["call"]["quality"] or {}).get("verdict")}


def silence(folder: pathlib.Path) -> pathlib.Path:
    """Write five seconds of silence."""
    path = folder / "silence.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 48000, 0, "NONE", ""))
        out.writeframes(bytes(2 * 48000 * 5))
    return path


def row(name: str, wanted: str, found: str, seconds: float) -> bool:
    """Print a line of the table; return whether it is as it should be."""
    good = wanted == found
    print(f"{'ok ' if good else 'BAD'} {name:38} {wanted:38} {found:38} {seconds:5.1f} s", flush=True)
    return good


def play(words: Sequence[str]) -> bool:
    """Play the faults that are wanted; return whether all was found as expected."""
    halves = [word for word in words if word in HALVES] or list(HALVES)
    names = [word for word in words if word not in HALVES]
    with sync_playwright() as playwright, ExitStack() as stack:
        folder = demo_folder()
        turn = coturn(folder, make_certificates(folder), own_address())
        turn.server.start()
        stack.callback(turn.server.stop)
        site = Site(playwright=playwright, turn=turn, folder=folder, silence=silence(folder))
        browser = Browser(site)
        stack.callback(browser.close)
        print(f"    {'fault':38} {'expected':38} {'found':38}")
        results = {half: play_half(site, browser, half, names) for half in halves}
    for half, each in results.items():
        print(f"{half}: {sum(each)} of {len(each)} as expected")
    return all(all(each) for each in results.values())


def play_half(site: Site, browser: Browser, half: str, names: Sequence[str]) -> list[bool]:
    """Play all checks, or all calls; return which of them were as expected."""
    results = []
    for fault in CHECKS if half == "checks" else CALLS:
        if names and not any(re.search(name, fault.name) for name in names):
            continue
        began = time.monotonic()
        details: object = None
        try:
            if isinstance(fault, CheckFault):
                report = play_check(site, browser, fault)
                expected, found = f"{fault.verdict} {fault.code}", f"{report['verdict']} {report['code']}"
                details = report["checks"]
            else:
                details = told = play_call(site, browser, fault)
                recorded = "" if told["recorded"] == told["verdict"] else " not recorded"
                expected, found = fault.code, told["verdict"]["code"] + recorded
        except Exception as error:  # one that cannot be played is told, and the others are played
            expected, found = "to be played", f"{type(error).__name__}: {str(error)[:200]}"
        results.append(row(fault.name, expected, found, time.monotonic() - began))
        if not results[-1] and details:
            print(json.dumps(details, indent=1))
    return results


if __name__ == "__main__":
    sys.exit(0 if play(sys.argv[1:]) else 1)
