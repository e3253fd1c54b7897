"""One fault planted per area, or more: just the checks that it should fail do, and say what they found."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from integritee import crypto, scale, trie
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import Nothing
from integritee.enclave.attestation import EvidencePolicy, SimulationTee, seal_root, verify
from integritee.enclave.core import EnclaveCore
from integritee.enclave.peering import Peering
from integritee.enclave.pool import TopPool
from integritee.enclave.provisioning import Secrets
from integritee.enclave.recovery.ecalls import RecoveryEcalls
from integritee.enclave.selftest import clock, evidence, sidechain, small_host
from integritee.enclave.service import EnclaveService
from integritee.enclave.store import seal
from integritee.errors import IntegriteeError
from integritee.scale.errors import TrailingBytes
from integritee.stf.executor import Executor

from .kit import failures

PATIENCE = 3.0
"""Seconds (of the self-test's own) for what will not come."""

Plant = Callable[[pytest.MonkeyPatch], None]


def replaced(owner: Any, name: str, other: Any) -> Plant:
    """`other` in the place of what an object or module has under a name."""
    return lambda patch: patch.setattr(owner, name, other)


def nothing(*_: Any, **__: Any) -> None:
    """In the place of what should look closely."""


def forgiving(function: Callable[..., Any], error: type[IntegriteeError], otherwise: Any) -> Callable[..., Any]:
    """A function that does not refuse."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except error:
            return otherwise

    return call


def open_without_looking(key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes = b"") -> bytes:
    """What AES-GCM deciphers if nobody compares the tag."""
    decryptor = Cipher(algorithms.AES(key), modes.CTR(nonce + b"\0\0\0\2")).decryptor()
    return decryptor.update(sealed[:-16]) + decryptor.finalize()


def without_examine(handlers: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self: {
        method: handler for method, handler in handlers(self).items() if method is not Ecalls.examine
    }


async def forgets(self: EnclaveService, report: object) -> Nothing:
    return Nothing()


FAULTS: list[Any] = [
    pytest.param("primitives", replaced(crypto, "blake2_128", lambda data: bytes(16)), {"blake2_128"}, id="hash"),
    pytest.param(
        "primitives", replaced(crypto, "verify_ed25519", lambda *_: True), {"ed25519 verify"}, id="any signature"
    ),
    pytest.param(
        "primitives",
        replaced(crypto, "verify_sr25519", lambda *_: False),
        {"sr25519 sign", "sr25519 verify"},
        id="no signature",
    ),
    pytest.param("primitives", replaced(crypto, "aead_open", open_without_looking), {"AES-256-GCM"}, id="any tag"),
    pytest.param(
        "codecs",
        replaced(scale, "encode_compact", lambda value: bytes((value << 2 & 255,))),
        {"compact integers"},
        id="compact",
    ),
    pytest.param(
        "codecs",
        replaced(scale, "decode", forgiving(scale.decode, TrailingBytes, 1)),
        {"a byte too many is refused"},
        id="trailing bytes",
    ),
    pytest.param(
        "codecs",
        replaced(crypto, "ss58_decode", forgiving(crypto.ss58_decode, IntegriteeError, (bytes(32), 42))),
        {"SS58"},
        id="checksum",
    ),
    pytest.param(
        "trie",
        replaced(trie, "verify_proof", forgiving(trie.verify_proof, trie.ProofError, {})),
        {"tampered proofs of block 8 are refused", "tampered proofs of block 15 are refused"},
        id="any proof",
    ),
    pytest.param("ledger", replaced(Executor, "verify", nothing), {"what must not be executed"}, id="unsigned calls"),
    pytest.param(
        "sealing",
        replaced(SimulationTee, "seal_key", lambda *_: bytes(32)),
        {"sealing keys", "a seal by other code is refused"},
        id="one key for all",
    ),
    pytest.param(
        "sealing",
        replaced(seal_root, "_check_status", nothing),
        {"the machine's root is kept and private"},
        id="a root that all can read",
    ),
    pytest.param(
        "sealing",
        replaced(seal, "aead_open", open_without_looking),
        {"a damaged record is refused", "a damaged secret is refused"},
        id="a seal that accepts anything",
    ),
    pytest.param(
        "evidence",
        replaced(evidence, "check_report_data", nothing),
        {
            f"evidence {what} is refused"
            for what in ("for other report data", "for another key", "with another purpose")
        },
        id="any report data",
    ),
    pytest.param(
        "evidence",
        replaced(EvidencePolicy, "check_enclave", nothing),
        {"evidence of other code is refused", "evidence of a debug enclave is refused"},
        id="any enclave",
    ),
    pytest.param(
        "evidence",
        replaced(verify, "check_signatures", nothing),
        {"damaged evidence is refused", "damaged evidence of real hardware is refused"},
        id="any quote",
    ),
    pytest.param(
        "pool",
        replaced(TopPool, "expire", nothing),
        {"what waits too long for an earlier nonce is dropped"},
        id="nothing expires",
    ),
    pytest.param(
        "sidechain",
        replaced(sidechain, "verify_seal", nothing),
        {"blocks that are wrong are refused"},
        id="any block",
    ),
    pytest.param(
        "sidechain",
        replaced(EnclaveCore, "_check_rollback", nothing),
        {"a state that was put back is found"},
        id="any state",
    ),
    pytest.param(
        "boundary",
        replaced(RecoveryEcalls, "handlers", without_examine(RecoveryEcalls.handlers)),
        {"ecall examine"},
        id="a missing ecall",
    ),
    pytest.param(
        "boundary",
        replaced(EnclaveService, "content_stored", forgets),
        {"ecall content_stored"},
        id="an ecall that does nothing",
    ),
    pytest.param(
        "provisioning",
        replaced(Peering, "secrets", lambda self: Secrets(self._core.keys.shielding.private_json(), bytes(32))),
        {"who received them can go on with the shard"},
        id="a wrong key",
    ),
]


@pytest.mark.parametrize(("area", "plant", "found_by"), FAULTS)
async def test_a_fault_is_found_by_name(
    area: str, plant: Plant, found_by: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_host, "WAIT_LIMIT", PATIENCE)
    plant(monkeypatch)
    found = await failures(area, tmp_path)
    assert set(found) == found_by
    assert all("found" in detail and "expected" in detail for detail in found.values())


# -- sources that the machine provides ---------------------------------------------------------------


def repeated(length: int) -> bytes:
    return (bytes(range(256)) * (length // 256 + 1))[:length]


def with_a_stuck_bit(random: Callable[[int], bytes], length: int) -> bytes:
    return bytes(byte | 1 for byte in random(length))


STATISTICS = {"as many ones as zeros", "every bit for itself", "every byte value as often"}


@pytest.mark.parametrize(
    ("random", "found_by"),
    [
        pytest.param(bytes, {"no repetition", "no byte is stuck", *STATISTICS}, id="constant"),
        pytest.param(repeated, {"no repetition", "every byte value as often"}, id="a counter"),
        pytest.param(partial(with_a_stuck_bit, os.urandom), STATISTICS, id="a stuck bit"),
    ],
)
async def test_a_broken_source_of_randomness(
    random: Callable[[int], bytes], found_by: set[str], tmp_path: Path
) -> None:
    found = await failures("randomness", tmp_path, random=random)
    assert set(found) == {f"the enclave's source: {name}" for name in found_by}


class Ticking:
    """A clock that does `step` at each look, from `start` on."""

    def __init__(self, start: int, step: int) -> None:
        self._now, self._step = start, step

    def __call__(self) -> int:
        self._now += self._step
        return self._now


@pytest.mark.parametrize(
    ("facts", "found_by"),
    [
        pytest.param(
            {"clock": lambda: 1_800_000_000_000},
            {"the time of day goes", "both clocks go at one pace"},
            id="a clock that stands",
        ),
        pytest.param(
            {"clock": Ticking(1000, 1), "monotonic": Ticking(0, 1000_000)},
            {"the time of day is plausible"},
            id="a clock that was never set",
        ),
        pytest.param(
            {"clock": Ticking(1_800_000_000_000, 1), "monotonic": Ticking(10**18, -1_000_000)},
            {"the monotonic clock does not go back", "the monotonic clock is fine enough"},
            id="a clock that goes back",
        ),
        pytest.param(
            {"clock": Ticking(1_800_000_000_000, 1), "monotonic": Ticking(0, 20_000_000)},
            {"the monotonic clock is fine enough"},
            id="a clock that jumps",
        ),
    ],
)
async def test_a_broken_clock(
    facts: dict[str, Any], found_by: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "STANDSTILL", 1000)
    assert set(await failures("clock", tmp_path, **facts)) == found_by
