"""How much faster than life simulated networks are: ``integritee simulate`` with all faults, on all cores and in one
process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

COMMAND = (sys.executable, "-m", "integritee.simulation.main", "--json", "--validateers", "3", "--seed", "1")
HOURS = 0.25
RUNS_PER_CORE = 4


def simulation_speedup() -> dict[str, float]:
    """Seconds under the virtual clock, seconds that took, and their ratio; with it that of a single run."""
    together = _facts("--seeds", str(RUNS_PER_CORE * (os.cpu_count() or 1)))
    return {
        "simulation_speedup": together["speed"],
        "simulation_speedup_alone": _facts()["speed"],
        "simulation_simulated_s": together["simulated_s"],
        "simulation_wall_s": together["wall_seconds"],
    }


def _facts(*arguments: str) -> dict[str, float]:
    """The last line of a command: about its only run, or about all of them."""
    command = (*COMMAND, "--hours", str(HOURS), *arguments)
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    facts: dict[str, float] = json.loads(output.splitlines()[-1])
    return facts
