"""Calls through the parentchain from the command line: executed once their block is confirmed."""

from __future__ import annotations

from pathlib import Path

from .processes import Cli, Node, Worker

AMOUNT = 1_234_567_890_123
TOO_MUCH = 10**30
CAROL = "//CarolIncognito"


def test_a_transfer_through_the_parentchain(node: Node, worker: Worker, directory: Path) -> None:
    """The confirmation is out when the call is done: no waiting. A call that fails is confirmed like any other."""
    cli = Cli(directory, node, worker)
    nonce = int(cli.trusted("nonce", "//Alice"))
    for amount in (AMOUNT, TOO_MUCH):
        lines = cli("trusted", "--xt-signer", "//Bob", "transfer", "//Alice", CAROL, str(amount)).splitlines()
        assert lines[1].startswith("[+] invoke TrustedOperation extrinsic success.")
        assert lines[-1].startswith("EnclaveBridge::ProcessedParentchainBlock")
        assert cli.trusted("balance", CAROL) == str(AMOUNT)
        assert int(cli.trusted("nonce", "//Alice")) == (nonce := nonce + 1)
    direct = cli.trusted("transfer", "//Alice", CAROL, "1")
    assert "is InSidechainBlock(0x" in direct.splitlines()[-1]
    assert cli.trusted("balance", CAROL) == str(AMOUNT + 1)
