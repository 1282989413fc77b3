"""What the OpenAPI document says of the gateway's JSON, for tests that have some at hand."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from wrtcgw.web.openapi.document import describe, described


@cache
def document() -> Mapping[str, Any]:
    """Return the document of everything."""
    return describe(described(""))


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the judge of one schema of the document."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document()["components"]})


def faults(value: object, name: str) -> list[str]:
    """Return what a schema of the document finds wrong with a value."""
    return [f"{error.json_path}: {error.message}" for error in _deepest(validator(name).iter_errors(value))]


def message_faults(message: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a message for a page."""
    mapping = document()["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    kind = mapping.get(message.get("messageType"))
    return ["no such message"] if kind is None else faults(message, kind.rpartition("/")[2])


def answer_faults(method: str, path: str, status: int, kind: str, body: Any) -> list[str]:
    """
    Return what is wrong with an answer.

    :param kind: its media type; empty for no body.
    :param body: the JSON, where it is some.
    """
    responses = document()["paths"][path][method.lower()]["responses"]
    if str(status) not in responses:
        return [f"{status} is not described"]
    content = responses[str(status)].get("content", {})
    if kind not in content:
        return [f"{kind} is not described"] if kind or content else []
    if kind != "application/json":
        return []
    schema = {**content[kind]["schema"], "components": document()["components"]}
    return [f"{error.json_path}: {error.message}" for error in _deepest(Draft202012Validator(schema).iter_errors(body))]


def _deepest(errors: Any) -> list[Any]:
    return [inner for error in errors for inner in (error.context or [error])]
