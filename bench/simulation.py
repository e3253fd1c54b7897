"""How much faster than life the simulated network is: ``integritee simulate`` with all faults."""

from __future__ import annotations

import json
import subprocess
import sys

COMMAND = (sys.executable, "-m", "integritee.simulation.main", "--json", "--validateers", "3", "--seed", "1")
HOURS = 0.25


def simulation_speedup() -> dict[str, float]:
    """Seconds under the virtual clock, seconds that took, and their ratio."""
    output = subprocess.run([*COMMAND, "--hours", str(HOURS)], stdout=subprocess.PIPE, check=True).stdout
    facts = json.loads(output)
    simulated, wall = facts["simulated_ms"] / 1000, facts["wall_seconds"]
    return {
        "simulation_speedup": simulated / wall,
        "simulation_simulated_s": simulated,
        "simulation_wall_s": wall,
    }
