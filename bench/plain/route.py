"""What the plain versions take over HTTP, and how they are served."""

import os
from typing import Annotated
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from services.core.domain.pending import Pending
from services.core.domain.record import Record

Text = Annotated[str, Field(min_length=1, max_length=255)]


class Grade(BaseModel):
    """A record as it comes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    carne: Text
    nombre: Text
    curso: Text
    nota: Annotated[int, Field(ge=0, le=100)]
    semestre: Text
    year: Annotated[int, Field(ge=1900, le=2200)]


class Stored(BaseModel):
    """The answer."""

    id: UUID
    arm: str


def pending(id_: UUID, grade: Grade, key: str | None) -> Pending:
    """Make of it what the product's own ledger takes; it is checked already."""
    record = Record(
        student_id=grade.carne,
        student_name=grade.nombre,
        course=grade.curso,
        grade=grade.nota,
        semester=grade.semestre,
        year=grade.year,
    )
    return Pending(id_, record, key, "")


async def ready() -> dict[str, bool]:
    """Say that it runs."""
    return {"ready": True}


def serve(application: FastAPI) -> None:
    """Serve it where the place's service is told to listen."""
    application.get("/readyz")(ready)
    uvicorn.run(
        application,
        port=int(os.environ["MESHSPLIT_PORT"]),
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )
