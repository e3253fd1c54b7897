"""The front end's half of a world without sockets to clients: in the ledger's process, or at the other end of a link."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from integritee.enclave.frontend.begin import Facts
from integritee.enclave.frontend.gateway import Gateway
from integritee.enclave.frontend.ledger_api import Figures, Ledger, LedgerApi
from integritee.enclave.frontend.link import Frame, Kind, Link
from integritee.enclave.frontend.local import LocalLedger
from integritee.enclave.frontend.payloads import decode_changes
from integritee.enclave.frontend.remote import RemoteLedger
from integritee.enclave.frontend.served import RemoteFrontEnd
from integritee.enclave.operations import CallSignatures
from integritee.enclave.pool import StatusChanged
from integritee.enclave.service import EnclaveService
from integritee.scale import encode

from .harness import World

VERSION = "1.2.3"

Tell = Callable[[list[StatusChanged], bool], None]


def gateway_to(world: World, service: EnclaveService, ledger: LedgerApi | None = None) -> Gateway:
    """What the trusted RPC asks; it asks the service itself unless another ledger is given."""
    keys, config = world.core.keys, world.core.config
    facts = Facts(config.shard, config.mrenclave, "ws://mura", "ws://host", world.core.ledger.metadata, VERSION)
    signatures = CallSignatures(world.core.ledger, config.mrenclave, config.shard)
    return Gateway(facts, keys.shielding, keys.signing, signatures, ledger or LocalLedger(service))


class FarEnd:
    """The front end's end of a link, without a front end: `tell` hears what it would tell its clients."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.link: Link
        self.ledger: RemoteLedger
        self.settled: list[bytes] = []
        self.figures = Figures()

    async def begin(self, end: socket.socket) -> None:
        self.link = await Link.over(end, self._received, self._lost)
        self.ledger = RemoteLedger(self.link)

    def _received(self, frame: Frame) -> None:
        match Kind(frame.kind):
            case Kind.ANSWER | Kind.REFUSAL | Kind.DEFECT:
                self.ledger.answered(frame)
            case Kind.TELL:
                self._tell(*decode_changes(frame.payload))
            case Kind.SETTLE:
                self.settled.append(frame.payload)
            case Kind.COUNT:
                self.link.send(Kind.COUNTED, encode(Figures, self.figures))
            case Kind.STOP:
                self.link.close()
            case other:
                raise AssertionError(other)

    def _lost(self) -> None:
        self.ledger.lost()


@asynccontextmanager
async def linked(
    service: Ledger, tell: Tell = lambda changes, lingers: None, ended: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[RemoteFrontEnd, FarEnd]]:
    """Both ends of a link to a service, over a socket pair."""
    ours, theirs = socket.socketpair()
    far = FarEnd(tell)
    near = await RemoteFrontEnd.over(ours, service, ended)
    await far.begin(theirs)
    try:
        yield near, far
    finally:
        await near.stop()
