"""What a viewer can choose to watch."""

from typing import NamedTuple


class Selection(NamedTuple):
    """A course in a semester."""

    course: str
    year: int
    semester: str
