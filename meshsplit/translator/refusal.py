"""What is said when the mesh's files ask for something that can't be had."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that can't be honoured, and where it stands."""

    file: str
    """Path of the file, relative to the mesh's folder."""
    path: str
    """Where in the resource: ``spec.http[2].route[0].destination.subset``."""
    name: str
    """Which resource: ``VirtualService records``; empty if the file is no resource."""
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.name, self.path, self.message) if part)

    def as_json(self) -> dict[str, str]:
        """Return the four fields under their names."""
        return asdict(self)


class Refused(Exception):  # noqa: N818 - it reads as what happened to the files
    """The mesh's files were refused; ``refusals`` has every reason, in the files' order."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("\n".join(str(refusal) for refusal in refusals))
        self.refusals = refusals
