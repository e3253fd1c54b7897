"""A worker that begins at a block its operator vouches for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import base58

from integritee.crypto import blake2_256

from .processes import Node, Service, Worker, run_once

WORKER = "integritee.worker.main"
Own = Callable[[Service], Service]


def export(node: Node, directory: Path) -> Path:
    """A file with the node's present finalized block, which is not genesis."""
    node.wait_for(r"finalized #[1-9]")
    done = run_once(WORKER, ["-p", str(node.port), "export-checkpoint"], directory)
    assert done.returncode == 0, done.stderr
    path = directory / "checkpoint.json"
    path.write_text(done.stdout)
    return path


def test_a_worker_begins_at_an_exported_checkpoint(node: Node, own: Own, directory: Path) -> None:
    path = export(node, directory)
    checkpoint = json.loads(path.read_text())["integritee"]
    worker = Worker(directory, node.port, shard=base58.b58encode(blake2_256(bytes(directory))).decode())
    worker.arguments += ["--checkpoint", str(path)]
    own(worker)
    worker.start()
    assert worker.say(r"known up to block (\d+)") == str(checkpoint["number"])
    assert worker.interrupt() == 0
    worker.start()  # what it has seen since is not forgotten
    assert int(worker.say(r"known up to block (\d+)")) > checkpoint["number"]


def test_a_checkpoint_of_another_chain_is_not_the_way_to_this_one(node: Node, own: Own, directory: Path) -> None:
    other = Node(directory / "other")
    own(other)
    other.start()
    path = export(other, directory)
    other.destroy()
    worker = Worker(directory, node.port, shard=base58.b58encode(blake2_256(bytes(directory))).decode())
    worker.arguments += ["--checkpoint", str(path)]
    own(worker)
    worker.spawn()
    worker.wait_for(r"parentchain\.")
    assert "READY" not in worker.output()
