"""``python -m meshsplit.traces``: keep the spans of one machine's stack."""

import argparse
import asyncio
import contextlib
import logging
from pathlib import Path

from meshsplit.traces.receiver import run
from meshsplit.traces.store import SpanFiles


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m meshsplit.traces", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where they are kept")
    parser.add_argument("--port", type=int, default=4317, help="OTLP/gRPC, on 127.0.0.1")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.closing(SpanFiles(asked.folder)) as files:
        asyncio.run(run(files, asked.port))


if __name__ == "__main__":
    main()
