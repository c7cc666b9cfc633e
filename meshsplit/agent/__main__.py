"""``python -m meshsplit.agent``: keep the local Envoy in step with the mesh's files."""

import argparse
import logging
import signal
from pathlib import Path
from threading import Event

from meshsplit.agent.loop import Agent, Job
from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.translation import Local


def _address(text: str) -> tuple[str, int]:
    ip, _, port = text.rpartition(":")
    if not ip or not port.isdigit():
        raise argparse.ArgumentTypeError(f"expected IP:PORT, found {text!r}")
    return ip.strip("[]"), int(port)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m meshsplit.agent", description=__doc__)
    parser.add_argument("--mesh", type=Path, default=Path("mesh"), help="the mesh's folder")
    parser.add_argument(
        "--state", type=Path, default=Path(".local"), help="files are kept in <state>/envoy"
    )
    parser.add_argument(
        "--endpoints", type=Path, help="JSON, addresses by host (<state>/endpoints.json)"
    )
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 8080), help="IP:PORT")
    parser.add_argument("--admin", type=_address, default=("127.0.0.1", 9901), help="IP:PORT")
    parser.add_argument("--identity", default="", help="the run's id, told to who asks for it")
    parser.add_argument("--envoy", help="the Envoy that checks a configuration before it is used")
    parser.add_argument("--once", action="store_true", help="translate once; exit 1 if refused")
    asked = parser.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    state: Path = asked.state.resolve()
    agent = Agent(
        Job(
            mesh=asked.mesh.resolve(),
            endpoints=asked.endpoints or state / "endpoints.json",
            local=Local(asked.listen, Layout(state / "envoy"), asked.identity),
            admin=asked.admin,
            envoy=asked.envoy,
        )
    )
    if asked.once:
        raise SystemExit(1 if agent.bring_up_to_date() else 0)
    stop = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    agent.run(stop)


if __name__ == "__main__":
    main()
