"""The JSON that each REST route answers with, as OpenAPI shows it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Interval = Annotated[
    tuple[float, float],
    # Not by place, as pydantic has it: programs that read OpenAPI stumble over that.
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
]
"""From where to where."""


class Answer(BaseModel):
    """What all answers are: immutable, and nothing that is not described."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Semester(Answer):
    """A semester of a year in which there are records."""

    year: int
    semester: str


class CourseStudents(Answer):
    """A course and how many distinct students have records there."""

    course: str
    students: int = Field(description="distinct `carne` with a record in that course and semester")


class CourseResults(Answer):
    """How many records of a course passed and failed; zeros for a course never seen."""

    course: str
    year: int
    semester: str
    passed: int = Field(description="records with a grade of at least the pass mark")
    failed: int


class StudentAverage(Answer):
    """A student's average over their records."""

    student_id: str
    student_name: str = Field(description="the smallest of the names sent with this `carne`")
    average: float = Field(description="unrounded")
    records: int


class RecordCount(Answer):
    """The ledger's records, in all and by the arm that stored them."""

    total: int
    arms: dict[str, int]


class FieldErrorAnswer(Answer):
    """A wrong parameter, and what was expected of it."""

    field: str
    detail: str


class ProblemAnswer(Answer):
    """A problem document (RFC 9457); `instance` is the request's id."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[FieldErrorAnswer] = Field(default_factory=list)
