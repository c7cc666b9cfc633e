"""``python -m services.reporter``."""

from services.core.http.server import run
from services.core.settings import load_settings
from services.reporter.app import NAME, Reporter
from services.reporter.live.connection import LiveConnection
from services.reporter.settings import ReporterSettings


def main() -> None:
    """Run the reporter until it is told to stop."""
    settings = load_settings(ReporterSettings)
    run(NAME, settings, lambda: Reporter(settings), websockets=LiveConnection)


if __name__ == "__main__":
    main()
