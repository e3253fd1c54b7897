"""`integritee bench` on a set-up of its own, at a rate that any machine bears."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RATE, SECONDS = 50, 2


def test_a_load_that_is_borne(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    mix = ("--mix", "transfer=80,getter=20", "--schedule", "constant")
    size = ("--rate", str(RATE), "--seconds", str(SECONDS), "--warm-up", "0.5", "--accounts", "8", "--processes", "2")
    command = [sys.executable, "-m", "integritee.devnet.main", "bench", *mix, *size, "--json", str(figures)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    found = json.loads(figures.read_text())
    expected = {"transfer": RATE * SECONDS * 0.8, "getter": RATE * SECONDS * 0.2}
    for kind, count in expected.items():
        counts = found["kinds"][kind]
        assert (counts["sent"], counts["done"], counts["lost"], counts["refused"]) == (count, count, 0, {})
        assert 0 < counts["latency_ms"]["p50"] <= counts["latency_ms"]["p99"] <= counts["latency_ms"]["max"]
    assert found["generator"]["lost_connections"] == 0
    assert "  in a block" in said.stdout
