"""The self-test with a node: its own worker shields, transfers and unshields there, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .processes import Node

SECONDS = 110.0


def test_one_shield_transfer_unshield(node_process: Node, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "integritee.worker.main", "-p", str(node_process.port)]
    done = subprocess.run(
        [*command, "test", "--integration", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    view = json.loads(done.stdout)
    assert [(check["check"], check["detail"]) for check in view["checks"]] == [
        ("a worker starts, onboards and makes a block", ""),
        ("shielded funds are credited", ""),
        ("a private transfer arrives", ""),
        ("unshielded funds are paid out", ""),
        ("the worker ends when asked to", ""),
    ]
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
