"""Logs as one JSON object a line on stderr."""

import logging
import sys
from datetime import UTC, datetime

import msgspec
from opentelemetry.trace import get_current_span

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
_encoder = msgspec.json.Encoder(enc_hook=str)


class JSONFormatter(logging.Formatter):
    """Writes level, time, service, message, the current span, and whatever ``extra`` brought."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Make one line of a log record."""
        line: dict[str, object] = {
            "level": record.levelname.lower(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "service": self._service,
            "message": record.getMessage(),
        }
        context = get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
            line["span_id"] = f"{context.span_id:016x}"
        line.update((k, v) for k, v in vars(record).items() if k not in _STANDARD)
        if record.name != "root":
            line["logger"] = record.name
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return _encoder.encode(line).decode()
        except UnicodeEncodeError:  # half a surrogate pair in something a client sent
            return _encoder.encode({k: ascii(v) for k, v in line.items()}).decode()


def configure_logs(service: str, level: str) -> None:
    """Send every logger of the process to stderr as JSON, from a level upwards."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter(service))
    root = logging.getLogger()
    for previous in root.handlers[:]:
        root.removeHandler(previous)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    # uvicorn tells of its own comings and goings at info; the service's lines say it better.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every question
    # A collector that is away is told of in one line, by who counts what it didn't take.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
