"""A front end put together, wherever its ledger is."""

from __future__ import annotations

import msgspec

from integritee.apps.catalog import LedgerConfig, ledger_of
from integritee.crypto import Ed25519Pair, ShieldingKey

from ..operations import CallSignatures
from ..rpc.jsonrpc import Dispatcher
from ..rpc.limits import ServerLimits
from ..rpc.methods import trusted_methods
from ..rpc.server import TrustedRpcServer, tls_context
from ..rpc.watch import WatchRegistry
from .begin import Begin
from .gateway import Gateway
from .ledger_api import Figures, LedgerApi


class Assembled(msgspec.Struct, frozen=True):
    """A front end that does not listen yet."""

    gateway: Gateway
    server: TrustedRpcServer

    def figures(self) -> Figures:
        """What it has counted."""
        return Figures(self.server.connection_count, self.gateway.requests, self.gateway.calls)

    async def stop(self) -> None:
        """Say goodbye to all clients."""
        await self.server.stop()
        self.gateway.close()


def assemble(begin: Begin, ledger: LedgerApi) -> Assembled:
    """The parts of a front end. Raises as `ledger_of`, which the ledger has raised before."""
    facts, signing = begin.facts, Ed25519Pair.from_seed(begin.seed)
    declared = ledger_of(LedgerConfig(begin.apps, begin.development))
    signatures = CallSignatures(declared, facts.fingerprint, facts.shard)
    gateway = Gateway(facts, ShieldingKey.from_private_json(begin.shielding_key), signing, signatures, ledger)
    watches = WatchRegistry()
    dispatcher = Dispatcher(trusted_methods(gateway, watches), observe=gateway.count)
    limits = ServerLimits(connections=begin.connections)
    tls = tls_context(signing.seed, begin.now)
    return Assembled(gateway, TrustedRpcServer(dispatcher, watches, tls, limits, gateway.rounds_per_rest))
