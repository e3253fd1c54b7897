"""The process under a tester's hands: a re-organisation as clients see it, and a genesis changed by flags."""

from __future__ import annotations

import json
from typing import Any

from integritee.crypto import Sr25519Pair
from integritee.metadata import RuntimeMetadata, sign_extrinsic
from integritee.primitives.era import Era
from integritee.primitives.storage import storage_prefix

from .conftest import call

FERDIE = Sr25519Pair.from_uri("//Ferdie")
CUSTOM = storage_prefix("Nobody", "Knows")


def _next(socket: Any, count: int) -> list[Any]:
    """Results of the next notifications."""
    return [json.loads(socket.recv(30))["params"]["result"] for _ in range(count)]


def test_reorganisation_over_a_socket(start: Any) -> None:
    """Ferdie, who has funds by --dev-accounts only, sees his transfer leave the chain and come back."""
    node = start(
        "--chain", "local", "--tmp", "--dev-accounts", "--set-storage", f"0x{CUSTOM.hex()}=0x2a",
        "--seal", "manual", "--finality", "none",
    )  # fmt: skip
    assert "(changed: dev accounts, 1 storage items set)" in "\n".join(node.lines)
    assert node.call("state_getStorage", "0x" + CUSTOM.hex()) == "0x2a"
    genesis = bytes.fromhex(node.call("chain_getBlockHash", 0)[2:])
    metadata = RuntimeMetadata.parse(bytes.fromhex(node.call("state_getMetadata")[2:]))
    version = node.call("state_getRuntimeVersion")
    transfer = sign_extrinsic(
        metadata,
        metadata.call("Balances", "transfer_keep_alive", {"dest": FERDIE.public, "value": 10**12}),
        FERDIE,
        nonce=0,
        era=Era(),
        birth_hash=genesis,
        genesis_hash=genesis,
        spec_version=version["specVersion"],
        transaction_version=version["transactionVersion"],
    )
    low = node.call("dev_newBlock", {"count": 2})
    with node.connect() as socket:
        call(socket, "author_submitAndWatchExtrinsic", "0x" + transfer.hex())
        assert _next(socket, 1) == ["ready"]
        old = node.call("dev_newBlock")
        assert _next(socket, 1) == [{"inBlock": old}]
        done = node.call("dev_reorg", 1)
        assert (done["commonAncestor"], done["retracted"]) == (low, [old])
        assert _next(socket, 2) == [{"retracted": old}, "ready"]
        new = node.call("dev_newBlock")
        assert _next(socket, 1) == [{"inBlock": new}]
        node.call("engine_finalizeBlock", new)
        assert _next(socket, 1) == [{"finalized": new}]
    assert node.call("chain_getBlock", new)["justifications"] is not None
