"""A runtime of just these pallets, at the indexes of the real one, and a harness that makes calls in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integritee.frame.errors import DispatchFailure
from integritee.frame.origin import Origin, Root, Signed
from integritee.frame.outer import EventRecord, RuntimeCall
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.runtime import Runtime, use
from integritee.frame.weights import PostInfo
from integritee.node.pallets.deposits import TEER
from integritee.node.pallets.enclave_bridge import EnclaveBridge
from integritee.node.pallets.multisig import Multisig
from integritee.node.pallets.proxy import Proxy
from integritee.node.pallets.sidechain import Sidechain
from integritee.node.pallets.teeracle import Teeracle
from integritee.node.pallets.teerex import Teerex
from integritee.node.pallets.utility import Utility
from integritee.primitives.teerex import SgxAttestationMethod, Skip

VERSION = RuntimeVersion("integritee-solo", "integritee-solo", 1, 410, 1, [], 8, 0)

ALICE, BOB, CHARLIE, DAVE = (bytes([0xA0 + i]) * 32 for i in range(4))
"""In ascending order; each starts with FUNDS."""
FUNDS = 1000 * TEER
NOBODY = b"\xee" * 32
SHARD = b"\x11" * 32
NOW = 1_795_363_074_826
"""Unix ms of block 1."""
UNATTESTED = Skip(proxied=False)


class SmallRuntime(Runtime):
    name = "integritee_node_runtime"

    system = use(0, System, version=VERSION, ss58_prefix=13)
    timestamp = use(3, Timestamp)
    multisig = use(6, Multisig)
    proxy = use(7, Proxy)
    utility = use(9, Utility)
    balances = use(10, Balances)
    teerex = use(50, Teerex)
    teeracle = use(52, Teeracle)
    sidechain = use(53, Sidechain)
    enclave_bridge = use(54, EnclaveBridge)


@dataclass
class Chain:
    """Block 1 of a fresh chain; calls go through their wire form, as extrinsics do."""

    runtime: SmallRuntime = field(default_factory=SmallRuntime)
    post: PostInfo = field(default_factory=PostInfo)
    """What the last call reported."""

    def __post_init__(self) -> None:
        self.runtime.teerex.initialize_genesis(allow_skipping_attestation=True, sgx_allow_debug_mode=False)
        self.enter(1, NOW)
        for account in (ALICE, BOB, CHARLIE, DAVE):
            self.runtime.balances.mint(account, FUNDS)

    def enter(self, number: int, now: int | None = None) -> None:
        """Go on in another block."""
        self.runtime.system.number.put(number)
        if now is not None:
            self.runtime.timestamp.now.put(now)

    def call(self, path: str, *args: Any) -> RuntimeCall:
        """``call("Proxy.remove_proxies")``."""
        pallet, function = path.split(".")
        return self.runtime.call(pallet, function, *args)

    def submit(self, who: bytes | Origin, path: str, *args: Any, index: int = 0) -> list[tuple[Any, ...]]:
        """Make a call; its events as ``("Pallet.Event", *fields)``. Raises DispatchFailure."""
        codec = self.runtime.codec(RuntimeCall)
        call = codec.decode(codec.encode(self.call(path, *args)))
        self.runtime.begin_extrinsic(index)
        self.runtime.events.clear()
        self.post = self.runtime.dispatch(call, Signed(who) if isinstance(who, bytes) else who)
        return self.events()

    def refusal(self, who: bytes | Origin, path: str, *args: Any) -> str:
        """Code of the error a call fails with, its events and writes undone."""
        before = dict(self.runtime.state.changes())
        try:
            events = self.submit(who, path, *args)
        except DispatchFailure as failure:
            assert self.runtime.state.changes() == before
            assert not self.runtime.events
            return failure.code
        raise AssertionError(f"{path} succeeded with {events}")

    def records(self) -> list[EventRecord]:
        """What the last call deposited."""
        codec = self.runtime.codec(EventRecord)
        return [codec.decode(raw) for raw in self.runtime.events]

    def events(self) -> list[tuple[Any, ...]]:
        return [(f"{r.event.pallet}.{r.event.name}", *r.event.values) for r in self.records()]

    def register(
        self, who: bytes, fingerprint: bytes = SHARD, method: SgxAttestationMethod = UNATTESTED
    ) -> list[tuple[Any, ...]]:
        """Register an enclave of `who` without attestation."""
        return self.submit(who, "Teerex.register_sgx_enclave", fingerprint, None, method)

    def free(self, who: bytes) -> int:
        return self.runtime.balances.free(who)

    def reserved(self, who: bytes) -> int:
        return self.runtime.balances.data(who).reserved


ROOT = Root()
