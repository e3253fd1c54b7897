"""Host functions, called from within tiny runtimes."""

from __future__ import annotations

import logging

import pytest
from eth_keys.datatypes import PrivateKey

from integritee.crypto import Ed25519Pair, Sr25519Pair
from integritee.crypto.hashing import blake2_256
from integritee.frame.overlay import Overlay
from integritee.node.errors import RuntimePanic
from integritee.node.wasm.errors import RuntimeLimitExceeded
from integritee.node.wasm.host.secp256k1 import ORDER
from integritee.scale import encode, encode_compact, u32
from integritee.trie import EMPTY_ROOT, MAX_KEY_BYTES, Layout, Trie, ordered_root

from .wat import ARGUMENTS, Host, runtime, version


def number(answer: bytes) -> int:
    return int.from_bytes(answer, "little")


def maybe(value: bytes | None) -> bytes:
    return b"\0" if value is None else b"\1" + encode_compact(len(value)) + value


def limit(count: int | None) -> bytes:
    return b"\0" if count is None else b"\1" + encode(u32, count)


# --- hashing


@pytest.mark.parametrize(
    "name, digest",
    [
        ("blake2_128", "cf4ab791c62b8d2b2109c90275287816"),
        ("blake2_256", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
        ("keccak_256", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            "keccak_512",
            "18587dc2ea106b9a1563e32b3312421ca164c7f1f07bc922a9c83d77cea3a1e5d0c69910739025372dc14ac9642629379540c17e2a65b19d77aa511a9d00bb96",
        ),
        ("sha2_256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("twox_64", "990977adf52cbc44"),
        ("twox_128", "990977adf52cbc440889329981caa9be"),
        ("twox_256", "990977adf52cbc440889329981caa9bef7da5770b2b8a05303b75d95360dd62b"),
    ],
)
def test_hashing(name: str, digest: str) -> None:
    """Of "abc": RFC 7693, FIPS 180-4, the Keccak team's tests, and XXH64 as Substrate runs it."""
    expected = bytes.fromhex(digest)
    assert Host().call(f"hashing_{name}_version_1", b"abc", returns=len(expected)) == expected


# --- storage


@pytest.fixture
def host() -> Host:
    items = {b"a": b"1", b"ab": b"22", b"abc": b"333", b"b": b"4444"}
    return Host(Overlay(Trie.from_items(items)))


@pytest.mark.parametrize("key, value", [(b"a", b"1"), (b"abc", b"333"), (b"c", None), (b"", None)])
def test_get_and_exists(host: Host, key: bytes, value: bytes | None) -> None:
    assert host.call("storage_get_version_1", key) == maybe(value)
    assert number(host.call("storage_exists_version_1", key)) == (value is not None)


@pytest.mark.parametrize(
    "key, offset, room, answer, buffer",
    [
        (b"b", 0, 4, b"\1\4\0\0\0", b"4444"),
        (b"abc", 1, 2, b"\1\2\0\0\0", b"33"),
        (b"b", 0, 2, b"\1\4\0\0\0", b"44"),
        (b"b", 0, 6, b"\1\4\0\0\0", b"4444\0\0"),
        (b"b", 9, 2, b"\1\0\0\0\0", b"\0\0"),
        (b"b", 0, 0, b"\1\4\0\0\0", b""),
    ],
)
def test_read(host: Host, key: bytes, offset: int, room: int, answer: bytes, buffer: bytes) -> None:
    assert host.read("storage_read_version_1", key, offset, room=room) == (answer, buffer)


def test_read_of_nothing(host: Host) -> None:
    answer, buffer = host.read("storage_read_version_1", b"zz", 0, room=3)
    assert (answer[:1], buffer) == (b"\0", b"\0\0\0")


def test_set_and_clear(host: Host) -> None:
    host.call("storage_set_version_1", b"new", b"value")
    host.call("storage_clear_version_1", b"a")
    assert (host.overlay.get(b"new"), host.overlay.get(b"a")) == (b"value", None)


def test_the_roots_of_child_tries_are_the_hosts(host: Host) -> None:
    key = b":child_storage:default:x"
    host.call("storage_set_version_1", key, bytes(32))
    assert host.overlay.get(key) is None
    host.overlay.put(key, b"root")
    host.call("storage_clear_version_1", key)
    for prefix in (b"", b":", b":child", key):
        host.call("storage_clear_prefix_version_1", prefix)
    assert host.overlay.get(key) == b"root"
    assert host.overlay.get(b"a") == b"1"


@pytest.mark.parametrize(
    "before, after",
    [
        (None, b"\x04x"),
        (b"\x04y", b"\x08yx"),
        (b"\xfc" + bytes(63), b"\x01\x01" + bytes(63) + b"x"),
        (b"", b"\x04x"),
        (b"\x03", b"\x04x"),
    ],
    ids=["nothing", "one", "length-grows", "empty", "no-list"],
)
def test_append(host: Host, before: bytes | None, after: bytes) -> None:
    if before is not None:
        host.overlay.put(b"list", before)
    host.call("storage_append_version_1", b"list", b"x")
    assert host.overlay.get(b"list") == after


@pytest.mark.parametrize(
    "key, following", [(b"", b":code"), (b"a", b"ab"), (b"aaa", b"ab"), (b"ab", b"abc"), (b"b", None)]
)
def test_next_key(host: Host, key: bytes, following: bytes | None) -> None:
    assert host.call("storage_next_key_version_1", key) == maybe(following)


def test_next_key_sees_what_the_block_wrote(host: Host) -> None:
    host.overlay.put(b"aa", b"")
    host.overlay.remove(b"ab")
    assert host.call("storage_next_key_version_1", b"a") == maybe(b"aa")
    assert host.call("storage_next_key_version_1", b"aa") == maybe(b"abc")


def test_clear_prefix(host: Host) -> None:
    host.overlay.put(b"abd", b"")
    host.call("storage_clear_prefix_version_1", b"ab")
    assert [key for key, _ in host.overlay.items(b"a")] == [b"a"]


@pytest.mark.parametrize(
    "count, result, left",
    [
        (None, b"\0\3\0\0\0", []),
        (3, b"\0\3\0\0\0", []),
        (2, b"\1\2\0\0\0", [b"abc"]),
        (0, b"\1\0\0\0\0", [b"a", b"ab", b"abc"]),
    ],
)
def test_clear_prefix_up_to_a_limit(host: Host, count: int | None, result: bytes, left: list[bytes]) -> None:
    """What this block wrote goes, whatever the limit; of what was there before, so many keys."""
    host.overlay.put(b"ax", b"")
    assert host.call("storage_clear_prefix_version_2", b"a", limit(count)) == result
    assert [key for key, _ in host.overlay.items(b"a")] == left


def test_a_limit_that_does_not_decode(host: Host) -> None:
    with pytest.raises(RuntimePanic, match="does not decode"):
        host.call("storage_clear_prefix_version_2", b"a", b"\2")


@pytest.mark.parametrize(
    "name, args, layout",
    [
        ("storage_root_version_1", (), Layout.V0),
        ("storage_root_version_2", (0,), Layout.V0),
        ("storage_root_version_2", (1,), Layout.V1),
    ],
)
def test_root(host: Host, name: str, args: tuple[int, ...], layout: Layout) -> None:
    """The trie of before is kept as it is; what is new goes in the layout that is asked for."""
    host.overlay.put(b"new", bytes(100))
    root = host.call(name, *args)
    before = host.overlay.backend
    assert isinstance(before, Trie)
    assert root == before.in_layout(layout).commit({b"new": bytes(100)}).root()
    assert host.overlay.settled().root() == root


def test_there_are_two_state_versions(host: Host) -> None:
    with pytest.raises(RuntimePanic, match="no state version 2"):
        host.call("storage_root_version_2", 2)


def test_changes_root(host: Host) -> None:
    assert host.call("storage_changes_root_version_1", bytes(32)) == maybe(None)


@pytest.mark.parametrize("name", ["commit", "rollback"])
def test_transactions_of_the_caller_are_not_the_runtimes_to_close(host: Host, name: str) -> None:
    host.overlay.begin()
    with pytest.raises(RuntimePanic, match="no storage transaction"):
        host.call(f"storage_{name}_transaction_version_1")
    assert host.overlay.depth == 1


def test_transactions_left_open_are_undone(host: Host) -> None:
    host.call("storage_start_transaction_version_1")
    assert host.overlay.depth == 0


# --- tries

PAIRS = [(b"a", bytes(40)), (b"ab", b"2"), (b"b", b"3")]
VALUES = [b"first", bytes(40), b""]


@pytest.mark.parametrize("version, layout", [("1", Layout.V0), ("2", Layout.V0), ("2", Layout.V1)])
def test_trie_roots(version: str, layout: Layout) -> None:
    tail = () if version == "1" else (layout.value,)
    pairs, values = encode(list[tuple[bytes, bytes]], PAIRS), encode(list[bytes], VALUES)
    host = Host()
    root = host.call(f"trie_blake2_256_root_version_{version}", pairs, *tail, returns=32)
    assert root == Trie.from_items(PAIRS, layout).root()
    ordered = host.call(f"trie_blake2_256_ordered_root_version_{version}", values, *tail, returns=32)
    assert ordered == ordered_root(VALUES, layout)


@pytest.mark.parametrize("function", ["root", "ordered_root"])
@pytest.mark.parametrize(
    "hash, empty",
    [
        ("blake2_256", EMPTY_ROOT.hex()),
        ("keccak_256", "bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"),
    ],
)
def test_the_root_of_nothing(hash: str, empty: str, function: str) -> None:
    """It is the hash of one zero byte."""
    assert Host().call(f"trie_{hash}_{function}_version_1", b"\0", returns=32).hex() == empty


def test_a_keccak_trie_differs_in_its_hashes_only() -> None:
    """A single leaf is small enough to write down: header, key, value."""
    from integritee.crypto.hashing import keccak_256

    leaf = bytes.fromhex("42" + "61" + "04" + "31")  # a leaf of two nibbles, "a", and "1" after its length
    root = Host().call(
        "trie_keccak_256_root_version_1", encode(list[tuple[bytes, bytes]], [(b"a", b"1")]), returns=32
    )
    assert root == keccak_256(leaf)


@pytest.mark.parametrize("layout", Layout)
def test_keccak_tries_keep_large_values_as_layouts_say(layout: Layout) -> None:
    from integritee.crypto.hashing import keccak_256

    value = bytes(40)
    leaf = {
        Layout.V0: bytes.fromhex("4261a0") + value,
        Layout.V1: bytes.fromhex("2261") + keccak_256(value),
    }[layout]
    pairs = encode(list[tuple[bytes, bytes]], [(b"a", value)])
    root = Host().call("trie_keccak_256_root_version_2", pairs, layout.value, returns=32)
    assert root == keccak_256(leaf)


# --- crypto

SR25519, ED25519 = Sr25519Pair.from_uri("//Alice"), Ed25519Pair.from_uri("//Alice")
MESSAGE = b"to whom it may concern"


@pytest.mark.parametrize(
    "name, pair",
    [
        ("sr25519_verify_version_1", SR25519),
        ("sr25519_verify_version_2", SR25519),
        ("sr25519_batch_verify_version_1", SR25519),
        ("ed25519_verify_version_1", ED25519),
        ("ed25519_batch_verify_version_1", ED25519),
    ],
)
def test_verify(name: str, pair: Sr25519Pair | Ed25519Pair) -> None:
    host, signature = Host(), pair.sign(MESSAGE)
    assert number(host.call(f"crypto_{name}", signature, MESSAGE, pair.public)) == 1
    assert number(host.call(f"crypto_{name}", signature, MESSAGE + b"!", pair.public)) == 0
    assert number(host.call(f"crypto_{name}", bytes(64), MESSAGE, pair.public)) == 0


ECDSA = PrivateKey(b"\x07" * 32)
DIGEST = blake2_256(MESSAGE)
GOOD = ECDSA.sign_msg_hash(DIGEST).to_bytes()
PUBLIC = ECDSA.public_key.to_bytes()
COMPRESSED = ECDSA.public_key.to_compressed_bytes()
LATE_ID = GOOD[:64] + bytes((GOOD[64] + 27,))
BAD_S = GOOD[:32] + ORDER.to_bytes(32, "big") + GOOD[64:]


@pytest.mark.parametrize(
    "signature, error",
    [
        (GOOD, None),
        (LATE_ID, None),
        (GOOD[:64] + b"\4", 1),
        (GOOD[:64] + bytes((31,)), 1),
        (bytes(64) + b"\0", 2),
        (b"\xff" * 32 + GOOD[32:], 0),
        (BAD_S, 0),
    ],
    ids=["good", "as-ethereum-writes", "id-4", "id-31", "zero", "large-r", "large-s"],
)
def test_recovery(signature: bytes, error: int | None) -> None:
    host = Host()
    for name, key in (("", PUBLIC), ("_compressed", COMPRESSED)):
        answer = host.call(f"crypto_secp256k1_ecdsa_recover{name}_version_2", signature, DIGEST)
        assert answer == (b"\0" + key if error is None else bytes((1, error)))


def test_recovery_reduced_large_numbers_once() -> None:
    """s = order + n is n to version 1, and no number to version 2."""
    s = int.from_bytes(GOOD[32:64], "big") + ORDER
    if s >= 1 << 256:
        s -= ORDER  # cannot be written larger; the plain one must recover all the same
    signature = GOOD[:32] + s.to_bytes(32, "big") + GOOD[64:]
    assert Host().call("crypto_secp256k1_ecdsa_recover_version_1", signature, DIGEST) == b"\0" + PUBLIC


@pytest.mark.parametrize(
    "name, message",
    [
        ("ecdsa_verify_version_1", MESSAGE),
        ("ecdsa_verify_version_2", MESSAGE),
        ("ecdsa_verify_prehashed_version_1", DIGEST),
        ("ecdsa_batch_verify_version_1", MESSAGE),
    ],
)
def test_ecdsa(name: str, message: bytes) -> None:
    host, other = Host(), bytes((5 - COMPRESSED[0],)) + COMPRESSED[1:]
    assert number(host.call(f"crypto_{name}", GOOD, message, COMPRESSED)) == 1
    assert number(host.call(f"crypto_{name}", GOOD, message, other)) == 0
    assert number(host.call(f"crypto_{name}", bytes(65), message, COMPRESSED)) == 0


# --- log, code, pointers


@pytest.mark.parametrize(
    "level, count", [(logging.ERROR, 1), (logging.WARNING, 2), (logging.INFO, 3), (logging.DEBUG, 4)]
)
def test_levels(level: int, count: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(level, "integritee.node.runtime")
    assert number(Host().call("logging_max_level_version_1")) == count
    Host().call("logging_log_version_1", count - 1, b"target", b"what is up")
    said = [(r.levelno, r.getMessage()) for r in caplog.records if r.name == "integritee.node.runtime"]
    assert said == [(level, "target: what is up")]


def test_version_of_a_blob() -> None:
    code = runtime("", spec_version=77)
    assert Host().call("misc_runtime_version_version_1", code) == maybe(version(spec_version=77))


@pytest.mark.parametrize("code", [b"", b"no code", b"\0asm\1\0\0\0"])
def test_version_of_what_is_no_runtime(code: bytes) -> None:
    assert Host().call("misc_runtime_version_version_1", code) == maybe(None)


@pytest.mark.parametrize(
    "name, args",
    [
        ("offchain_index_set_version_1", (b"k", b"v")),
        ("offchain_index_clear_version_1", (b"k",)),
        ("transaction_index_index_version_1", (0, 10, bytes(32))),
        ("misc_print_num_version_1", (7,)),
        ("misc_print_utf8_version_1", (b"\xff",)),
        ("misc_print_hex_version_1", (b"\xff",)),
    ],
)
def test_without_effect(name: str, args: tuple[bytes | int, ...]) -> None:
    host = Host()
    assert host.call(name, *args) == b""
    assert not host.overlay.changes()


@pytest.mark.parametrize("name", ["storage_get_version_1", "storage_exists_version_1", "storage_next_key_version_1"])
def test_keys_that_no_trie_can_hold_are_the_runtimes_fault(name: str) -> None:
    with pytest.raises(RuntimePanic):
        Host().call(name, bytes(MAX_KEY_BYTES + 1))


@pytest.mark.parametrize("address, length", [(1 << 20, 4), (65536 - 3, 4), (ARGUMENTS, 0xFFFFFFFF), (0xFFFFFFFF, 1)])
def test_pointers_outside_of_the_memory(address: int, length: int) -> None:
    with pytest.raises(RuntimePanic, match="not all in the memory"):
        Host().call("storage_get_version_1", (length << 32 | address) - (1 << 64 if length >> 31 else 0))


@pytest.mark.parametrize("size, what", [(1 << 26, "33554432 bytes at once"), ((1 << 32) - 1, "at once")])
def test_allocations_have_limits(size: int, what: str) -> None:
    with pytest.raises(RuntimeLimitExceeded, match=what):
        Host().call("allocator_malloc_version_1", size)
