"""The softphone in real Chromium, used as agents use it: calls, transfers, and calls that come in."""

from tests.interop.softphone_page import CONNECTION, SoftphoneCase

LOOKING_ELSEWHERE = """() => {
    document.hasFocus = () => false;
    window.notes = [];
    ServiceWorkerRegistration.prototype.showNotification = async () => { throw new TypeError("not here"); };
    const Real = window.Notification;
    window.Notification = class extends Real {
        constructor(title, options) {
            super(title, options);
            notes.push(this);
            this.addEventListener("close", () => { this.gone = true; });
        }
        close() { super.close(); this.gone = true; }
    };
}"""
"""The agent is in another window; notifications are real ones, but kept, and none by a worker."""
TITLES = """() => {
    window.titles = new Set([document.title]);
    new MutationObserver(() => titles.add(document.title)).observe(document.head, { childList: true, subtree: true });
}"""


class Calls(SoftphoneCase):
    """What an agent does all day."""

    async def test_echo(self) -> None:
        """As the tutorial says: press Sign in, press Call, hear yourself; then mute, hold, hang up, call again."""
        tab = await self.open()
        await self.press(tab, "Sign in")
        await self.sees(tab, "Ready · 5001", "header")
        await self.press(tab, "Call")
        await self.state(tab, "established")
        await self.hears(tab, CONNECTION)
        await self.press(tab, "Mute")
        await self.sees(tab, "Muted", ".call .what")
        await self.falls_silent(tab)
        await self.press(tab, "Unmute")
        await self.hears(tab, CONNECTION)
        await self.press(tab, "Hold")
        await self.state(tab, "held")
        await self.sees(tab, "On hold", ".call")
        await self.falls_silent(tab)
        await self.press(tab, "Resume")
        await self.state(tab, "established")
        await self.hears(tab, CONNECTION)
        await self.press(tab, "Hang up")
        await self.calls(tab, 0)
        await self.sees(tab, "Call with 1003 ended.", ".ended")
        await self.press(tab, "Call 1003", ".recents")
        await self.state(tab, "established")

    async def test_two_pages(self) -> None:
        """Two pages call each other and hear each other; a hold is seen at the other one; the called one hangs up."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await self.connect(caller, called, 5002)
        await self.press(caller, "Hold")
        await self.sees(called, "Held by the other side", ".call")
        await self.press(called, "Hold")
        for tab in (caller, called):
            await self.sees(tab, "Held by both sides", ".call")
        await self.press(called, "Resume")
        await self.sees(called, "Held by the other side", ".call")
        await self.press(caller, "Resume")
        for tab in (caller, called):
            await self.state(tab, "established")
            await self.hears(tab, CONNECTION)
        await self.press(called, "Hang up")
        await self.sees(caller, "5002 hung up.", ".ended")
        await self.calls(called, 0)

    async def test_several(self) -> None:
        """A second call puts the first on hold; one switches between them; each ends by itself."""
        tab = await self.agent()
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        await self.dial(tab, 1008)
        await self.calls(tab, 2)
        await self.until(tab, "() => softphone.desk.selected.peer === '1008' && softphone.desk.selected.isUp")
        await self.sees(tab, "On hold", ".call:not([data-selected])")
        await self.hears(tab, CONNECTION)
        await self.press(tab, "Switch to 1003")
        await self.until(tab, "() => softphone.desk.selected.peer === '1003' && !softphone.desk.selected.held")
        await self.sees(tab, "On hold", ".call:not([data-selected])")
        await self.hears(tab, CONNECTION)
        await self.press(tab, "Hang up 1008")
        await self.calls(tab, 1)
        await self.hears(tab, CONNECTION)

    async def test_second_incoming(self) -> None:
        """Who is called in a call is told so, and answering puts that one on hold."""
        tab, other = await self.agent(5001), await self.agent(5002)
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        await self.dial(other, 5001)
        await self.sees(tab, "Answering puts your present call on hold.", ".incoming")
        await self.press(tab, "Answer")
        await self.sees(tab, "On hold", ".call:not([data-selected])")
        await self.until(tab, "() => softphone.desk.selected.peer === '5002' && softphone.desk.selected.isUp")
        await self.hears(tab, CONNECTION)
        await self.state(other, "established")
        await self.hears(other, CONNECTION)

    async def test_digits(self) -> None:
        """Digits are sent by the keypad and by the keyboard, in the order in which they were pressed."""
        tab = await self.agent()
        await self.dial(tab, 1007)
        await self.state(tab, "established")
        await tab.evaluate(
            """() => { window.sent = []; const call = softphone.desk.selected; const dtmf = call.dtmf.bind(call);
            call.dtmf = (digits) => dtmf(digits).then(() => sent.push(digits)); }"""
        )
        await self.press(tab, "Keypad")
        for key in ("4", "Star"):
            await self.press(tab, key, ".keys")
        await self.do(tab, lambda page: page.keyboard.type("2#"))
        self.assertEqual(await tab.evaluate("() => document.querySelector('.sent').textContent"), "4*2#")
        await self.until(tab, "() => sent.join('') === '4*2#'")
        await self.do(tab, lambda page: page.keyboard.press("Escape"))
        self.assertEqual(await self.focused(tab), "Keypad")

    async def test_quality(self) -> None:
        """Quality is told in words and numbers, and to the gateway; a bad one comes with what to do."""
        tab = await self.agent()
        await self.dial(tab, 1003)
        await self.sees(tab, "being measured", ".quality")
        await self.sees(tab, "good", ".quality .word")
        await self.do(tab, lambda page: page.locator(".quality summary").click())
        for name in ("Packets lost", "Jitter", "Round trip", "Score (MOS", "opus"):
            await self.sees(tab, name, ".quality")
        told = "() => performance.getEntriesByType('resource').some(({name}) => name.includes('/api/webrtc/stats'))"
        await self.until(tab, told)
        bad = """() => { for (const received of [1e6, 2e6]) softphone.desk.selected.emit("quality",
            { mos: 2.1, loss: 14, jitter: 90, rtt: 500, received, codec: "opus" }); }"""
        await tab.evaluate(bad)
        await self.sees(tab, "The sound is bad", ".quality")


class Transfers(SoftphoneCase):
    """Calls that go on without us."""

    async def test_blind(self) -> None:
        """A transfer to a busy number fails with words, and the call goes on; one to 1003 connects the caller."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.connect(caller, agent, 5001)
        await self.transfer(agent, 1005, "Transfer now")
        await self.sees(agent, "Transfer failed. You are still connected to 5002: 1005 is busy.", ".notice")
        await self.hears(agent, CONNECTION)
        await self.transfer(agent, 1003, "Transfer now")
        await self.sees(agent, "5002 was transferred to 1003.", ".ended")
        self.assertEqual(await agent.evaluate("() => document.querySelectorAll('.notice').length"), 0)
        await self.hears(caller, CONNECTION)

    async def test_attended(self) -> None:
        """The agent asks first, goes back to the caller, asks again, and connects both."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.connect(caller, agent, 5001)
        await self.transfer(agent, 1003, "Consult first")
        await self.sees(agent, "Consulting 1003. 5002 is on hold.", ".consult")
        await self.sees(caller, "Held by the other side", ".call")
        await self.press(agent, "Back to the caller")
        await self.calls(agent, 1)
        await self.state(agent, "established")
        await self.hears(agent, CONNECTION)
        await self.transfer(agent, 1003, "Consult first")
        await self.sees(agent, "Consulting 1003.", ".consult")
        await self.hears(agent, CONNECTION)
        await self.press(agent, "Complete transfer")
        await self.calls(agent, 0)
        await self.state(caller, "established")
        await self.hears(caller, CONNECTION)

    async def test_connect_two(self) -> None:
        """Two calls that the agent has are connected with each other."""
        caller, agent = await self.agent(5002), await self.agent(5001)
        await self.connect(caller, agent, 5001)
        await self.dial(agent, 1003)
        await self.until(agent, "() => softphone.desk.selected.peer === '1003' && softphone.desk.selected.isUp")
        await self.press(agent, "Transfer", ".controls:visible")
        await self.press(agent, "Connect with 5002")
        await self.calls(agent, 0)
        await self.hears(caller, CONNECTION)


class Incoming(SoftphoneCase):
    """Calls that come in."""

    async def test_notification(self) -> None:
        """Who looks elsewhere gets a notification and a title that calls; both go when the caller gives up."""
        agent = await self.agent(5001, permissions=["notifications", "microphone"])
        await agent.evaluate(LOOKING_ELSEWHERE)
        await agent.evaluate(TITLES)
        caller = await self.agent(5002)
        await self.dial(caller, 5001)
        await self.calls(agent, 1)
        await self.until(agent, "() => notes.length === 1")
        self.assertEqual(await agent.evaluate("() => notes[0].title"), "5002 is calling")
        await self.until(agent, "() => titles.has('☎ 5002 is calling')")
        await self.press(caller, "Hang up")
        await self.calls(agent, 0)
        self.assertTrue(await agent.evaluate("() => notes[0].gone"))
        self.assertEqual(await agent.evaluate("() => document.title"), "(1) Softphone")
        await self.sees(agent, "Missed call from 5002.", ".ended")
        await self.sees(agent, "1 missed", ".recents h2")
        await self.press(agent, "Missed", ".recents")
        await self.until(agent, "() => document.querySelectorAll('.entry[data-outcome=missed]').length === 1")
        self.assertTrue(await agent.evaluate("() => document.querySelector('.recents .badge').hidden"))
        await self.until(agent, "() => document.title === 'Softphone'")

    async def test_asked_on_click(self) -> None:
        """The permission for notifications is asked for when that is wanted, not when the page is loaded."""
        tab = await self.open()
        await tab.evaluate(
            """() => { window.asked = 0; const ask = Notification.requestPermission.bind(Notification);
            Notification.requestPermission = () => { asked += 1; return ask(); };
            Object.defineProperty(Notification, "permission", { get: () => "default" }); }"""
        )
        await self.sign_in(tab, 5001)
        self.assertEqual(await tab.evaluate("() => asked"), 0)
        await self.open_menu(tab)
        await self.press(tab, "Allow notifications of calls")
        await self.until(tab, "() => asked === 1")

    async def test_reject(self) -> None:
        """A rejected call is told to the caller, and is no missed one."""
        agent, caller = await self.agent(5001), await self.agent(5002)
        await self.dial(caller, 5001)
        await self.press(agent, "Reject")
        await self.sees(caller, "5001 is busy.", ".ended")
        await self.sees(agent, "You rejected 5002.", ".ended")
        await self.sees(agent, "Rejected", ".recents")

    async def test_rings(self) -> None:
        """A call is heard to ring, its caller hears it too; both are silent when it is answered."""
        agent, caller = await self.agent(5001), await self.agent(5002)
        count = """() => { window.notes = 0; const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function (...times) { notes += 1; return start.apply(this, times); }; }"""
        for tab in (agent, caller):
            await tab.evaluate(count)
        await self.dial(caller, 5001)
        for tab in (agent, caller):
            await self.until(tab, "() => notes > 0")
        await self.press(agent, "Answer")
        await self.state(agent, "established")
        await self.state(caller, "established")
        heard = await agent.evaluate("() => notes"), await caller.evaluate("() => notes")
        await self.pause(5.5)
        self.assertEqual((await agent.evaluate("() => notes"), await caller.evaluate("() => notes")), heard)
