"""What production has at its door, tried on the real gateway and taken off again."""

import base64
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cluster.conftest import ROOT
from tests.cluster.system import GATEWAY, Cluster, forwarded, kubectl

PRODUCTION = ROOT / "k8s" / "overlays" / "production"
HOST = "grades.example.com"
RECORD = {"carne": "1", "nombre": "N", "curso": "S30", "nota": 61, "semestre": "1", "year": 2002}


@contextmanager
def applied(text: str) -> Iterator[None]:
    """Have objects for as long as the block runs."""
    kubectl("apply", "-f", "-", text=text)
    try:
        time.sleep(3)
        yield
    finally:
        kubectl("delete", "-f", "-", text=text)
        time.sleep(3)


@pytest.mark.usefixtures("cluster")
def test_more_than_the_rate_is_refused_with_the_time_to_wait(client: httpx.Client) -> None:
    text = (PRODUCTION / "rate-limit.yaml").read_text()
    few = text.replace("max_tokens: 10000", "max_tokens: 5").replace("_fill: 5000", "_fill: 5")
    assert few.count(": 5,") == 2
    with applied(few):
        answers = [client.post("/", json=RECORD) for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert {answer.status_code for answer in answers} == {201, 429}
    assert client.post("/", json=RECORD).status_code == 201


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for the host that signs itself."""
    words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1")
    name = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    files = ("-keyout", str(tmp_path / "tls.key"), "-out", str(tmp_path / "tls.crt"))
    subprocess.run((*words, *name, *files), check=True, capture_output=True, timeout=60)
    return tmp_path


def test_the_door_speaks_tls_and_sends_plain_http_there(
    cluster: Cluster, client: httpx.Client, certificate: Path
) -> None:
    files = (f"--cert={certificate}/tls.crt", f"--key={certificate}/tls.key")
    kubectl(*GATEWAY, "create", "secret", "tls", "meshsplit-tls", *files)
    try:
        patch = PRODUCTION / "tls.yaml"
        cluster.run("patch", "gateway/meshsplit", "--type=json", f"--patch-file={patch}")
        time.sleep(3)
        plain = client.get("/dashboard/", headers={"host": HOST})
        assert plain.status_code == 301
        assert plain.headers["location"] == f"https://{HOST}/dashboard/"
        trust = ssl.create_default_context(cafile=str(certificate / "tls.crt"))
        with (
            forwarded("istio-ingressgateway", 8443) as port,
            httpx.Client(verify=trust, trust_env=False) as browser,
        ):
            answer = browser.post(
                f"https://127.0.0.1:{port}/",
                json=RECORD,
                headers={"host": HOST},
                extensions={"sni_hostname": HOST},
            )
        assert answer.status_code == 201
    finally:
        kubectl(*GATEWAY, "delete", "secret", "meshsplit-tls")
        cluster.run("apply", "-f", str(ROOT / "mesh" / "gateway" / "gateway.yaml"))
        time.sleep(3)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """Stands for an identity provider: one key, and tokens signed with it."""

    def __init__(self, folder: Path) -> None:
        self._key = folder / "issuer.pem"
        self._openssl("genrsa", "-out", str(self._key), "2048")
        modulus = self._openssl("rsa", "-in", str(self._key), "-noout", "-modulus")
        number = bytes.fromhex(modulus.decode().strip().partition("=")[2])
        key = {"kty": "RSA", "alg": "RS256", "kid": "one", "n": encoded(number), "e": "AQAB"}
        self.keys = json.dumps({"keys": [key]})

    def token(self, audience: str = "meshsplit", *, ends_in_s: int = 600) -> str:
        """Sign a token."""
        head = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        body = {
            "iss": "https://id.example.com",
            "sub": "someone",
            "aud": audience,
            "exp": int(time.time()) + ends_in_s,
        }
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, body))
        proof = self._openssl("dgst", "-sha256", "-sign", str(self._key), text=signed)
        return f"{signed}.{encoded(proof)}"

    def _openssl(self, *words: str, text: str = "") -> bytes:
        done = subprocess.run(
            ("openssl", *words), input=text.encode(), check=True, capture_output=True, timeout=60
        )
        return done.stdout


@pytest.mark.usefixtures("cluster")
def test_readers_need_a_token_and_senders_of_records_none(
    client: httpx.Client, tmp_path: Path
) -> None:
    issuer = Issuer(tmp_path)
    text = (ROOT / "k8s" / "components" / "jwt" / "jwt.yaml").read_text()
    keys = "jwksUri: https://id.example.com/.well-known/jwks.json"
    assert keys in text
    with applied(text.replace(keys, f"jwks: '{issuer.keys}'")):

        def asked(**headers: str) -> int:
            return client.get("/api/v1/semesters", headers=headers).status_code

        good = issuer.token()
        assert asked() == 403
        assert client.get("/dashboard/").status_code == 403
        assert asked(authorization=f"Bearer {good}") == 200
        assert asked(cookie=f"token={good}") == 200
        assert asked(authorization=f"Bearer {issuer.token('another')}") == 403
        assert asked(authorization=f"Bearer {issuer.token(ends_in_s=-600)}") == 401
        assert asked(authorization=f"Bearer {good[:-8]}AAAAAAAA") == 401
        assert client.post("/", json=RECORD).status_code == 201
