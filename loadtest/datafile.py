"""The file of records to send: read whole, checked whole, before the first is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.core.domain.problems import InvalidRecord, MalformedJSON
from services.core.domain.record import decode_record

if TYPE_CHECKING:
    from pathlib import Path

ERRORS_SHOWN = 10
"""A file that is wrong throughout needs no more lines than this to say so."""


class DataFileError(ValueError):
    """The file can't be sent; the message names each wrong row and field."""


def read_bodies(path: Path) -> list[bytes]:
    """Each record's JSON text, byte for byte as it stands in the file.

    Raises:
        DataFileError: no such file, not a JSON array, an empty one, or a record breaks a rule.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror or error}") from None
    try:
        rows = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path}: expected a JSON array of records: {error}") from None
    if not rows:
        raise DataFileError(f"{path}: the array is empty, there is nothing to send")
    bodies = [bytes(row) for row in rows]
    wrong: list[str] = []
    for number, body in enumerate(bodies, start=1):
        wrong += (f"{path}: row {number}: {complaint}" for complaint in _complaints(body))
        if len(wrong) > ERRORS_SHOWN:
            raise DataFileError("\n".join([*wrong[:ERRORS_SHOWN], "… and more"]))
    if wrong:
        raise DataFileError("\n".join(wrong))
    return bodies


def _complaints(body: bytes) -> list[str]:
    try:
        decode_record(body)
    except InvalidRecord as error:
        return [f"{wrong.field or 'record'}: {wrong.detail}" for wrong in error.errors]
    except MalformedJSON as error:
        return [str(error)]
    return []
