"""Asking Envoy itself whether it would take a configuration, before it is given it."""

import json
import re
import subprocess
from copy import deepcopy
from pathlib import Path

from meshsplit.translator.envoy import Json
from meshsplit.translator.refusal import Refusal
from meshsplit.translator.translation import Translation

LIMIT_S = 20.0


def standalone(translation: Translation) -> Json:
    """Return a bootstrap configuration that holds the whole translation in itself."""
    listeners = deepcopy(translation.listeners)
    for listener in listeners:
        for chain in listener["filter_chains"]:
            for network_filter in chain["filters"]:
                config = network_filter["typed_config"]
                wanted = config.pop("rds")["route_config_name"]
                config["route_config"] = next(
                    routes for routes in translation.routes if routes["name"] == wanted
                )
                config["access_log"] = []
    return {"static_resources": {"listeners": listeners, "clusters": translation.clusters}}


def refusal_by_envoy(envoy: str, translation: Translation, folder: Path) -> Refusal | None:
    """Return why Envoy would not take this, or None if it would.

    What the translator can't know (RE2's own grammar, a header name that is none) Envoy knows.
    """
    trial = folder / "trial.json"
    trial.write_text(json.dumps(standalone(translation)), encoding="utf-8")
    command = [envoy, "--mode", "validate", "--config-path", str(trial), "--log-level", "error"]
    try:
        done = subprocess.run(  # noqa: S603 - the program is the caller's own Envoy
            [*command, "--disable-hot-restart"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Refusal("", "", "Envoy", f"could not be asked: {error}")
    finally:
        trial.unlink(missing_ok=True)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return Refusal("", "", "Envoy", _short(lines[-1] if lines else f"exit {done.returncode}"))


def _short(line: str) -> str:
    """Return the reason alone, without log marks and the trial file's name."""
    return re.sub(r"^error initializing configuration '[^']*': ", "", line.rpartition("] ")[2])[
        :400
    ]
