"""``python -m services.shadow``."""

from services.core.http.server import run
from services.core.settings import load_settings
from services.shadow.app import NAME, Shadow
from services.shadow.settings import ShadowSettings


def main() -> None:
    """Run the shadow until it is told to stop."""
    settings = load_settings(ShadowSettings)
    run(NAME, settings, lambda: Shadow(settings))


if __name__ == "__main__":
    main()
