import shutil
from pathlib import Path

import pytest

from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refusal, Refused
from meshsplit.translator.translation import Local, translate

ROOT = Path(__file__).resolve().parents[2]
LOCAL = Local(("127.0.0.1", 8080), Layout(Path("/state/envoy")))
HOSTS = ("ingest", "bridge", "recorder", "reporter", "dashboard", "otel-collector:4317")
ENDPOINTS = Endpoints(dict.fromkeys(HOSTS, "127.0.0.1:1"))


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "mesh", tmp_path / "mesh"))


def refusals(mesh: Path) -> list[Refusal]:
    with pytest.raises(Refused) as caught:
        translate(mesh, ENDPOINTS, LOCAL)
    return caught.value.refusals


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


RECORDS = "routes/records.yaml"
INGEST = "destinations/ingest.yaml"
GATEWAY = "gateway/gateway.yaml"


IN_POLICY = "spec.trafficPolicy."
ARM = "spec.http[1].route[0]."
CASES = [
    (RECORDS, "timeout: 15s", "timeout: soon", "spec.http[1].timeout", "duration"),
    (RECORDS, "timeout: 15s", "timeuot: 15s", "spec.http[1].timeuot", "not known"),
    (RECORDS, "timeout: 15s", "timeout: 15", "spec.http[1].timeout", "duration"),
    (RECORDS, "weight: 50", "weight: -1", f"{ARM}weight", "whole number"),
    (RECORDS, "weight: 50", "weight: half", f"{ARM}weight", "whole number"),
    (RECORDS, "weight: 50", "weight: true", f"{ARM}weight", "whole number"),
    (RECORDS, "host: ingest\n", "host: ingset\n", f"{ARM}destination.host", "unknown host"),
    (RECORDS, "subset: direct", "subset: v2", "spec.http[2].route[0].destination.subset", "'v2'"),
    (RECORDS, "{number: 8000}", "{number: 9}", f"{ARM}destination.port", "no port 9"),
    (RECORDS, "exact: POST", "exakt: POST", "spec.http[1].match[0].method.exakt", "not known"),
    (RECORDS, "[meshsplit]", "[mesh, other]", "spec.gateways", "only the gateway"),
    (RECORDS, "Code: 302", "Code: 304", "spec.http[0].redirect.redirectCode", "301"),
    (RECORDS, ".*text/html.*", "(", "spec.http[0].match[0].headers.accept.regex", "regular"),
    (RECORDS, "networking.istio.io/v1", "v1", "apiVersion", "expected one of"),
    (RECORDS, "kind: VirtualService", "kind: EnvoyFilter", "kind", "expected one of"),
    (INGEST, "out: 30s", "out: 0s", f"{IN_POLICY}connectionPool.http.idleTimeout", "at least"),
    (
        INGEST,
        "name: direct",
        "name: direct\n      labels: {a: b}",
        "spec.subsets[0].labels",
        "label",
    ),
    (INGEST, "cent: 50", "cent: 101", f"{IN_POLICY}outlierDetection.maxEjectionPercent", "to 100"),
    (INGEST, "host: ingest", "host: nobody", "spec.host", "unknown host"),
    (GATEWAY, "protocol: HTTP", "protocol: HTTPS", "spec.servers[0].port.protocol", "HTTP"),
]


@pytest.mark.parametrize("case", CASES)
def test_what_can_not_be_honoured_is_refused_by_file_and_path(
    mesh: Path, case: tuple[str, str, str, str, str]
) -> None:
    file, old, new, path, message = case
    edit(mesh / file, old, new)
    found = {refusal.path: refusal for refusal in refusals(mesh) if refusal.file == file}
    assert path in found
    assert message in found[path].message


def test_a_refusal_names_the_resource(mesh: Path) -> None:
    edit(mesh / RECORDS, "timeout: 15s", "timeout: soon")
    (refusal,) = refusals(mesh)
    assert refusal.name == "VirtualService records"
    assert str(refusal).startswith("routes/records.yaml: VirtualService records: spec.http[1]")


def test_every_refusal_is_told_at_once(mesh: Path) -> None:
    edit(mesh / RECORDS, "timeout: 15s", "timeout: soon")
    edit(mesh / RECORDS, "attempts: 0", "attempts: many")
    edit(mesh / INGEST, "connectTimeout: 1s", "connectTimeout: 0")
    edit(mesh / "routes/reporter.yaml", "host: reporter", "host: nobody")
    assert len(refusals(mesh)) == 4


def test_weights_that_add_up_to_0_are_refused(mesh: Path) -> None:
    text = (mesh / RECORDS).read_text()
    (mesh / RECORDS).write_text(text.replace("weight: 50", "weight: 0"))
    (refusal,) = refusals(mesh)
    assert refusal.path == "spec.http[1].route"
    assert "add up to 0" in refusal.message


def test_a_key_that_stands_twice_is_refused_by_its_line(mesh: Path) -> None:
    edit(mesh / RECORDS, "timeout: 15s", "timeout: 15s\n      timeout: 16s")
    (refusal,) = refusals(mesh)
    assert refusal.file == RECORDS
    assert refusal.path.startswith("line ")
    assert "'timeout' stands here twice" in refusal.message


@pytest.mark.parametrize("text", ["", "a: [", "\x00", "- 1", "just words"])
def test_a_file_that_is_no_resource_is_refused(mesh: Path, text: str) -> None:
    (mesh / RECORDS).write_text(text)
    assert any(refusal.file == RECORDS for refusal in refusals(mesh))


def test_a_second_resource_of_the_same_name_is_refused(mesh: Path) -> None:
    (mesh / "kustomization.yaml").unlink()
    shutil.copy(mesh / RECORDS, mesh / "routes/again.yaml")
    assert any("already has a resource" in refusal.message for refusal in refusals(mesh))


def test_a_mesh_without_a_gateway_is_refused(mesh: Path) -> None:
    (mesh / "gateway/gateway.yaml").unlink()
    assert [refusal.message for refusal in refusals(mesh)] == ["there is no gateway/gateway.yaml"]
    (mesh / "kustomization.yaml").unlink()
    assert any("no Gateway" in refusal.message for refusal in refusals(mesh))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path / "none")[0].message == "no such folder"
