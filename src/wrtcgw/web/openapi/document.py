"""The document as a whole."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from wrtcgw import __version__
from wrtcgw.web.openapi import of_applications, of_operators, of_others, of_pages
from wrtcgw.web.openapi.failures import ANY, examples, responses
from wrtcgw.web.openapi.operations import APPLICATION, OPERATOR, SESSION, Operation
from wrtcgw.web.openapi.schemas import schemas

TITLE = "wrtcgw"
ABOUT = (
    "The HTTP API of this gateway. Pages sign in, send session descriptions and receive messages; operators look and "
    "act. "
    "Errors are JSON with a text for people (`error`) and a word for programs (`code`)."
)
TAGS: Mapping[str, str] = {
    "Coming and going": "Sign in, sign out.",
    "Messages": "Session descriptions in, messages out.",
    "Call control": "What an agent does with its calls.",
    "Questions": "What a page asks.",
    "Operation": "How the gateway is.",
    "Applications": "Third-party call control for a CRM, a dialler or a wallboard.",
    "Operators": "What operators see and do.",
    "Genesys dialect": "The calls of pages that were made for the vendor's gateway.",
    "Softphone API": "What Workspace asks of a softphone.",
}
SECURITY: Mapping[str, Mapping[str, object]] = {
    SESSION: {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that sign_in returned; also as `X-WRTC-Session`, or as the cookie that sign_in set.",
    },
    OPERATOR: {"type": "http", "scheme": "bearer", "description": "An operator's token."},
    APPLICATION: {"type": "http", "scheme": "bearer", "description": "An application's token (`app_tokens`)."},
}


def described(genesys_path: str | None = None) -> list[Operation]:
    """
    Return all operations that there may be.

    :param genesys_path: what stands before the paths of the Genesys dialect; None: it is not served.
    """
    vendors = [] if genesys_path is None else of_others.genesys(genesys_path)
    own = [*of_pages.operations(), *of_applications.operations(), *of_operators.operations()]
    return [*own, *of_others.softphone(), *vendors]


def describe(operations: Iterable[Operation]) -> dict[str, object]:
    """Return the OpenAPI document of some operations."""
    paths: dict[str, dict[str, object]] = {}
    tags = []
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _view(operation)
        if operation.tag not in tags:
            tags.append(operation.tag)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "..", "description": "This gateway: relative to this document."}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in TAGS if tag in tags],
        "paths": paths,
        "webhooks": of_applications.webhooks(),
        "components": {
            "schemas": {name: dict(schema) for name, schema in {**schemas(), **of_applications.schemas()}.items()},
            "examples": examples(),
            "securitySchemes": {name: dict(scheme) for name, scheme in SECURITY.items()},
        },
    }


def _view(operation: Operation) -> dict[str, object]:
    answers = {str(status): answer.view() for status, answer in operation.answers.items()}
    failures = responses((*operation.errors, *ANY), plain=operation.plain_errors)
    view: dict[str, object] = {"operationId": operation.id, "tags": [operation.tag], "summary": operation.summary}
    if operation.text:
        view["description"] = operation.text
    if operation.parameters:
        view["parameters"] = [parameter.view() for parameter in operation.parameters]
    if operation.body is not None:
        view["requestBody"] = operation.body.view()
    view["responses"] = {**failures, **_joined(answers, failures)}
    view["security"] = [{operation.who: []}, {}] if operation.who == SESSION else _required(operation.who)
    return view


def _required(who: str) -> list[dict[str, list[str]]]:
    return [{who: []}] if who else []


def _joined(answers: Mapping[str, dict[str, object]], failures: Mapping[str, object]) -> dict[str, object]:
    """Return answers; one whose status an error has as well may be either."""
    return {status: _either(answer, failures.get(status)) for status, answer in answers.items()}


def _either(answer: dict[str, object], failure: object) -> dict[str, object]:
    if not isinstance(failure, dict):
        return answer
    content: dict[str, Any] = {**cast(dict[str, Any], answer["content"])}
    for kind, theirs in failure["content"].items():
        ours = content.get(kind)
        schema = theirs["schema"] if ours is None else {"anyOf": [ours["schema"], theirs["schema"]]}
        content[kind] = {**theirs, "schema": schema}
    return {**answer, "description": f"{answer['description']} {failure['description']}", "content": content}
