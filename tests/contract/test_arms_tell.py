"""What the arms tell of their work: metrics and logs."""

import json
import re

import psutil
import pytest

from tests import plain_http
from tests.arms import Arms, encoded

JSON = {"content-type": "application/json"}


def counted(arms: Arms) -> dict[str, float]:
    """Sum what all services count as stored, by arm."""
    counts: dict[str, float] = {}
    for service in arms.all:
        text = plain_http.get(service.url + "/metrics").text
        pattern = r'^meshsplit_records_total\{arm="(\w+)",outcome="stored"\} (\S+)$'
        for arm, count in re.findall(pattern, text, re.MULTILINE):
            counts[arm] = counts.get(arm, 0) + float(count)
    return counts


def test_a_sum_over_the_services_counts_each_record_once(arms: Arms) -> None:
    before = counted(arms)
    for url in arms.urls.values():
        for _ in range(3):
            assert plain_http.post(url, content=encoded(), headers=JSON).status_code == 201
    after = counted(arms)
    assert {arm: after[arm] - before.get(arm, 0) for arm in after} == {"fastapi": 3, "grpc": 3}
    recorder = plain_http.get(arms.recorder.url + "/metrics").text
    assert 'meshsplit_recorder_records_total{arm="grpc",outcome="stored"}' in recorder


def test_a_service_says_what_its_process_uses(arms: Arms) -> None:
    for service in arms.all:
        assert service.process is not None
        told = plain_http.get(service.url + "/metrics").text
        seconds = re.search(r"^process_cpu_seconds_total (\S+)$", told, re.MULTILINE)
        resident = re.search(r"^process_resident_memory_bytes (\S+)$", told, re.MULTILINE)
        files = re.search(r"^process_open_fds (\S+)$", told, re.MULTILINE)
        assert seconds
        assert resident
        assert files
        process = psutil.Process(service.process.pid)
        used = process.cpu_times()
        assert float(seconds[1]) == pytest.approx(used.user + used.system, abs=0.5)
        assert float(resident[1]) == pytest.approx(process.memory_info().rss, rel=0.2)
        assert float(files[1]) == pytest.approx(process.num_fds(), abs=5)


def test_every_line_a_service_logs_is_json_with_a_level_and_a_time(own_arms: Arms) -> None:
    for service in own_arms.all:
        assert service.stop() == 0
        lines = [json.loads(line) for line in service.log.read_text().splitlines()]
        assert lines, service.name
        for line in lines:
            assert line["level"] in {"debug", "info", "warning", "error", "critical"}
            assert line["time"].endswith(("Z", "+00:00"))
            assert line["message"]
