"""
Kamailio with a crowd of agents behind it, and what the registrar holds of them: for outages of thousands.

Both kinds take the sample ``conf/kamailio/kamailio.cfg``. As it is, Asterisk is the registrar, and keeps its bindings
while Kamailio is away. With ``usrloc`` Kamailio is the registrar itself, keeps them in memory, and comes back with
none.
Each is a server of its own, so that other cases never see it; it logs what passes, with the time.
"""

import json
import pathlib
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from urllib.request import Request, urlopen

from attrs import define, evolve, field, frozen

from tests.interop.environment import Environment
from tests.interop.processes import Server, free_ports
from tests.interop.servers import ASTERISK_ETC, PASSWORD, Ports, asterisk_agent, edited, kamailio

SEEN = re.compile(r"SEEN (?P<at>\d+\.\d+) (?P<what>\S+) (?P<user>\S+) (?P<call>\S+) (?P<tag>\S+)")
"""A line of the log: when, REGISTER or INVITE or STATUS/METHOD, the agent's number, Call-ID, tag of the far side."""
_LOG = 'xlog("L_INFO", "SEEN $TV(Sn) {} $ci $tt\\n");\n'
LOGGING = {
    "\troute(WITHINDLG);\n": '\tif (isflagset(2) && is_method("REGISTER|INVITE")) {\n\t\t'
    + _LOG.format("$rm $fU")
    + "\t}\n\troute(WITHINDLG);\n",
    "\nreply_route {\n": '\nreply_route {\n\tif (is_method("REGISTER|INVITE")) {\n\t\t'
    + _LOG.format("$rs/$rm $fU")
    + "\t}\n",
}
USRLOC = {
    'loadmodule "websocket.so"\n': """loadmodule "websocket.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "jsonrpcs.so"
modparam("usrloc", "db_mode", 0)
modparam("nathelper", "received_avp", "$avp(RECEIVED)")
modparam("registrar", "received_avp", "$avp(RECEIVED)")
modparam("registrar", "max_contacts", 1)
modparam("jsonrpcs", "transport", 1)
""",
    "route[REGISTER] {\n": f"""route[REGISTER] {{
	# all have the same password, and the realm of Asterisk, which asks for it at INVITE
	if (!pv_www_authenticate("wrtcgw", "{PASSWORD}", "0") || $au != $tU) {{
		www_challenge("wrtcgw", "1");
		exit;
	}}
	consume_credentials();
	fix_nated_register();
	if (!save("location")) {{
		sl_reply_error();
		exit;
	}}
	{_LOG.format("200/REGISTER $fU").rstrip()}
	exit;
}}

route[NOT_USED] {{
""",
    # who is called by the PBX
    "\tif ($du == $null) {\n\t\thandle_ruri_alias();\n": '\tif ($du == $null && !lookup("location")) {\n'
    "\t\thandle_ruri_alias();\n",
    '\txhttp_reply("404"': '\tif ($hu =~ "^/RPC") {\n\t\tjsonrpc_dispatch();\n\t\texit;\n\t}\n\txhttp_reply("404"',
}


@frozen
class Passed:
    """A message that passed Kamailio; see :data:`SEEN`."""

    at: float
    what: str
    user: str
    call: str
    inside: bool
    """Whether it is inside a dialog, or from the far side."""


