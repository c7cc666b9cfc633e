"""Who may talk to whom in the cluster, asked by those who may not."""

import json

import pytest

from tests.cluster.system import Cluster, kubectl

_ASK = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print("refused")
"""


def answer_to(cluster: Cluster, asker: str, url: str) -> str:
    """Return the status that one of our services gets when it asks, or "refused"."""
    where = ("exec", f"deployment/{asker}", "-c", asker, "--")
    return cluster.run(*where, "python", "-c", _ASK, url).strip()


@pytest.mark.parametrize(
    ("asker", "url"),
    [
        ("reporter", "http://ingest:8000/"),
        ("ingest", "http://bridge:8000/"),
        ("ingest", "http://reporter:8000/api/v1/semesters"),
        ("bridge", "http://recorder:8000/metrics"),
        ("ingest", "http://dashboard:8000/dashboard/"),
    ],
)
def test_a_wrong_identity_is_refused(cluster: Cluster, asker: str, url: str) -> None:
    assert answer_to(cluster, asker, url) == "403"


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/docs"])
@pytest.mark.usefixtures("cluster")
def test_the_gateway_leads_to_no_path_that_is_not_for_it(path: str) -> None:
    said = kubectl(
        *("-n", "istio-system", "exec", "deployment/istio-ingressgateway", "-c", "istio-proxy"),
        *("--", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"),
        f"http://127.0.0.1:8080{path}",
    )
    assert said == "404"


def test_plaintext_is_refused(cluster: Cluster) -> None:
    image = cluster.run(
        "get", "deployment/ingest", "-o", "jsonpath={.spec.template.spec.containers[0].image}"
    )
    words = ("run", "outsider", "-n", "default", "--rm", "-i", "--restart=Never", "--quiet")
    url = "http://ingest.meshsplit:8000/"
    said = kubectl(*words, f"--image={image}", "--command", "--", "python", "-c", _ASK, url)
    assert said.strip() == "refused"


@pytest.mark.parametrize(
    ("asker", "path", "answer"),
    [
        ("reporter", "stats?filter=nothing", "200"),
        ("reporter", "config_dump?resource=dynamic_route_configs", "200"),
        ("reporter", "config_dump", "404"),
        ("reporter", "certs", "404"),
        ("ingest", "stats", "503"),
    ],
)
def test_only_the_reporter_asks_the_gateway_and_only_what_it_needs(
    cluster: Cluster, asker: str, path: str, answer: str
) -> None:
    url = f"http://gateway-pods.istio-system:15099/{path}"
    assert answer_to(cluster, asker, url) == answer


def test_the_reporter_may_read_one_virtual_service_and_nothing_else(cluster: Cluster) -> None:
    rules = json.loads(cluster.run("get", "role/reporter", "-o", "json"))["rules"]
    assert len(rules) == 1
    who = "--as=system:serviceaccount:meshsplit:reporter"

    def may(verb: str, what: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": who.removeprefix("--as="),
                "resourceAttributes": {
                    "namespace": "meshsplit",
                    "verb": verb,
                    "group": "networking.istio.io",
                    "resource": "virtualservices",
                    "name": what,
                },
            },
        }
        said = kubectl("create", "-f", "-", "-o", "json", text=json.dumps(review))
        return bool(json.loads(said)["status"]["allowed"])

    assert may("get", "records")
    assert may("watch", "records")
    assert not may("get", "reporter")
    assert not may("patch", "records")
    assert not may("list", "")
