# ruff: noqa: INP001 - the contract's folder is no package
"""Make ``services/stubs`` from the contract: ``python proto/generate.py [folder]``.

The folder (default: the repository's) receives ``services/stubs/grades/v1``. A test compares what
it makes with what is checked in.
"""

import sys
import sysconfig
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

PROTO = Path(__file__).resolve().parent
STUBS = "services/stubs"


def generate(root: Path) -> None:
    """Write the messages, the gRPC stubs and the types of both below a root folder.

    Raises:
        SystemExit: the compiler refused the contract; it has said why on stderr.

    """
    scripts = Path(sysconfig.get_path("scripts"))
    stubs = root / STUBS
    stubs.mkdir(parents=True, exist_ok=True)
    sources = sorted(f"{STUBS}/{path.relative_to(PROTO)}" for path in PROTO.rglob("*.proto"))
    # The virtual folder gives the stubs an import path of their own: services.stubs.grades.v1.
    arguments = [
        f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
        f"-I{STUBS}={PROTO}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--python_out={root}",
        f"--grpc_python_out={root}",
        f"--mypy_out=readable_stubs:{root}",
        f"--mypy_grpc_out=readable_stubs:{root}",
        *sources,
    ]
    if code := protoc.main(["protoc", *arguments]):
        raise SystemExit(code)
    for folder in (stubs, *(path for path in stubs.rglob("*") if path.is_dir())):
        if folder.name != "__pycache__":
            (folder / "__init__.py").write_text(
                '"""Generated from proto/ by proto/generate.py; not to be edited."""\n'
            )


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTO.parent)
