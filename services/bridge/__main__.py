"""``python -m services.bridge``."""

from services.bridge.app import NAME, Bridge
from services.bridge.settings import BridgeSettings
from services.core.http.server import run
from services.core.settings import load_settings


def main() -> None:
    """Run bridge until it is told to stop."""
    settings = load_settings(BridgeSettings)
    run(NAME, settings, lambda: Bridge(settings))


if __name__ == "__main__":
    main()
