"""What is declared of one route: what it takes, what it answers, how it fails."""

from collections.abc import Mapping

from attrs import field, frozen

Schema = Mapping[str, object]
"""A JSON Schema (draft 2020-12)."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TEXT = "text/plain"
SDP = "application/sdp"
STREAM = "text/event-stream"

ANYBODY, SESSION, OPERATOR, APPLICATION = "", "session", "operator", "application"
"""Who may call: the name of a security scheme, or nobody in particular."""


@frozen(kw_only=True)
class Parameter:
    """
    One field of the query, or a header field.

    :ivar where: ``query``, ``header`` or ``path``.
    """

    name: str
    schema: Schema
    text: str
    required: bool = False
    where: str = "query"
    example: object = None

    def view(self) -> dict[str, object]:
        """Return it as OpenAPI has it."""
        view: dict[str, object] = {"name": self.name, "in": self.where, "description": self.text}
        if self.required or self.where == "path":
            view["required"] = True
        view["schema"] = dict(self.schema)
        if self.example is not None:
            view["example"] = self.example
        return view


@frozen(kw_only=True)
class Answer:
    """
    A success, or something that is no error.

    :ivar bodies: for each media type its schema; empty for no body.
    :ivar headers: for each header field what it tells.
    """

    text: str
    bodies: Mapping[str, Schema] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)

    def view(self) -> dict[str, object]:
        """Return it as OpenAPI has it."""
        view: dict[str, object] = {"description": self.text}
        if self.headers:
            view["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in self.headers.items()
            }
        if self.bodies:
            view["content"] = {kind: {"schema": dict(schema)} for kind, schema in self.bodies.items()}
        return view


@frozen(kw_only=True)
class Body:
    """What the body of a request is, by media type."""

    kinds: Mapping[str, Schema]
    required: bool = True
    text: str = ""
    examples: Mapping[str, object] = field(factory=dict)
    """For each media type one."""

    def view(self) -> dict[str, object]:
        """Return it as OpenAPI has it."""
        content: dict[str, object] = {}
        for kind, schema in self.kinds.items():
            example = {"example": self.examples[kind]} if kind in self.examples else {}
            content[kind] = {"schema": dict(schema), **example}
        described = {"description": self.text} if self.text else {}
        return {**described, "required": self.required, "content": content}


@frozen(kw_only=True)
class Operation:
    """
    One method of one path.

    :ivar path: as OpenAPI has it: ``/a/{b}``.
    :ivar id: a name for programs that are made of the document.
    :ivar errors: the codes of errors that are its own; those that any request may meet are added.
    """

    method: str
    path: str
    id: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    text: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    errors: tuple[str, ...] = ()
    who: str = ANYBODY
    plain_errors: bool = False
    """Errors are text, as in the dialect of the vendor's pages."""


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def fields(required: Mapping[str, Schema] | None = None, /, **optional: Schema) -> dict[str, object]:
    """Return the schema of an object: fields that are always there, and others that may be."""
    always = required or {}
    schema: dict[str, object] = {"type": "object", "properties": {**always, **optional}}
    if always:
        schema["required"] = list(always)
    return schema


def text(description: str = "", **more: object) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", **({"description": description} if description else {}), **more}


def number(description: str = "", **more: object) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", **({"description": description} if description else {}), **more}


def whole(description: str = "", **more: object) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", **({"description": description} if description else {}), **more}


def switch(description: str = "") -> Schema:
    """Return the schema of what is true or false."""
    return {"type": "boolean", **({"description": description} if description else {})}


def either(schema: Schema) -> Schema:
    """Return the schema of what may also be null."""
    kind = schema.get("type")
    return {**schema, "type": [kind, "null"]} if isinstance(kind, str) else {"anyOf": [schema, {"type": "null"}]}


def listed(items: Schema, description: str = "", **more: object) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **({"description": description} if description else {}), **more}
