"""``python -m services.ingest``."""

from services.core.http.server import run
from services.core.settings import load_settings
from services.ingest.app import NAME, Ingest
from services.ingest.settings import IngestSettings


def main() -> None:
    """Run ingest until it is told to stop."""
    settings = load_settings(IngestSettings)
    run(NAME, settings, lambda: Ingest(settings))


if __name__ == "__main__":
    main()
