"""The samples in ``conf/`` as their own programs read them, with the values that they show."""

import pathlib
import re
import shutil
import subprocess

import yaml
from twisted.trial.unittest import SynchronousTestCase

from tests.interop.authority import make_certificates
from tests.interop.environment import environment
from tests.interop.servers import CONF, PROJECT
from wrtcgw.config import load

SERVICES = {"wrtcgw", "kamailio", "asterisk", "coturn", "redis", "nginx", "prometheus", "grafana"}
"""Of docker-compose.yml."""
PROVISIONING = CONF / "grafana/provisioning"


class Samples(SynchronousTestCase):
    """Each sample passes the check of the program it is for; that they work is what the other cases show."""

    def test_kamailio_with_defaults(self) -> None:
        """kamailio.cfg is complete without a local file."""
        self._check_kamailio()

    def test_kamailio_with_sample_values(self) -> None:
        """The sample of the local file names nothing that kamailio.cfg does not know."""
        self._check_kamailio("kamailio-local.cfg")
        local = (CONF / "kamailio/kamailio-local.cfg").read_text()
        main = "".join((CONF / "kamailio" / each).read_text() for each in ("kamailio.cfg", "kamailio-rtpengine.cfg"))
        for name in (line.split("!")[2] for line in local.splitlines() if line.startswith("#!substdef")):
            self.assertIn(f"#!ifndef {name}\n", main)

    def test_kamailio_with_rtpengine(self) -> None:
        """The line of the sample that switches rtpengine on does so."""
        line = "##!define WITH_RTPENGINE\n"
        local = (CONF / "kamailio/kamailio-local.cfg").read_text()
        self.assertIn(line, local)
        folder = environment().folder / "kamailio-local-rtpengine"
        folder.mkdir()
        (folder / "kamailio-local.cfg").write_text(local.replace(line, line[1:]))
        shutil.copy(CONF / "kamailio/kamailio-rtpengine.cfg", folder)
        self._check_kamailio(folder=folder)

    def _check_kamailio(self, *local: str, folder: pathlib.Path | None = None) -> None:
        if folder is None:
            folder = environment().folder / self.id().rsplit(".", 1)[1]
            folder.mkdir()
        for name in ("kamailio.cfg", *local):
            shutil.copy(CONF / "kamailio" / name, folder)
        done = subprocess.run(
            ("kamailio", "-c", "-f", str(folder / "kamailio.cfg")), capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("ERROR", done.stderr)

    def _copy(self, name: str, edits: dict[str, str]) -> pathlib.Path:
        """Return a copy of a sample in a folder of its own, with the files of a certificate that is there."""
        folder = environment().folder / self.id().rsplit(".", 1)[1]
        folder.mkdir()
        made = make_certificates(folder)
        (folder / "both.pem").write_bytes(made.chain.read_bytes() + made.key.read_bytes())
        text = (CONF / name).read_text()
        for old, new in edits.items():
            self.assertIn(old, text)
            text = text.replace(old, str(folder / new))
        copy = folder / pathlib.Path(name).name
        copy.write_text(text)
        return copy

    def _check(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_haproxy(self) -> None:
        """HAProxy takes its sample."""
        copy = self._copy("haproxy/wrtcgw.cfg", {"/etc/haproxy/webrtc.example.org.pem": "both.pem"})
        self._check("haproxy", "-c", "-f", str(copy))

    def test_caddy(self) -> None:
        """Caddy takes its sample."""
        copy = self._copy("caddy/Caddyfile", {})
        self._check("env", f"HOME={copy.parent}", "caddy", "validate", "--adapter", "caddyfile", "--config", str(copy))

    def test_apache(self) -> None:
        """Apache takes its sample with the modules that this names."""
        edits = {
            "/etc/ssl/certs/webrtc.example.org.pem": "server.pem",
            "/etc/ssl/private/webrtc.example.org.key": "server.key",
        }
        copy = self._copy("apache/wrtcgw.conf", edits)
        enabled = re.search(r"a2enmod ([a-z_ ]+);", copy.read_text())
        assert enabled is not None
        modules = ("mpm_event", "authz_core", *enabled[1].split())
        lines = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules]
        lines += [f"Define APACHE_LOG_DIR {copy.parent}", f"ErrorLog {copy.parent}/error.log", "ServerName localhost"]
        root = copy.parent / "root.conf"
        root.write_text("\n".join(["ServerRoot /etc/apache2", *lines, f"Include {copy}", ""]))
        self._check("apache2", "-t", "-f", str(root))

    def test_every_proxy_sets_what_is_believed(self) -> None:
        """Each sample of a proxy in front says what of a client's header fields counts, and promises TLS."""
        for name in (
            "nginx/wrtcgw.conf",
            "haproxy/wrtcgw.cfg",
            "apache/wrtcgw.conf",
            "caddy/Caddyfile",
            "traefik/wrtcgw.yml",
        ):
            text = (CONF / name).read_text()
            self.assertRegex(text, r"(?i)x-(real-ip|forwarded-for)", name)
            self.assertIn("trusted_proxies", text, name)
            self.assertIn("31536000", text, name)
            self.assertNotIn("/api/ops", text.replace("# ", ""), name)
        self.assertIn("http", yaml.safe_load((CONF / "traefik/wrtcgw.yml").read_text()))

    def test_asterisk_loads_every_module(self) -> None:
        """Every module that modules.conf names is there and runs."""
        pbx = environment().asterisk
        text = (CONF / "asterisk/modules.conf").read_text()
        wanted = [line.split("=")[1].strip() for line in text.splitlines() if line.startswith(("load =", "preload ="))]
        shown = pbx.cli("module show")
        running = {line.split()[0] for line in shown.splitlines() if "Running" in line and "Not Running" not in line}
        self.assertEqual([name for name in wanted if name not in running], [])

    def test_asterisk_listens_on_loopback_only(self) -> None:
        """No port of SIP, HTTP or the manager interface is open to the network."""
        pid = environment().asterisk.server.pid
        listening = subprocess.run(("ss", "-Hltnp"), capture_output=True, text=True, check=True).stdout
        ours = [line.split()[3] for line in listening.splitlines() if f"pid={pid}," in line]
        self.assertEqual([address for address in ours if not address.startswith("127.0.0.1:")], [])

    def test_compose_builds_what_the_dockerfile_has(self) -> None:
        """
        Each service builds a target of the Dockerfile, and each file that is copied or mounted exists.

        It is the seed's compose file: its variables, and all that it talks of; and what watches over them.
        """
        services = yaml.safe_load((CONF / "docker-compose.yml").read_text())["services"]
        dockerfile = (CONF / "Dockerfile").read_text()
        targets = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", dockerfile))
        self.assertEqual(set(services), SERVICES)
        for name, service in services.items():
            if "build" in service:
                self.assertIn(service["build"]["target"], targets)
                self.assertTrue((CONF / service["build"]["context"] / service["build"]["dockerfile"]).is_file(), name)
            for other in service.get("depends_on", []):
                self.assertIn(other, services)
            for source in (volume.split(":")[0] for volume in service.get("volumes", [])):
                made_by_site = source.startswith("./tls")
                self.assertTrue(made_by_site or not source.startswith(".") or (CONF / source).exists(), source)
        copied = re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", dockerfile)
        self.assertEqual([each for line in copied for each in line.split() if not (PROJECT / each).exists()], [])

    def test_compose_keeps_to_itself(self) -> None:
        """What nobody outside needs listens on loopback, and Grafana finds its dashboard and its Prometheus."""
        services = yaml.safe_load((CONF / "docker-compose.yml").read_text())["services"]
        self.assertIn("127.0.0.1", services["redis"]["command"])
        self.assertIn("--web.listen-address=127.0.0.1:9090", services["prometheus"]["command"])
        self.assertEqual(services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"], "127.0.0.1")
        (source,) = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())["datasources"]
        self.assertEqual((source["type"], source["url"]), ("prometheus", "http://127.0.0.1:9090"))
        (provider,) = yaml.safe_load((PROVISIONING / "dashboards/wrtcgw.yml").read_text())["providers"]
        mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
        self.assertIn(f"{provider['options']['path']}/wrtcgw.json", mounted)

    def test_compose_environment_is_a_configuration(self) -> None:
        """The variables that docker-compose.yml sets are all that the gateway needs, and none is unknown to it."""
        services = yaml.safe_load((CONF / "docker-compose.yml").read_text())["services"]
        settings, sources = load(None, services["wrtcgw"]["environment"])
        self.assertEqual(len(settings.trusted_proxies), 1)
        self.assertEqual(len(sources), len(services["wrtcgw"]["environment"]))
