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
from services.core.telemetry.metrics import RequestTally

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
) -> ServiceApplication:
    """Make an arm's application around what stores its records; without it, a shadow's."""
    tally = RequestTally(name, settings.arm)
    registry.register(tally)
    endpoint = RecordsEndpoint(
        service=name,
        arm=settings.arm,
        submit=submit,
        lifecycle=lifecycle,
        tally=tally,
        body_timeout_s=settings.body_timeout_s,
    )
    application = ServiceApplication(
        title=name,
        lifecycle=lifecycle,
        endpoint=endpoint,
        schemas=msgspec.json.schema_components(_SCHEMAS, ref_template=_REFERENCE)[1],
    )
    _describe(application)
    application.include_router(health_routes(name, lifecycle, registry, stores))
    return application


def _describe(application: ServiceApplication) -> None:
    """Put the endpoint into the OpenAPI document; it answers before any routing."""

    @application.post(
        "/",
        status_code=201,
        response_model=None,
        tags=["records"],
        summary="Store one record",
        responses=_post_responses(),
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


def _post_responses() -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {
        201: _json("Committed", _STORED),
        200: _json("An earlier request with this key had stored it: that one's answer", _STORED),
    }
    for kind in (
        problems.MALFORMED_JSON,
        problems.BODY_TOO_SLOW,
        problems.KEY_CONFLICT,
        problems.BODY_TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.SHADOW_REFUSED,
        problems.INVALID_RECORD,
        problems.INTERNAL,
        problems.NOT_STORED,
        problems.OUTCOME_UNKNOWN,
    ):
        responses[kind.status] = {
            "description": kind.title,
            "content": {problems.MEDIA_TYPE: {"schema": _schema("Problem")}},
        }
    responses[503]["headers"] = {
        "Retry-After": {"schema": {"type": "integer"}, "description": "In seconds"}
    }
    return responses


def _json(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=name)}
