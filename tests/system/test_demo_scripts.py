"""The original's demo scripts (worker `cli/*.sh`), step by step through the command line, against one worker.

Scripts for two workers are played against one twice. `demo_smart_contract.sh` has a file of its own; the script of
target A is played in `test_three_chains.py`, those of the bridge end at `shield-funds`: there is a vault.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .processes import Cli, Node, Worker, run_here
from .stage import UNIT, Stage
from .vault_script import nonces_count, shield_spend_unshield

TOO_MUCH = 10**30
GUESS = 4242
GUESS_FEE = UNIT // 10
NOTE = "good luck"


@pytest.fixture
def stage(node_process: Node, worker_process: Worker, tmp_path: Path) -> Stage:
    cli = Cli(tmp_path, node_process, worker_process, run_here)
    return Stage(cli, cli)


def test_direct_call(stage: Stage) -> None:
    """`demo_direct_call_2_workers.sh`: `demo_direct_call.sh -t first`, then `-t second`."""
    charlie, bob = "//CharlieOfDirectCall", "//BobOfDirectCall"
    stage.endow(charlie, 20 * UNIT)
    mrenclave = stage.cli("trusted", "get-fingerprint")
    for run in (1, 2):
        stage.shield(charlie, 5 * UNIT)
        stage.direct("--mrenclave", mrenclave, "transfer", charlie, bob, str(4 * UNIT))
        assert stage.private(bob) == run * 4 * UNIT
        assert stage.private(charlie) == run * 981_243_432_575


def test_sidechain(stage: Stage) -> None:
    """`demo_sidechain.sh`."""
    charlie, bob = "//CharlieOfSidechain", "//BobOfSidechain"
    stage.endow(charlie, 10 * UNIT)
    stage.shield(charlie, 5 * UNIT)
    for _worker in (1, 2):
        stage.direct("transfer", charlie, bob, str(2 * UNIT))
    assert stage.private(charlie) == 971_243_432_575
    assert stage.private(bob) == 4 * UNIT


def test_shielding_and_unshielding_with_a_vault(stage: Stage) -> None:
    """`demo_shielding_unshielding_multiworker.sh`: `demo_shielding_unshielding_using_shard_vault.sh` twice."""
    charlie, ferdie = "//CharlieOfVault", "//FerdieOfVault"
    stage.endow(charlie, 20 * UNIT)
    mrenclave = stage.cli("trusted", "get-fingerprint")
    assert f"   MRENCLAVE: {mrenclave}" in stage.cli("list-workers").splitlines()
    for run in (1, 2):
        bob = shield_spend_unshield(stage, charlie, ferdie, run, stage.indirect)
        nonces_count(stage, bob)


def test_benchmark(stage: Stage) -> None:
    """`benchmark.sh`, with a quarter of its clients and a tenth of its transfers. The script does not look."""
    said = stage.cli.trusted("benchmark", "5", "10", "-w").splitlines()
    assert said.count("  Transfer amount: 1000") == 50
    assert re.fullmatch(r"Finished benchmark with 5 clients and 10 transactions in \d+ ms", said[-21])
    assert re.fullmatch(r"100 percent are done within \d+ ms", said[-1])


def test_indirect_invocation(stage: Stage) -> None:
    """The confirmation is out when the call is done: no waiting. A call that fails is confirmed like any other."""
    alice, carol = "//Alice", "//CarolOfInvocation"
    nonce = stage.nonce(alice)
    for amount in (UNIT, TOO_MUCH):
        stage.indirect("--xt-signer", "//Bob", "transfer", alice, carol, str(amount))
        assert stage.private(carol) == UNIT
        assert stage.nonce(alice) == (nonce := nonce + 1)
    stage.direct("transfer", alice, carol, "1")
    assert stage.private(carol) == UNIT + 1


def test_nothing_is_shielded_around_the_vault(stage: Stage) -> None:
    """`demo_shielding_unshielding.sh` is for workers without one."""
    mrenclave = stage.cli("trusted", "get-fingerprint")
    refused = stage.cli.run("shield-funds", "//Alice", "//AliceIncognito", str(6 * UNIT), mrenclave)
    assert (refused.returncode, refused.stdout) == (101, "")
    assert refused.stderr.startswith("error: cli.shard_has_vault: ")
    assert stage.vault in refused.stderr


def test_a_game_and_notes_of_it(stage: Stage) -> None:
    player = "//PlayerOfGame"
    stage.direct("transfer", "//Alice", player, str(UNIT), NOTE)
    attempts = int(stage.cli("trusted", "guess-the-number", "get-attempts", player))
    stage.direct("guess-the-number", "guess", player, str(GUESS))
    assert int(stage.cli("trusted", "guess-the-number", "get-attempts", player)) == attempts + 1
    assert stage.private(player) == UNIT - GUESS_FEE
    assert re.search(r"^pot account: 5\w{47}$", stage.cli("trusted", "guess-the-number", "get-info"), re.MULTILINE)

    buckets = stage.cli("trusted", "get-note-buckets-info")
    last = re.findall(r"bucket *: index (\d+)", buckets)[-1]
    received, guessed = stage.cli("trusted", "get-notes", player, last).splitlines()
    assert re.search(rf"balance_transfer_with_note from: .*, amount: {UNIT}  msg: {NOTE}$", received)
    assert guessed.endswith(f", guess: {GUESS}")


def test_what_an_invocation_leaves_on_the_parentchain(stage: Stage) -> None:
    """`listen` until the enclave has processed a block: it confirms one after the other."""
    heard = stage.cli("listen", "--await-blocks", "3").splitlines()
    assert heard[0] == "None Some(3)"
    assert "EnclaveBridge::ProcessedParentchainBlock" in heard
