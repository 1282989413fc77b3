"""The HTTPS listener with a real browser and curl: a call, and a certificate renewed in the middle of it."""

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Mapping

from twisted.internet.threads import deferToThread

from tests.interop.authority import Certificates, make_certificates
from tests.interop.demo import DemoCase, demo_folder
from tests.interop.processes import free_ports
from tests.interop.servers import PASSWORD

SIGN_IN = """async (who) => {
    const { Phone } = await import("/grtc/phone.js");
    globalThis.phone = new Phone();
    await phone.signIn(who);
}"""
CALL = "async (to) => { globalThis.call = await phone.call(to) }"
ESTABLISHED = "() => call.state === 'established' && call.connection?.connectionState === 'connected'"
CONTEXT = "() => [isSecureContext, location.protocol]"
HOLD = "async () => { await call.hold(); await call.resume(); return call.state }"


class Secure(DemoCase):
    """A page by https://, without any web server in front."""

    def wanted(self) -> Mapping[str, object]:
        """Return the keys of a site with a certificate."""
        self.folder = demo_folder() / "https"
        self.folder.mkdir(exist_ok=True)
        self.certificates: Certificates = make_certificates(self.folder)
        (self.port,) = free_ports(1)
        self.url = f"https://localhost:{self.port}"
        return {
            "https_port": self.port,
            "tls_certificate": str(self.certificates.chain),
            "tls_key": str(self.certificates.key),
        }

    def curl(self, *arguments: str) -> str:
        """Return what curl prints, which trusts the site's authority alone."""
        command = ("curl", "--silent", "--show-error", "--max-time", "20", "--cacert", str(self.certificates.authority))
        done = subprocess.run((*command, *arguments), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def serial(self) -> bytes | None:
        """Return the certificate that a new connection is shown."""
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        with (
            socket.create_connection(("127.0.0.1", self.port), 20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return secure.getpeercert(True)

    async def test_call_and_renewal(self) -> None:
        """A call goes on, and its page's stream with it, when the certificate is renewed and reloaded."""
        tab = await self.open(f"{self.url}/softphone/")
        self.assertEqual(await tab.evaluate(CONTEXT), [True, "https:"])
        await tab.evaluate(SIGN_IN, {"dn": "5001", "password": PASSWORD})
        await tab.evaluate(CALL, "1003")
        await self.until(tab, ESTABLISHED)
        await self.hears(tab, "call.connection")
        before = await deferToThread(self.serial)
        self.certificates = make_certificates(self.folder)
        assert self.gateway.server.pid is not None
        os.kill(self.gateway.server.pid, signal.SIGHUP)
        await self.until(tab, "async () => (await fetch('/api/health')).ok")
        for _ in range(50):
            try:
                after = await deferToThread(self.serial)
                break
            except ssl.SSLError:  # still signed by the authority of before
                await self.pause(0.2)
        self.assertNotEqual(before, after)
        self.assertEqual(await tab.evaluate(HOLD), "established")
        await self.hears(tab, "call.connection")
        await tab.evaluate("() => call.hangup()")
        await tab.evaluate("() => phone.signOut()")

    async def test_curl(self) -> None:
        """Curl takes the certificate, sees HSTS and a cookie for TLS alone, and gets no TLS 1.1."""
        fields = {"id": "curl", "dn": "5002", "password": PASSWORD}
        url = f"{self.url}/api/webrtc/sign_in"
        body = json.dumps(fields)
        answer = await deferToThread(
            self.curl, "--include", "--header", "Content-Type: application/json", "--data", body, url
        )
        lines = answer.lower()
        self.assertIn("200 ok", lines.splitlines()[0])
        self.assertIn("strict-transport-security: max-age=31536000", lines)
        self.assertIn("samesite=none; secure", lines)
        version = await deferToThread(
            self.curl,
            "--output",
            os.devnull,
            "--write-out",
            "%{http_version} %{ssl_verify_result}",
            f"{self.url}/api/health",
        )
        self.assertEqual(version, "1.1 0")
        old = (
            "curl",
            "--silent",
            "--insecure",
            "--tls-max",
            "1.1",
            "--ciphers",
            "DEFAULT@SECLEVEL=0",
            f"{self.url}/api/health",
        )
        done = await deferToThread(subprocess.run, old, capture_output=True, check=False)
        self.assertEqual(done.returncode, 35)
