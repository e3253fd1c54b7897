"""`integritee-node` as a process: start, stop, death, and the way of a signed transfer."""

from __future__ import annotations

import json
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import Sr25519Pair
from integritee.metadata import RuntimeMetadata, dummy_signed_extrinsic, sign_extrinsic
from integritee.node.chain import Chain
from integritee.node.chains import load_spec
from integritee.node.database import Database
from integritee.node.runtime.runtime import engine
from integritee.primitives.era import Era
from integritee.primitives.header import Header

from .conftest import RunningNode, call

ALICE = Sr25519Pair.from_uri("//Alice")
BOB = Sr25519Pair.from_uri("//Bob")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _number(node: RunningNode, hash: str) -> int:
    return int(node.call("chain_getHeader", hash)["number"], 16)


def _wait_for_block(node: RunningNode, number: int) -> None:
    with node.connect() as socket:
        call(socket, "chain_subscribeNewHeads")
        while int(json.loads(socket.recv(30))["params"]["result"]["number"], 16) < number:
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_and_end(start: Any, tmp_path: Path, number: int) -> None:
    node = start("--dev", "--seal", "interval:0.05", "--name", "somebody")
    text = "\n".join(node.lines)
    assert "Integritee Network (dev)" in text and "somebody" in text and "every 0.05 s" in text
    assert node.lines[-2].startswith("JSON-RPC")
    assert re.fullmatch(r"READY ws://127\.0\.0\.1:[1-9]\d*", node.lines[-1])
    with node.connect() as socket:
        call(socket, "chain_subscribeNewHeads")
        _wait_for_block(node, 3)
        assert node.end(number) == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_base_path_keeps_the_chain(start: Any, tmp_path: Path) -> None:
    base = ["--dev", "--base-path", str(tmp_path / "base"), "--seal", "manual"]
    node = start(*base)
    made = node.call("engine_createBlock", True, True)["hash"]
    with pytest.raises(AssertionError, match="is in use by another process"):
        start(*base)
    assert node.end(signal.SIGTERM) == 0
    again = start(*base)
    assert again.call("chain_getFinalizedHead") == again.call("chain_getBlockHash") == made
    assert again.call("system_syncState")["startingBlock"] == 1


def test_kill_leaves_a_consistent_chain(start: Any, tmp_path: Path) -> None:
    """Whatever was told to be final is still there after the process died at any instant."""
    chance = random.Random(7)
    spec, base = load_spec("dev"), tmp_path / "base"
    path = base / "chains" / spec.id / "db"
    for delay in ("0", "0.02", "0"):
        node = start("--dev", "-d", str(base), "--seal", "interval:0.01", "--finality-delay", delay)
        final: list[bytes] = []
        with node.connect() as socket:
            call(socket, "chain_subscribeFinalizedHeads")
            for _ in range(chance.randrange(2, 20)):
                head = json.loads(socket.recv(30))["params"]["result"]
                final.append(Header.from_rpc(head).hash())
            time.sleep(chance.random() * 0.02)
            node.end(signal.SIGKILL)
        with Database(path) as database:
            chain = Chain(database, engine(), spec.genesis)
            assert 0 < chain.finalized.number <= chain.best.number
            for hash in (*final, chain.finalized_hash, chain.best_hash):
                assert chain.is_canonical(hash)
                assert dict(chain.state_at(hash).items())
            for number in range(chain.best.number, 0, -1):
                block = chain.block(chain.hash_at(number) or b"")
                assert block is not None and block.header.parent_hash == chain.hash_at(number - 1)


def test_without_key_it_only_serves(start: Any) -> None:
    node = start("--tmp", "--port", "30333", "--pruning", "archive")
    assert "none: no authority key" in "\n".join(node.lines)
    assert node.call("system_chain") == "Integritee Network (local)"
    assert node.call("system_nodeRoles") == ["Full"]
    assert node.call("chain_getHeader")["number"] == "0x0"


class Client:
    """What a client knows of the chain behind a socket; signs for Alice."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.metadata = RuntimeMetadata.parse(bytes.fromhex(call(socket, "state_getMetadata")[2:]))
        self.version = call(socket, "state_getRuntimeVersion")

    def hash_at(self, number: int) -> bytes:
        return bytes.fromhex(call(self.socket, "chain_getBlockHash", number)[2:])

    def free(self, account: bytes) -> int:
        key = self.metadata.storage_key("System", "Account", account)
        raw = call(self.socket, "state_getStorage", _hex(key))
        return int(self.metadata.decode_storage("System", "Account", bytes.fromhex(raw[2:]))["data"]["free"])

    def signed(self, call_bytes: bytes) -> bytes:
        """With the next nonce, mortal from the best block on."""
        birth = int(call(self.socket, "chain_getHeader")["number"], 16)
        return sign_extrinsic(
            self.metadata,
            call_bytes,
            ALICE,
            nonce=call(self.socket, "system_accountNextIndex", _hex(ALICE.public)),
            era=Era.mortal(64, birth),
            birth_hash=self.hash_at(birth),
            genesis_hash=self.hash_at(0),
            spec_version=self.version["specVersion"],
            transaction_version=self.version["transactionVersion"],
        )

    def check_fee(self, extrinsic: bytes) -> None:
        info = call(self.socket, "payment_queryInfo", _hex(extrinsic))
        details = call(self.socket, "payment_queryFeeDetails", _hex(extrinsic), None)["inclusionFee"]
        assert int(info["partialFee"]) == sum(int(part, 16) for part in details.values())
        assert int(details["lenFee"], 16) == 10**6 * len(extrinsic)
        assert info["class"] == "normal" and info["weight"]["ref_time"] > 0

    def watch(self, extrinsic: bytes) -> list[Any]:
        """Statuses up to `finalized`."""
        id = call(self.socket, "author_submitAndWatchExtrinsic", _hex(extrinsic))
        statuses: list[Any] = []
        while not statuses or "finalized" not in statuses[-1]:
            frame = json.loads(self.socket.recv(30))
            assert (frame["method"], frame["params"]["subscription"]) == ("author_extrinsicUpdate", id)
            statuses.append(frame["params"]["result"])
        return statuses


def test_signed_transfer_is_watched_to_finality(start: Any) -> None:
    with start("--dev", "--tmp", "--seal", "interval:0.2").connect() as socket:
        chain = Client(socket)
        before = chain.free(BOB.public)
        transfer = chain.metadata.call("Balances", "transfer_keep_alive", {"dest": BOB.public, "value": 123_000_000})
        extrinsic = chain.signed(transfer)
        for asked in (extrinsic, dummy_signed_extrinsic(chain.metadata, transfer, bytes(32), nonce=77)):
            chain.check_fee(asked)
        ready, in_block, finalized = chain.watch(extrinsic)
        assert ready == "ready"
        assert in_block["inBlock"] == finalized["finalized"]
        assert _hex(extrinsic) in call(socket, "chain_getBlock", in_block["inBlock"])["block"]["extrinsics"]
        assert chain.free(BOB.public) == before + 123_000_000


def test_instant_seal(start: Any) -> None:
    node = start("--dev", "--tmp", "--seal", "instant")
    with node.connect() as socket:
        chain = Client(socket)
        for number in (1, 2):
            ready, in_block, finalized = chain.watch(chain.signed(chain.metadata.call("System", "remark", [b"now"])))
            assert (ready, in_block["inBlock"]) == ("ready", finalized["finalized"])
            assert _number(node, finalized["finalized"]) == number
