"""What each container takes: ``python -m tests.cluster.usage`` prints it as a table."""

import json
import sys

from tests.cluster.system import NAMESPACE, kubectl

MIB = 1 << 20


def usage() -> dict[tuple[str, str], tuple[float, int]]:
    """Return CPU (cores) and memory (bytes) by workload and container, as the kubelets say."""
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]:
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(kubectl("get", "--raw", path))["pods"]:
            namespace, name = pod["podRef"]["namespace"], pod["podRef"]["name"]
            if namespace != NAMESPACE and not name.startswith("istio-ingressgateway"):
                continue
            for container in pod.get("containers", []):
                cores = container.get("cpu", {}).get("usageNanoCores", 0) / 1e9
                memory = container.get("memory", {}).get("workingSetBytes", 0)
                found[
                    name.split("-")[0] if namespace == NAMESPACE else "gateway", container["name"]
                ] = (cores, memory)
    return found


def main() -> None:
    """Print the table."""
    found = usage()
    lines = ["| Workload | Container | CPU, cores | Memory, MiB |", "|---|---|---|---|"]
    for (workload, container), (cores, memory) in sorted(found.items()):
        lines.append(f"| {workload} | {container} | {cores:.3f} | {memory / MIB:.0f} |")
    all_cores = sum(cores for cores, _ in found.values())
    all_memory = sum(memory for _, memory in found.values())
    lines.append(f"| all | | {all_cores:.3f} | {all_memory / MIB:.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
