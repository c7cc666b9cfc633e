"""Moving configuration into the folder that Envoy watches, in an order that drops no request."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from meshsplit.translator.bootstrap import CLUSTERS
from meshsplit.translator.translation import Translation

CLUSTERS_KEPT_S = 20.0
"""A cluster that no route needs is kept this long: longer than any request's timeout."""


def write_atomically(path: Path, content: str) -> bool:
    """Replace ``path`` by a rename; False if it already says just that."""
    try:
        if path.read_text(encoding="utf-8") == content:
            return False
    except FileNotFoundError:
        pass
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(path)
    return True


class Publisher:
    """Writes what changed. Clusters come before the routes to them, and go long after."""

    def __init__(self, watched: Path) -> None:
        self._watched = watched
        self._going: dict[str, tuple[float, Any]] = {}
        self._current: list[dict[str, Any]] = self._read_clusters()
        watched.mkdir(parents=True, exist_ok=True)

    def publish(self, translation: Translation, now: float) -> list[str]:
        """Write the files; returns the names of those that changed. ``now`` is in seconds."""
        names = {cluster["name"] for cluster in translation.clusters}
        for cluster in self._current:
            if cluster["name"] not in names:
                self._going.setdefault(cluster["name"], (now + CLUSTERS_KEPT_S, cluster))
        for name in names & self._going.keys():
            del self._going[name]
        self._current = translation.clusters
        return [
            file
            for file, content in self._with_leaving(translation).files().items()
            if write_atomically(self._watched / file, json.dumps(content, indent=1) + "\n")
        ]

    def tidy(self, now: float) -> None:
        """Drop the clusters whose time has come."""
        due = [name for name, (when, _) in self._going.items() if when <= now]
        for name in due:
            del self._going[name]
        if due:
            content = self._with_leaving(Translation([], [], self._current)).files()[CLUSTERS]
            write_atomically(self._watched / CLUSTERS, json.dumps(content, indent=1) + "\n")

    def _with_leaving(self, translation: Translation) -> Translation:
        leaving = [cluster for _, cluster in self._going.values()]
        return Translation(
            translation.listeners, translation.routes, [*translation.clusters, *leaving]
        )

    def _read_clusters(self) -> list[dict[str, Any]]:
        """Return the clusters of an agent before this one, so that a restart drops none."""
        try:
            content = json.loads((self._watched / CLUSTERS).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return []
        return [
            {key: value for key, value in cluster.items() if key != "@type"}
            for cluster in content["resources"]
        ]
