"""
The description of the HTTP API: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), made from the routes.

What a route cannot say of itself (what it takes, what it answers) is declared in the tables of this package;
:class:`~wrtcgw.web.openapi.api.DescriptionAPI` joins both, so that the document has the routes that this gateway has.
``tests/web/openapi`` proves that none is missing and nothing is described that is not there,
``tests/interop/case_openapi.py`` that the gateway answers as it is described.
"""

from wrtcgw.web.openapi.api import DescriptionAPI

__all__ = ["DescriptionAPI"]
