"""Both gateways say the same of what they refuse themselves."""

import yaml

from meshsplit.translator.listener import listener
from tests.mesh_folder import MESH


def test_the_cluster_s_gateway_is_told_what_the_local_one_is() -> None:
    manifest = MESH.parent / "k8s" / "base" / "gateway-refusals.yaml"
    (patch,) = yaml.safe_load(manifest.read_text())["spec"]["configPatches"]
    (chain,) = listener(("127.0.0.1", 8080), {}, "access.log", {})["filter_chains"]
    (manager,) = chain["filters"]
    there, here = patch["patch"]["value"]["typed_config"], manager["typed_config"]
    assert there["@type"] == here["@type"]
    assert there["local_reply_config"] == here["local_reply_config"]
