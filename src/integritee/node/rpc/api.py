"""All methods of a node."""

from __future__ import annotations

from ..node import Node
from .author import AuthorApi
from .chain import ChainApi
from .dev import DevApi
from .engine import EngineApi
from .grandpa import GrandpaApi
from .methods import MethodTable
from .payment import PaymentApi
from .state import StateApi, StateSubscriptions
from .system import DiscoveryApi, SystemApi


def node_methods(node: Node) -> MethodTable:
    table = MethodTable(
        ChainApi(node),
        StateApi(node),
        StateSubscriptions(node),
        AuthorApi(node),
        SystemApi(node),
        PaymentApi(node),
        GrandpaApi(node),
        EngineApi(node),
        DevApi(node),
    )
    table.add(DiscoveryApi(table.names))
    return table
