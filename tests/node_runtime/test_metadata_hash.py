"""Signers who insist on the metadata they believe in: the chain takes their transactions only if they are right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from integritee.frame.extensions import Extensions
from integritee.frame.extrinsic import UncheckedExtrinsic
from integritee.frame.metadata import metadata_v14, metadata_v15
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.system import System
from integritee.frame.runtime import use
from integritee.frame.validity import (
    BadProof,
    CannotLookup,
    Invalid,
    Refused,
    TransactionValidityError,
    Unknown,
)
from integritee.metadata import RuntimeMetadata, sign_extrinsic
from integritee.metadata.merkleized import metadata_hash
from integritee.node.pallets.proxy import Proxy
from integritee.node.runtime.api import NODE_APIS
from integritee.node.runtime.runtime import SS58_PREFIX, VERSION, IntegriteeNodeRuntime
from integritee.primitives.era import Era
from integritee.primitives.ids import Id

from .chain_kit import ALICE, BOB, Chain


class Knowing(IntegriteeNodeRuntime):
    """The node's runtime, built to know the hash of its metadata."""

    metadata_token = (12, "TEER")


class Ignorant(IntegriteeNodeRuntime):
    """One built without."""

    metadata_token = None


class Later(Knowing):
    """The next version of it."""

    system = use(0, System, version=replace(VERSION, spec_version=411), ss58_prefix=SS58_PREFIX)


class Moved(Knowing):
    """One whose pallet Proxy has another index: calls of one mean something else to the other."""

    proxy = use(8, Proxy)


@pytest.fixture
def chain() -> Chain:
    """A chain that has a block: its state knows the genesis hash."""
    chain = Chain()
    chain.make()
    return chain


def of(runtime: type[IntegriteeNodeRuntime], decimals: int = 12, symbol: str = "TEER") -> bytes:
    """What a signer computes from the metadata that it was handed."""
    return metadata_hash(RuntimeMetadata.parse(metadata_v15(runtime, NODE_APIS)), decimals, symbol)


def signed(chain: Chain, believed: bytes | None) -> UncheckedExtrinsic:
    metadata = RuntimeMetadata.parse(metadata_v14(Knowing))
    call = metadata.call("Balances", "transfer_keep_alive", {"dest": Id(BOB.public), "value": 10**12})
    raw = sign_extrinsic(
        metadata,
        call,
        ALICE,
        nonce=0,
        era=Era(),
        birth_hash=chain.hash(0),
        genesis_hash=chain.hash(0),
        spec_version=VERSION.spec_version,
        transaction_version=VERSION.transaction_version,
        metadata_hash=believed,
    )
    extrinsic: UncheckedExtrinsic = chain.codec(UncheckedExtrinsic).decode(raw)
    return extrinsic


def check(chain: Chain, extrinsic: UncheckedExtrinsic, runtime: type[IntegriteeNodeRuntime] = Knowing) -> bytes:
    assert extrinsic.signature is not None
    return Extensions(runtime(Overlay(chain.states[-1]))).check(extrinsic, extrinsic.signature).signer


@pytest.mark.parametrize("believed", [lambda: None, lambda: of(Knowing)], ids=["unchecked", "right"])
def test_accepted(chain: Chain, believed: Callable[[], bytes | None]) -> None:
    assert check(chain, signed(chain, believed())) == ALICE.public


@pytest.mark.parametrize(
    ("believed", "runtime", "error"),
    [
        pytest.param(lambda: of(Moved), Knowing, Invalid(BadProof()), id="a pallet elsewhere"),
        pytest.param(lambda: of(Later), Knowing, Invalid(BadProof()), id="another version"),
        pytest.param(lambda: of(Knowing, symbol="ERT"), Knowing, Invalid(BadProof()), id="another token"),
        pytest.param(lambda: of(Knowing, decimals=10), Knowing, Invalid(BadProof()), id="other decimals"),
        pytest.param(lambda: bytes(32), Knowing, Invalid(BadProof()), id="zeros"),
        pytest.param(lambda: of(Knowing), Ignorant, Unknown(CannotLookup()), id="a runtime that knows no hash"),
    ],
)
def test_refused(
    chain: Chain,
    believed: Callable[[], bytes],
    runtime: type[IntegriteeNodeRuntime],
    error: TransactionValidityError,
) -> None:
    with pytest.raises(Refused) as caught:
        check(chain, signed(chain, believed()), runtime)
    assert caught.value.error == error
