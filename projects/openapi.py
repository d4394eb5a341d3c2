"""How our pydantic models reach the OpenAPI description, and the answers that every call has in common."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from pydantic import BaseModel

from projects.serializers import PROBLEM, Problem
from projects.spec import json_schema
from provisioning.spec import ProjectSpec

_COMPONENTS = "#/components/schemas/"

_SAID = {
    400: "The body is not JSON or has unknown fields, or a query parameter is unknown or wrong; see `errors`.",
    401: "No credential, or one that is not valid.",
    403: "You see it, but may not do this. A token without the scope `write` may only read.",
    404: "No such thing, or not for you: the same answer.",
    409: "Not in its present state; or a call with the same Idempotency-Key is running.",
    412: "It was changed since you read it. Read it again, then send yours.",
    413: "The body is larger than 64 KiB.",
    415: "The body must be JSON.",
    422: "What you ask for has faults, all of them in `errors`; or the Idempotency-Key was used for another call.",
    428: "Send If-Match with the ETag that you read.",
    429: "You ask too often; see Retry-After.",
    503: "The database or company login does not answer; see Retry-After.",
}
_BODY = (400, 413, 415, 422)

PLAN_OR_ASKED = OpenApiResponse(
    {"oneOf": [{"$ref": f"{_COMPONENTS}PlanOut"}, {"$ref": f"{_COMPONENTS}AskedOut"}]},
    description="The plan of a dry run; or nothing differs from what is wanted already.",
)
PLAN_OR_REQUEST = OpenApiResponse(
    {"oneOf": [{"$ref": f"{_COMPONENTS}PlanOut"}, {"$ref": f"{_COMPONENTS}RequestOut"}]},
    description="The request as it is now; of a dry run, the plan.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Your own name for this call, such as a UUID. Sent again within a day, it gives the same answer.",
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag that you read; `*` for any."
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag that you know; 304 when nothing moved."
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="The wish's generation, a dot, and a digest of the answer. If-Match compares the generation only.",
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[202], description="Where to follow what was asked."
)


class ProjectSpecSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # registers itself by this class
    """The ProjectSpec with the options of every Kind, as editors get it too."""

    target_class = ProjectSpec
    priority = 1

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:  # noqa: ARG002
        """Name of the component."""
        return "ProjectSpec"

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:  # noqa: ARG002
        """The schema; what it refers to becomes components."""
        schema: dict[str, Any] = _relocated(json_schema())
        schema.pop("$schema")
        # Whoever leaves it out gets the catalogue's default.
        schema["required"] = [name for name in schema["required"] if name != "plan"]
        for name, below in schema.pop("$defs", {}).items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name=name, type=ResolvedComponent.SCHEMA, object=name, schema=below
            )
            auto_schema.registry.register_on_missing(component)
        return schema


def parameters_of(model: type[BaseModel]) -> list[OpenApiParameter]:
    """The query parameters that a model reads."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return [
        OpenApiParameter(
            name,
            {key: value for key, value in field.items() if key not in ("description", "title")},
            OpenApiParameter.QUERY,
            description=field.get("description", ""),
        )
        for name, field in schema["properties"].items()
    ]


def answers(good: Mapping[Any, Any], *statuses: int, body: bool = False) -> dict[int | tuple[int, str], Any]:
    """The answers of an operation: the good ones, and problems. `body`: it reads one, with all that can be wrong."""
    wrong = sorted({400, 401, 503, *statuses, *(_BODY if body else ())})
    said: dict[int | tuple[int, str], Any] = dict(good.items())
    for status in wrong:
        said[(status, PROBLEM)] = OpenApiResponse(Problem, description=_SAID[status])
    return said


EXAMPLES = [
    OpenApiExample(
        "Smallest",
        summary="Name and team; the rest has defaults, and you become owner",
        value={"slug": "demand-forecast", "team": "forecasting"},
        request_only=True,
    ),
    OpenApiExample(
        "With contributors and options",
        summary="A group, a person with an end date, and less than the plan has",
        value={
            "version": 1,
            "slug": "demand-forecast",
            "title": "Demand forecast",
            "description": "Predicts parts demand per plant.",
            "team": "forecasting",
            "plan": "small",
            "contributors": [
                {"user": "alice@corp.example", "role": "owner"},
                {"group": "ml-forecasting", "role": "editor"},
                {"user": "bob@corp.example", "role": "viewer", "until": "2027-06-30"},
            ],
            "options": {"limits": {"cpu": "2", "memory": "8Gi"}, "network": {"internet": True}},
        },
        request_only=True,
    ),
]


def _relocated(value: Any) -> Any:
    """The same schema with references to components instead of to its own definitions."""
    if isinstance(value, dict):
        return {
            key: item.replace("#/$defs/", _COMPONENTS) if key == "$ref" and isinstance(item, str) else _relocated(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_relocated(item) for item in value]
    return value
