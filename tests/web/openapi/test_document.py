"""The OpenAPI document: valid, with each route and each error, and nothing that is not there."""

import json
from collections.abc import Iterator
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.exceptions import HTTPException

from tests.web.ops.opscase import OpsCase
from wrtcgw.calls.messages import MessageType
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.errors import REGISTRAR_FAILED, ROWS
from wrtcgw.web.genesys import GenesysSettings
from wrtcgw.web.openapi.failures import ERRORS, EXAMPLES
from wrtcgw.web.openapi.messages import FIELDS, TEXTS


class DocumentTests(OpsCase):
    """What ``/api/openapi.json`` has."""

    def setUp(self) -> None:
        super().setUp()
        answer = self.ask("GET", "/api/openapi.json", Origin="https://anywhere.example")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://anywhere.example")
        self.document: dict[str, Any] = answer.json

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Iterate over method, path and what is described."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def test_valid(self) -> None:
        """It is OpenAPI 3.1, by an independent judge."""
        self.assertEqual([str(error) for error in OpenAPIV31SpecValidator(self.document).iter_errors()], [])

    def test_every_route_is_described(self) -> None:
        """Each method of each route is in the document, and each operation of the document is a route's."""
        served = set()
        for chain in self.surface.chains:
            for route in chain.dialect.routes.all:
                served |= {(method, route.path) for method in route.methods}
        described = set()
        for method, path, _ in self.operations():
            dialect = next(chain.dialect for chain in self.surface.chains if chain.dialect.serves(path.encode()))
            try:
                rule, _ = dialect.routes.app.url_map.bind("localhost").match(path, method=method, return_rule=True)
            except HTTPException as error:
                self.fail(f"{method} {path}: {error}")
            described.add((method, rule.rule))
        self.assertEqual(served - described, set())
        self.assertGreater(len(served), 45)

    def test_prefix_of_the_vendors_dialect(self) -> None:
        """The vendor's calls are described where they are, and not at all where they are not served."""
        for genesys, paths in ((GenesysSettings(path="/vendor"), {"/vendor/wait"}), (None, set[str]())):
            surface = http_surface(self.gateway, WebSettings(), self.clock, genesys=genesys)
            self.site = GatewaySite(surface, reactor=self.clock)
            found = self.ask("GET", "/api/openapi.json").json["paths"]
            self.assertEqual({path for path in found if path.endswith("/wait")}, paths)
            self.assertNotIn("/api/ops/summary", found)
            surface.close()

    def test_every_error_has_an_example(self) -> None:
        """Each code has an example with its status, and is named by an operation."""
        codes = {row.code for row in (*ROWS.values(), REGISTRAR_FAILED)}
        self.assertEqual(codes - EXAMPLES.keys(), set())
        self.assertEqual({type(error) for error in ERRORS}, set(ROWS))
        named: set[str] = set()
        for _, _, operation in self.operations():
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    for code in content.get("examples", {}):
                        self.assertEqual(str(EXAMPLES[code][0]), status)
                        named.add(code)
        self.assertEqual(EXAMPLES.keys() - named, set())
        examples = self.document["components"]["examples"]
        self.assertEqual(
            {code: example["value"]["code"] for code, example in examples.items()}, {c: c for c in EXAMPLES}
        )

    def test_every_message_has_a_schema(self) -> None:
        """Each type of message for a page has a schema and a text."""
        self.assertEqual((set(FIELDS), set(TEXTS)), (set(MessageType), set(MessageType)))
        mapping = self.document["components"]["schemas"]["Message"]["discriminator"]["mapping"]
        self.assertEqual(set(mapping), {kind.value for kind in MessageType})

    def test_ids(self) -> None:
        """No two operations have the same name, and each is a name for programs."""
        names = [operation["operationId"] for _, _, operation in self.operations()]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual([name for name in names if not name.isidentifier()], [])

    def test_no_schema_in_vain(self) -> None:
        """Each schema is used."""
        whole = json.dumps(self.document)
        schemas = self.document["components"]["schemas"]
        self.assertEqual([name for name in schemas if f'"#/components/schemas/{name}"' not in whole], [])
