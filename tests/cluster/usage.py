"""What each container takes: ``python -m tests.cluster.usage`` prints it as a table."""

import json
import sys

from tests.cluster.system import NAMESPACE, kubectl

MIB = 1 << 20
NAMESPACES = (NAMESPACE, "observability")
PROXY = "istio-proxy"


def usage() -> dict[tuple[str, str], tuple[float, int]]:
    """Return CPU (cores) and memory (bytes) by workload and container, as the kubelets say."""
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]:
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(kubectl("get", "--raw", path))["pods"]:
            containers = {each["name"]: each for each in pod.get("containers", [])}
            # A pod is called by what runs in it beside its proxy.
            workload = next(filter(lambda name: name != PROXY, containers), "gateway")
            gateway = pod["podRef"]["name"].startswith("istio-ingressgateway")
            if pod["podRef"]["namespace"] not in NAMESPACES and not gateway:
                continue
            for name, container in containers.items():
                cores = container.get("cpu", {}).get("usageNanoCores", 0) / 1e9
                memory = container.get("memory", {}).get("workingSetBytes", 0)
                found[workload, name] = (cores, memory)
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
