"""An arm: the application that takes records over HTTP, whatever stores them."""

from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry

from services.core.domain import problems
from services.core.domain.problems import Problem
from services.core.domain.record import Record
from services.core.http.application import ServiceApplication
from services.core.http.health import StoreStates, health_routes
from services.core.http.records import BODY_LIMIT, RecordsEndpoint, Submit
from services.core.lifecycle import Lifecycle
from services.core.settings import DoorSettings
from services.core.telemetry.calls import LabelledCount, RequestTally
from services.core.telemetry.traces import Traces

_SCHEMAS: Final[tuple[type, ...]] = (Record, Problem)
_REFERENCE: Final = "#/components/schemas/{name}"


def arm_application(
    name: str,
    settings: DoorSettings,
    *,
    submit: Submit | None,
    lifecycle: Lifecycle,
    registry: CollectorRegistry,
    stores: StoreStates,
    traces: Traces,
) -> ServiceApplication:
    """Make an arm's application around what stores its records; without it, a shadow's."""
    tally = RequestTally(name)
    registry.register(tally)
    problems_told = LabelledCount(
        "meshsplit_problems",
        "Records answered with a problem, by its name and, where nothing was stored, the reason",
        ["arm", "problem", "reason"],
        foreign="reason",
    )
    registry.register(problems_told)
    endpoint = RecordsEndpoint(
        service=name,
        arm=settings.arm,
        submit=submit,
        lifecycle=lifecycle,
        tally=tally,
        problems_told=problems_told,
        traces=traces,
        body_timeout_s=settings.body_timeout_s,
    )
    application = ServiceApplication(
        title=name,
        lifecycle=lifecycle,
        tally=tally,
        endpoint=endpoint,
        traces=traces,
        schemas=msgspec.json.schema_components(_SCHEMAS, ref_template=_REFERENCE)[1],
    )
    _describe(application, stores=submit is not None)
    application.include_router(health_routes(name, lifecycle, registry, stores))
    return application


def _describe(application: ServiceApplication, *, stores: bool) -> None:
    """Put the endpoint into the OpenAPI document; it answers before any routing."""

    @application.post(
        "/",
        status_code=201 if stores else 200,
        response_model=None,
        tags=["records"],
        summary="Store one record" if stores else "Check one record, and throw it away",
        responses=_post_responses(stores=stores),
        openapi_extra={
            "parameters": [_KEY_PARAMETER],
            "requestBody": {
                "required": True,
                "description": f"One record, at most {BODY_LIMIT} bytes of UTF-8.",
                "content": {"application/json": {"schema": _schema("Record")}},
            },
        },
    )
    async def store() -> None:
        """Answer 201 once the record is committed."""

    @application.get(
        "/",
        response_model=None,
        tags=["records"],
        summary="Say which arm this is",
        responses={
            200: _json("The arm", {"service": {"type": "string"}, "arm": {"type": "string"}})
        },
    )
    async def greet() -> None:
        """Answer with the arm and the service."""


_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Stores the record once, whichever arm a repeat lands on.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_STORED: Final = {"id": {"type": "string", "format": "uuid"}, "arm": {"type": "string"}}


_WRONG: Final = (
    problems.MALFORMED_JSON,
    problems.BODY_TOO_SLOW,
    problems.BODY_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.INVALID_RECORD,
    problems.INTERNAL,
)
_WRONG_WITH_STORING: Final = (
    problems.KEY_CONFLICT,
    problems.SHADOW_REFUSED,
    problems.NOT_STORED,
    problems.OUTCOME_UNKNOWN,
)


def _post_responses(*, stores: bool) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {
        kind.status: {
            "description": kind.title,
            "content": {problems.MEDIA_TYPE: {"schema": _schema("Problem")}},
        }
        for kind in _WRONG + _WRONG_WITH_STORING * stores
    }
    if not stores:
        return responses | {200: _json("It is a record", {"stored": {"const": False}})}
    responses[503]["headers"] = {
        "Retry-After": {"schema": {"type": "integer"}, "description": "In seconds"}
    }
    return responses | {
        201: _json("Committed", _STORED),
        200: _json("An earlier request with this key had stored it: that one's answer", _STORED),
    }


def _json(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=name)}