@define
class Registrar:
    """
    Kamailio and the registrar with or behind it.

    :ivar held: blocking: how many agents the registrar has a way to, over a connection that is up.
    :ivar close: puts back what was changed.
    """

    name: str
    server: Server
    url: str
    sip: int
    held: Callable[[], int] = lambda: 0
    listed: Callable[[], "set[str]"] = set
    """Blocking, and dear: the numbers of those agents, as the registrar's own list has them."""
    close: Callable[[], None] = lambda: None
    passed: list[Passed] = field(factory=list)
    _read: int = 0

    def way_to(self, dn: str) -> str:
        """Return what Asterisk dials to call an agent."""
        return f"PJSIP/{dn}/sip:{dn}@127.0.0.1:{self.sip}" if self.name == "kamailio" else f"PJSIP/{dn}"

    def read(self) -> Sequence[Passed]:
        """Read on in Kamailio's log; return all that has passed so far."""
        with self.server.log.open("rb") as log:
            log.seek(self._read)
            lines, _, _ = log.read().rpartition(b"\n")
        self._read += len(lines)
        for found in SEEN.finditer(lines.decode(errors="replace")):
            inside = found["tag"] != "<null>"
            self.passed.append(Passed(float(found["at"]), found["what"], found["user"], found["call"], inside))
        return self.passed


def _kamailio(environment: Environment, name: str, edits: "dict[str, str]") -> tuple[Server, Ports]:
    sip, ws, wss = free_ports(3)
    ports = evolve(environment.ports, kamailio_sip=sip, kamailio_ws=ws, kamailio_wss=wss)
    folder = environment.folder / f"kamailio-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    server = kamailio(folder, ports, environment.certificates)
    configuration = folder / "kamailio.cfg"
    configuration.write_text(edited(configuration.read_text(), edits))
    return server, ports


def with_usrloc(environment: Environment) -> Registrar:
    """Return a Kamailio that is the registrar, not started; whoever knows the password may register."""
    server, ports = _kamailio(environment, "usrloc", {**LOGGING, **USRLOC})
    url = f"http://127.0.0.1:{ports.kamailio_ws}/RPC"

    def ask(method: str, *arguments: str) -> "object":
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": arguments}).encode()
        with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=10) as response:
            return json.load(response)["result"]

    def held() -> int:
        try:
            told = ask("stats.get_statistics", "usrloc:")
        except OSError:
            return 0  # it is not there, and so is nobody
        found = re.search(r"location[-_]contacts = (\d+)", str(told))
        assert found, f"no count of contacts in {told}"
        return int(found[1])

    def listed() -> set[str]:
        return set(re.findall(r"'AoR': '(\d+)'", str(ask("ul.dump", "brief"))))

    return Registrar("kamailio", server, f"ws://127.0.0.1:{ports.kamailio_ws}", ports.kamailio_sip, held, listed)


def with_asterisk(environment: Environment, crowd: Sequence[int]) -> Registrar:
    """Return a Kamailio as the sample has it, not started, and have Asterisk know a crowd until it is closed."""
    server, ports = _kamailio(environment, "edge", LOGGING)
    pbx = environment.asterisk
    file = pbx.chroot / ASTERISK_ETC / "pjsip_agents.conf"
    before = file.read_text()
    file.write_text(before + "".join(asterisk_agent(dn, "agent") for dn in crowd))

    def put_back() -> None:
        file.write_text(before)
        pbx.cli("database deltree registrar")
        pbx.cli("module reload res_pjsip.so")

    pbx.cli("module reload res_pjsip.so")
    registrar = Registrar("asterisk", server, f"ws://127.0.0.1:{ports.kamailio_ws}", ports.kamailio_sip, close=put_back)

    def held() -> int:
        if not server.alive():
            return 0
        since = began_at(server)
        return len({each.user for each in registrar.read() if each.what == "200/REGISTER" and each.at > since})

    def listed() -> set[str]:
        rows = pbx.cli("database show registrar/contact")
        ways = re.findall(r"registrar/contact/(\d+);@\S+\s*:.*?127\.0\.0\.1:(\d+)%3[Bb]transport", rows)
        # of connections that Kamailio has had and lost there are ways, too
        newest = Counter(port for _, port in ways).most_common(1)[0][0] if ways else ""
        return {dn for dn, port in ways if port == newest}

    registrar.held, registrar.listed = held, listed
    return registrar


def began_at(server: Server) -> float:
    """Return when a process was started, in seconds since the epoch."""
    ticks = int(pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[19])
    up = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / 100
