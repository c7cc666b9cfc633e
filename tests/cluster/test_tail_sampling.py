"""Everything is traced, and the collector keeps what failed or was slow."""

import json
import secrets
import threading
import time
from collections.abc import Iterator

import pytest
import yaml

from tests import plain_http
from tests.cluster.conftest import ROOT
from tests.cluster.jaeger import jaeger
from tests.cluster.system import ADDRESS, Cluster, kubectl

pytestmark = pytest.mark.part("traces")

OURS = ("meshsplit-traces", "otel-collector")
RECORD = {"carne": "1", "nombre": "N", "curso": "S30", "nota": 61, "semestre": "1", "year": 2002}
DECIDED_S = 18.0
"""Until the proxy has sent its spans, the collector decided, and Jaeger has what is kept."""


def put_in_place(*components: str) -> None:
    """Apply what of the development overlay is about traces, with components besides."""
    folder = ROOT / "k8s" / f".try-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        named = [f"../components/{name}" for name in components]
        text = json.dumps({"resources": ["../overlays/dev"], "components": named})
        (folder / "kustomization.yaml").write_text(text)
        made = yaml.safe_load_all(kubectl("kustomize", str(folder)))
        ours = [each for each in made if each["metadata"]["name"].startswith(OURS)]
        kubectl("apply", "-f", "-", text=yaml.safe_dump_all(ours))
    finally:
        (folder / "kustomization.yaml").unlink()
        folder.rmdir()
    where = ("-n", "observability", "rollout", "status", "deployment/otel-collector")
    kubectl(*where, "--timeout=60s")
    time.sleep(3)  # until the gateway has the rate and the new address


@pytest.fixture
def tail_sampling(cluster: Cluster) -> Iterator[Cluster]:
    put_in_place("tail-sampling")
    yield cluster
    put_in_place()


def post() -> tuple[str, int]:
    """Post a record in a trace whose id is made here; return that, and the answer's status."""
    number = secrets.token_hex(16)
    context = {"traceparent": f"00-{number}-{number[:16]}-01"}
    answer = plain_http.post(ADDRESS, json=RECORD, headers=context, timeout=20, trust_env=False)
    return number, answer.status_code


def posted(times: int, status: int) -> list[str]:
    """Post records that are all answered so; return their traces."""
    found = [post() for _ in range(times)]
    assert {code for _, code in found} == {status}
    return [number for number, _ in found]


def slowed(cluster: Cluster) -> list[str]:
    """Post records while nothing can be written for a while; return their traces."""
    lock = "LOCK TABLES records WRITE; DO SLEEP(2); UNLOCK TABLES"
    holding = threading.Thread(target=cluster.sql, args=(lock,))
    holding.start()
    time.sleep(0.8)
    try:
        cluster.weigh(fastapi=100, grpc=0)
        return posted(1, 201)
    finally:
        holding.join(30)


def refused(cluster: Cluster) -> list[str]:
    """Post records that the gateway itself answers 503; return their traces."""
    fault = {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}
    name = "virtualservice.networking.istio.io/records"
    patch = [{"op": "add", "path": "/spec/http/1/fault", "value": fault}]
    cluster.run("patch", name, "--type=json", "-p", json.dumps(patch))
    time.sleep(3)
    try:
        return posted(3, 503)
    finally:
        patch = [{"op": "remove", "path": "/spec/http/1/fault"}]
        cluster.run("patch", name, "--type=json", "-p", json.dumps(patch))
        time.sleep(3)


def test_errors_and_slow_requests_with_their_batches_are_kept_and_few_of_the_rest(
    tail_sampling: Cluster,
) -> None:
    bad, slow, rest = refused(tail_sampling), slowed(tail_sampling), posted(120, 201)
    time.sleep(DECIDED_S)
    with jaeger() as api:
        kept = {number: api.trace(number) for number in (*bad, *slow, *rest)}
        assert None not in [kept[number] for number in (*bad, *slow)]
        # One in twenty: more than 20 of 120 by chance once in a million runs.
        assert sum(kept[number] is not None for number in rest) <= 20
        for number in slow:
            way = kept[number]
            assert way is not None
            (served,) = (span for span in way.spans if span.name == "POST /")
            (batch,) = (api.trace(linked) for linked in served.linked)
            assert batch is not None
            assert any(span.name == "store batch" for span in batch.spans)
