"""``python -m services.recorder``."""

from services.core.http.server import run
from services.core.settings import load_settings
from services.recorder.app import NAME, Recorder
from services.recorder.settings import RecorderSettings


def main() -> None:
    """Run the recorder until it is told to stop."""
    settings = load_settings(RecorderSettings)
    run(NAME, settings, lambda: Recorder(settings))


if __name__ == "__main__":
    main()
