"""Chain, pool and producer with the parentchain's own runtime instead of the toy."""

from __future__ import annotations

from pathlib import Path

import pytest

from integritee.crypto import Sr25519Pair
from integritee.frame.extrinsic import Extra, Signature, encode_extra, encode_extrinsic, signing_payload
from integritee.frame.outer import RuntimeCall
from integritee.node.chain import Chain
from integritee.node.database import Database
from integritee.node.keystore import Keystore
from integritee.node.pool import PoolError, TransactionPool
from integritee.node.producer import Producer
from integritee.node.runtime.genesis import dev_genesis
from integritee.node.runtime.runtime import IntegriteeNodeRuntime, engine
from integritee.primitives.era import Era
from integritee.primitives.ids import Id
from integritee.primitives.signature import sign
from integritee.primitives.storage import storage_prefix
from integritee.scale import decode
from integritee.trie import verify_proof

ALICE = Sr25519Pair.from_uri("//Alice")
NOW = 1_700_000_000_000
IMMORTAL = Era()


def signed_transfer(chain: Chain, nonce: int, era: Era = IMMORTAL, birth: bytes | None = None) -> bytes:
    call = IntegriteeNodeRuntime.codec(RuntimeCall).encode(
        IntegriteeNodeRuntime.call("Balances", "transfer_allow_death", Id(b"\x07" * 32), 10**6)
    )
    version = chain.runtime_version()
    payload = signing_payload(
        call,
        encode_extra(Extra(era, nonce)),
        version.spec_version,
        version.transaction_version,
        chain.genesis_hash,
        birth or chain.genesis_hash,
    )
    return encode_extrinsic(call, Signature(Id(ALICE.public), sign(ALICE, payload), Extra(era, nonce)))


def test_life_of_a_transfer(tmp_path: Path) -> None:
    with Database(tmp_path, durable=False) as database:
        chain = Chain(database, engine(), dev_genesis())
        pool = TransactionPool(chain)
        producer = Producer(chain, pool, Keystore.dev("alice"))
        producer.produce(NOW)

        heard: list[object] = []
        mortal = signed_transfer(chain, 0, Era.mortal(64, chain.best.number), chain.best_hash)
        pool.submit(mortal, NOW, watcher=lambda news: heard.append(news.to_rpc()))
        pool.submit(signed_transfer(chain, 2), NOW)
        assert pool.next_index(ALICE.public) == 1
        block = producer.produce(NOW).block  # the clock stands still, the chain does not
        assert block.extrinsics[1:] == (mortal,)
        assert heard == [
            "ready",
            {"inBlock": "0x" + block.hash.hex()},
            {"finalized": "0x" + block.hash.hex()},
        ]
        assert chain.account_nonce(ALICE.public) == 1
        assert pool.usage().future == 1

        with pytest.raises(PoolError) as caught:
            pool.submit(signed_transfer(chain, 0, Era.mortal(8, 2), block.hash), NOW)
        assert (caught.value.rpc_code, caught.value.rpc_data) == (1010, "Transaction is outdated")
        with pytest.raises(PoolError) as caught:
            pool.submit(b"\x08\x04\x03", NOW)
        assert caught.value.rpc_code == 1001

        key = storage_prefix("System", "Number")
        proof = chain.state_at(block.hash).prove([key])
        assert verify_proof(block.header.state_root, proof, [key]) == {key: block.number.to_bytes(4, "little")}
        head = chain.best_hash

    with Database(tmp_path, durable=False) as database:
        chain = Chain(database, engine(), dev_genesis())
        assert chain.best_hash == chain.finalized_hash == head
        assert chain.runtime_call("AccountNonceApi_account_nonce", ALICE.public) == b"\1\0\0\0"


def test_metadata_is_served_through_the_seam(tmp_path: Path) -> None:
    with Database(tmp_path, durable=False) as database:
        chain = Chain(database, engine(), dev_genesis())
        metadata: bytes = decode(bytes, chain.runtime_call("Metadata_metadata"))
        assert metadata[:5] == b"meta\x0e"
        assert chain.runtime_version().to_rpc()["specName"] == "integritee-solo"
