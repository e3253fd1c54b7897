"""The database: restart, lock, identity, growth, and what a process killed at any point leaves behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest

from integritee.node import database as database_module
from integritee.node.block import Block
from integritee.node.chain import Chain
from integritee.node.database import Batch, Database, Finalization
from integritee.node.errors import (
    CorruptDatabase,
    DatabaseFormatMismatch,
    DatabaseFull,
    DatabaseLocked,
    GenesisMismatch,
)
from integritee.primitives.header import Digest, Header
from integritee.trie import Trie, ordered_root

from .toy_runtime import ALICE, CHARLIE, Account, ToyEngine, genesis, transfer


def assert_consistent(chain: Chain) -> None:
    """Every block of the best chain is whole: links, body, state down to the last node, finality."""
    parent = bytes(32)
    for number in range(chain.best.number + 1):
        hash = chain.hash_at(number)
        assert hash is not None
        block = chain.block(hash)
        assert block is not None and block.header.parent_hash == parent
        assert block.header.extrinsics_root == ordered_root(list(block.extrinsics))
        state = Trie.at(block.header.state_root, chain._database.nodes)
        assert Trie.from_items(dict(state.items())).root() == block.header.state_root
        if 0 < number <= chain.finalized.number:
            assert chain.justification(hash) is not None
        parent = hash
    assert chain.best_hash == parent
    assert chain.finalized_hash == chain.hash_at(chain.finalized.number)


def test_restart_continues_the_chain(make_node: Any) -> None:
    node = make_node(options={"finality_lag": 2})
    node.submit(transfer(ALICE, 0, amount=77))
    node.produce(5)
    before = (node.chain.best_hash, node.chain.finalized_hash, node.chain.genesis_hash)
    node.reopen()
    assert (node.chain.best_hash, node.chain.finalized_hash, node.chain.genesis_hash) == before
    assert (node.chain.best.number, node.chain.finalized.number) == (5, 3)
    assert node.account(CHARLIE) == Account(0, 77)
    node.produce(2)
    assert (node.chain.best.number, node.chain.finalized.number) == (7, 5)
    assert_consistent(node.chain)


def test_second_opener_is_refused(tmp_path: Path) -> None:
    first = Database(tmp_path)
    with pytest.raises(DatabaseLocked) as caught:
        Database(tmp_path)
    assert caught.value.path == str(tmp_path)
    first.close()
    with Database(tmp_path) as second:
        assert second.genesis() is None


def test_lock_is_released_when_opening_fails(tmp_path: Path) -> None:
    with Database(tmp_path) as database, database._environment.begin(write=True) as transaction:
        transaction.put(b"format", b"\x63\0\0\0", db=database._tables["meta"])
    for _ in range(2):
        with pytest.raises(DatabaseFormatMismatch) as caught:
            Database(tmp_path)
        assert (caught.value.expected, caught.value.found) == (1, 99)


def test_other_genesis_is_refused(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        ours = Chain(database, ToyEngine(), genesis()).genesis_hash
        with pytest.raises(GenesisMismatch) as caught:
            Chain(database, ToyEngine(), genesis() | {b"extra": b"1"})
        assert caught.value.found == ours != caught.value.expected
        assert Chain(database, ToyEngine(), genesis()).best_hash == ours


def test_temporary_database_disappears() -> None:
    database = Database.temporary()
    path = database.path
    Chain(database, ToyEngine(), genesis())
    assert path.is_dir()
    database.close()
    database.close()
    assert not path.exists()


def test_missing_head_is_reported(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        with pytest.raises(CorruptDatabase) as caught:
            database.best()
        assert "best" in caught.value.missing
        with pytest.raises(CorruptDatabase):
            database.finalized()


def test_grows_when_full(tmp_path: Path) -> None:
    with Database(tmp_path, durable=False, initial_map_size=128 * 1024) as database:
        nodes = {bytes([n]) * 32: bytes(40_000) for n in range(50)}
        block = Block(Header(bytes(32), 1, bytes(32), bytes(32), Digest([])), (b"\x04\x01",))
        database.write(Batch(blocks=(block,), nodes=nodes, best=b"\1" * 32))
        assert database.nodes.get(bytes([49]) * 32) == bytes(40_000)
        assert database.best() == b"\1" * 32
        assert database.block(block.hash) == block
        assert database._environment.info()["map_size"] >= 2_000_000


def test_growth_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "MAX_MAP_SIZE", 256 * 1024)
    with Database(tmp_path, durable=False, initial_map_size=128 * 1024) as database:
        nodes = {bytes([n]) * 32: bytes(40_000) for n in range(50)}
        with pytest.raises(DatabaseFull) as caught:
            database.write(Batch(nodes=nodes))
        assert caught.value.limit == 256 * 1024
        assert database.nodes.get(bytes(32)) is None


class Interrupted(Exception):
    pass


class BreaksOff(dict[bytes, bytes]):
    """A mapping whose iteration ends in an exception after `after` items."""

    def __init__(self, items: dict[bytes, bytes], after: int) -> None:
        super().__init__(items)
        self.after = after

    def items(self) -> Iterator[tuple[bytes, bytes]]:  # type: ignore[override]
        for position, item in enumerate(super().items()):
            if position == self.after:
                raise Interrupted
            yield item
        raise Interrupted


@pytest.mark.parametrize("after", range(0, 12, 3))
def test_interrupted_write_leaves_nothing(node: Any, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    node.submit(transfer(ALICE, 0))
    node.produce()
    head, state_root = node.chain.best_hash, node.chain.best.state_root
    node.submit(transfer(ALICE, 1))
    complete = Trie.new_nodes
    with monkeypatch.context() as patch:
        patch.setattr(Trie, "new_nodes", lambda self: BreaksOff(complete(self), after))
        with pytest.raises(Interrupted):
            node.produce()
    assert (node.chain.best_hash, node.chain.best.state_root) == (head, state_root)
    assert len(node.pool.pending()) == 1
    node.reopen()
    assert node.chain.best_hash == head
    assert_consistent(node.chain)
    node.submit(transfer(ALICE, 1))
    node.produce()
    assert node.account(ALICE).nonce == 2
    assert_consistent(node.chain)


def test_interrupted_finalization_leaves_nothing(tmp_path: Path) -> None:
    class BadFinal:
        hash, number = b"\2" * 32, 2

        @property
        def justification(self) -> bytes:
            raise Interrupted

    with Database(tmp_path, durable=False) as database:
        database.write(Batch(best=b"\1" * 32, finalized=(Finalization(b"\1" * 32, 1, b"proof"),)))
        finals: Any = (Finalization(b"\3" * 32, 1, b"proof"), BadFinal())
        with pytest.raises(Interrupted):
            database.write(Batch(best=b"\2" * 32, finalized=finals))
        assert database.best() == database.finalized() == b"\1" * 32
        assert database.justification(b"\3" * 32) is None


def test_every_copy_of_the_files_is_a_chain(make_node: Any, tmp_path: Path) -> None:
    """Files as a crash between two blocks would leave them."""
    node = make_node()
    for number in range(6):
        node.submit(transfer(ALICE, number))
        node.produce()
        shutil.copytree(node.path, tmp_path / f"copy{number}")
    for number in range(6):
        with Database(tmp_path / f"copy{number}") as database:
            chain = Chain(database, ToyEngine(), genesis())
            assert chain.best.number == chain.finalized.number == number + 1
            assert_consistent(chain)


def test_torn_commit_falls_back_to_the_block_before(make_node: Any, tmp_path: Path) -> None:
    """LMDB commits by one small write to one of two alternating meta pages; without it the old block counts."""
    node = make_node()
    node.produce(3)
    node.database._environment.sync(True)
    old = (node.path / "data.mdb").read_bytes()
    node.submit(transfer(ALICE, 0))
    node.produce()
    node.database._environment.sync(True)
    new = (node.path / "data.mdb").read_bytes()
    page = node.database._environment.stat()["psize"]
    torn = tmp_path / "torn"
    shutil.copytree(node.path, torn)
    (torn / "data.mdb").write_bytes(old[: 2 * page] + new[2 * page :])
    with Database(torn) as database:
        chain = Chain(database, ToyEngine(), genesis())
        assert chain.best.number == 3
        assert_consistent(chain)


PRODUCE_FOREVER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from node_tests.toy_runtime import ALICE, ToyEngine, genesis, transfer
from integritee.node.chain import Chain
from integritee.node.database import Database
from integritee.node.keystore import Keystore
from integritee.node.pool import TransactionPool
from integritee.node.producer import Producer

chain = Chain(Database(Path(sys.argv[1]), durable=False), ToyEngine(), genesis())
pool = TransactionPool(chain)
producer = Producer(chain, pool, Keystore.dev("alice"))
now = 1_700_000_000_000 + 6000 * chain.best.number
nonce = chain.account_nonce(ALICE)
while True:
    pool.submit(transfer(ALICE, nonce), now)
    now += 6000
    nonce += 1
    print(producer.produce(now).block.number, flush=True)
"""


def test_killed_process_leaves_a_chain(tmp_path: Path) -> None:
    """Whatever block was announced is there after SIGKILL, and nobody has to unlock anything."""
    package = tmp_path / "modules"
    package.mkdir()
    (package / "node_tests").symlink_to(Path(__file__).parent)
    path = tmp_path / "chain"
    announced = 0
    for blocks in (1, 7, 16):
        command = [sys.executable, "-c", PRODUCE_FOREVER, str(path), str(package)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(blocks):
                announced = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
        with Database(path) as database:
            chain = Chain(database, ToyEngine(), genesis())
            assert chain.best.number >= announced
            assert chain.finalized_hash == chain.best_hash
            assert_consistent(chain)


def test_lmdb_errors_are_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(lmdb.Error):
        Database(tmp_path)
    (tmp_path / "data.mdb").unlink()
    with Database(tmp_path) as database:
        assert database.genesis() is None
