"""The HTTP API is as its OpenAPI document says: no deviation is found, and a generated client makes a call."""

import hashlib
import json
import pathlib
import shutil
import sys

import treq
from twisted.internet import utils
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from twisted.web.http_headers import Headers

from tests.interop.demo import demo, demo_folder
from tests.interop.gateway import Gateway
from tests.interop.servers import PASSWORD

OPERATOR, APPLICATION = "an-operators-token-of-some-length", "an-applications-token-of-some-length"
DIGEST = hashlib.sha256(APPLICATION.encode()).hexdigest()
SETTINGS = {
    "operator_token": OPERATOR,
    "operator_loopback": False,
    "app_burst": 10_000,
    "sign_in_burst_per_address": 10_000,
    "sign_in_burst_per_id": 10_000,
    "calls_per_minute": 10_000,
    "max_calls": 1000,
}
LASTING = ("events", "genesys_wait", "app_events", "ops_events")
"""Operations that hang, by their ids; other tests have them."""
LEAVING = ("sign_out", "sign_out_by_query", "ops_sign_out", "softphone_UnregisterDn", "softphone_UnregisterDn_too")
"""Those after which all others would be refused."""
DEMANDING = (
    *("ops_ladder", "ops_ladder_text", "ops_ladder_pcap"),
    *("sign_in", "sign_in_by_query", "genesys_sign_in", "genesys_sign_in_by_query"),
    *("post_message", "answer", "info", "app_place", "app_do_not_disturb", "app_answer", "app_hold", "app_resume"),
    *("app_hangup", "app_transfer", "app_dtmf"),
)
"""What they need, OpenAPI cannot say: one of two fields, a whole query that is a name, a session description, or an
Idempotency-Key that was not used before."""
GENEROUS = ("ops_capture", "ops_drain", "ops_calls", "post_message", "sign_in")
"""They also take what they do not promise, as all fields do: 0 for false, 486 for its text, an empty text for none."""
BIN = pathlib.Path(sys.executable).parent


def configuration(token: str) -> str:
    """Return the settings of schemathesis: who asks what, and what is not to be wondered at."""
    rules = [
        ("include-tag", ("Operators", "Operation"), f'headers = {{ Authorization = "Bearer {OPERATOR}" }}'),
        (
            "include-tag",
            ("Messages", "Call control", "Questions", "Coming and going", "Softphone API"),
            f'headers = {{ Authorization = "Bearer {token}" }}',
        ),
        ("include-tag", ("Applications",), f'headers = {{ Authorization = "Bearer {APPLICATION}" }}'),
        ("include-operation-id", DEMANDING, "checks.positive_data_acceptance.enabled = false"),
        ("include-tag", ("Genesys dialect",), "checks.allow_header_conformance.enabled = false"),
        ("include-tag", ("Call control",), "checks.negative_data_rejection.enabled = false"),
        ("include-operation-id", GENEROUS, "checks.negative_data_rejection.enabled = false"),
    ]
    who = '[parameters]\n"query.id" = "agent123"\n"query.from" = "agent123"\n"path.dn" = "5001"\n'
    return who + "\n".join(f"[[operations]]\n{by} = {json.dumps(names)}\n{rule}\n" for by, names, rule in rules)


class OpenAPI(TestCase):
    """Against ``--demo``."""

    timeout = 900

    def setUp(self) -> None:
        for tool in ("schemathesis", "openapi-python-client"):
            self.assertTrue((BIN / tool).exists(), f"{tool} is not installed beside {sys.executable}")
        tokens = demo_folder() / "app_tokens"
        tokens.write_text(f'{{ name = "test", sha256 = "{DIGEST}", dns = ["*"], rights = "control" }}')
        self.gateway: Gateway = demo({**SETTINGS, "app_tokens_file": str(tokens)})
        self.folder = pathlib.Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)

    async def sign_in(self) -> str:
        """Sign an agent in; return the token."""
        fields = {"id": "agent123", "dn": "5001", "password": PASSWORD}
        answer = await treq.post(
            f"{self.gateway.url}/api/webrtc/sign_in",
            json=fields,
            headers=Headers({"Accept": ["application/json"]}),
            persistent=False,
        )
        self.assertEqual(answer.code, 200)
        return str((await treq.json_content(answer))["session"])

    async def run_tool(self, tool: str, *arguments: str) -> None:
        """Run a tool in the folder of this test; it has to succeed."""
        out, error, code = await utils.getProcessOutputAndValue(
            str(BIN / tool) if "/" not in tool else tool, arguments, env=None, path=str(self.folder)
        )
        said = (out + error).decode("utf-8", "replace")
        found = said[max(0, said.find("= FAILURES =")) :]
        self.assertEqual(code, 0, f"{found[:6000]}\n…\n{found[-1500:]}")

    def conforms(self, *more: str) -> "Deferred[None]":
        """Let schemathesis look for what is not as it is described."""

        async def run() -> None:
            token = await self.sign_in()
            (self.folder / "schemathesis.toml").write_text(configuration(token), encoding="utf-8")
            await self.run_tool(
                "schemathesis",
                *("--no-color", "--config-file", "schemathesis.toml", "run"),
                f"{self.gateway.url}/api/openapi.json",
                *("--url", self.gateway.url, "--seed", "1", "--phases", "examples,coverage,fuzzing"),
                *("--max-examples", "20", "--no-shrink", "--continue-on-failure", "--request-timeout", "20", *more),
            )

        return Deferred.fromCoroutine(run())

    def test_conformance(self) -> "Deferred[None]":
        """Every answer is of a described status, type and shape; what is wrong is refused, what is right is not."""
        return self.conforms(*(word for name in (*LASTING, *LEAVING) for word in ("--exclude-operation-id", name)))

    def test_conformance_of_leaving(self) -> "Deferred[None]":
        """The same of the operations after which nobody is signed in."""
        return self.conforms(*(word for name in LEAVING for word in ("--include-operation-id", name)))

    def test_generated_client(self) -> "Deferred[None]":
        """A client that a tool has made of the document signs in, calls the echo, hears of the answer and hangs up."""

        async def run() -> None:
            await self.run_tool(
                "openapi-python-client",
                *("generate", "--url", f"{self.gateway.url}/api/openapi.json", "--meta", "none"),
                *("--output-path", "generated"),
            )
            shutil.copy(pathlib.Path(__file__).parent / "data" / "generated_caller.py", self.folder)
            await self.run_tool(sys.executable, "generated_caller.py", self.gateway.url, PASSWORD)

        return Deferred.fromCoroutine(run())
