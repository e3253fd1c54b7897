"""`system_*`, `rpc_methods` and `chainSpec_v1_*`: what node and chain this is (sc-rpc `system`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from integritee import __version__
from integritee.errors import IntegriteeError

from ..logs import add_log_filter, reset_log_filter
from ..node import Node
from .errors import InvalidParams, RuntimeQueryFailed
from .methods import method
from .params import Account, Text

Json: TypeAlias = Any

IMPLEMENTATION: Final = "Integritee Node"


class SystemApi:
    def __init__(self, node: Node) -> None:
        self._node, self._spec, self._chain = node, node.spec, node.chain

    @method("system_name")
    def name(self) -> str:
        return IMPLEMENTATION

    @method("system_version")
    def version(self) -> str:
        return __version__

    @method("system_chain", "chainSpec_v1_chainName")
    def chain(self) -> str:
        return self._spec.name

    @method("system_chainType")
    def chain_type(self) -> str:
        return self._spec.chain_type

    @method("system_properties", "chainSpec_v1_properties")
    def properties(self) -> Mapping[str, Json]:
        return self._spec.properties

    @method("chainSpec_v1_genesisHash")
    def genesis_hash(self) -> str:
        return "0x" + self._chain.genesis_hash.hex()

    @method("system_health")
    def health(self) -> Json:
        return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}

    @method("system_peers", unsafe=True)
    def peers(self) -> list[Json]:
        return []

    @method("system_nodeRoles")
    def node_roles(self) -> list[str]:
        return ["Authority" if self._node.is_authority else "Full"]

    @method("system_syncState")
    def sync_state(self) -> Json:
        best = self._chain.best.number
        return {"startingBlock": self._node.starting_block, "currentBlock": best, "highestBlock": best}

    @method("system_localListenAddresses")
    def listen_addresses(self) -> list[str]:
        return []

    @method("system_accountNextIndex", "account_nextIndex")
    def account_next_index(self, account: Account) -> int:
        """The account's next nonce, ready transactions in the pool counted."""
        try:
            return self._node.pool.next_index(account)
        except IntegriteeError as error:
            raise RuntimeQueryFailed("Unable to query nonce.", str(error)) from None

    @method("system_addLogFilter", unsafe=True)
    def add_log_filter(self, directives: Text) -> None:
        """Directives are `target=level`, separated by commas."""
        try:
            add_log_filter(directives)
        except ValueError as error:
            raise InvalidParams(str(error)) from None

    @method("system_resetLogFilter", unsafe=True)
    def reset_log_filter(self) -> None:
        """Back to the levels of the start."""
        reset_log_filter()


class DiscoveryApi:
    """`names` are those of all methods."""

    def __init__(self, names: Callable[[], list[str]]) -> None:
        self._names = names

    @method("rpc_methods")
    def methods(self) -> Json:
        return {"methods": self._names()}
