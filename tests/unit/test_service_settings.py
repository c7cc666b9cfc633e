"""What a writing service can be told."""

import pytest
from pydantic import ValidationError

from services.core import settings
from services.core.settings import SLOTS_BY_HOST, WritingSettings


def slot(monkeypatch: pytest.MonkeyPatch, text: str, host: str = "any") -> int:
    monkeypatch.setenv("MESHSPLIT_SLOT", text)
    monkeypatch.setattr(settings, "gethostname", lambda: host)
    return WritingSettings(port=8000).slot


def test_replicas_get_slots_of_their_own_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = {slot(monkeypatch, "host", f"ingest-5d8f7c9b4-{n:05}") for n in range(200)}
    assert slots == set(range(SLOTS_BY_HOST))


def test_a_replica_keeps_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slot(monkeypatch, "host", "ingest-a") == slot(monkeypatch, "host", "ingest-a")


def test_a_slot_can_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slot(monkeypatch, "200") == 200


@pytest.mark.parametrize("text", ["256", "-1", "hosts", ""])
def test_any_other_slot_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(ValidationError, match="slot"):
        slot(monkeypatch, text)
