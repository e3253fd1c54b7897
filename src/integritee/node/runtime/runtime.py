"""`integritee-solo`: the pallets of the parentchain with the indexes and constants of the real one.

Source: integritee-node `runtime/src/lib.rs` (spec 410). A subset: what workers, their clients and the usual
Substrate tools need. Indexes of what is left out stay free.
"""

from __future__ import annotations

from typing import Final

from integritee.frame.pallets.aura import Aura
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.grandpa import Grandpa
from integritee.frame.pallets.sudo import Sudo
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.pallets.transaction_payment import TransactionPayment
from integritee.frame.runtime import use
from integritee.node.engine import RuntimeEngine
from integritee.node.pallets.enclave_bridge import EnclaveBridge
from integritee.node.pallets.multisig import Multisig
from integritee.node.pallets.proxy import Proxy
from integritee.node.pallets.sidechain import Sidechain
from integritee.node.pallets.teeracle import Teeracle
from integritee.node.pallets.teerex import Teerex
from integritee.node.pallets.utility import Utility

from .api import NODE_APIS
from .presets import NodeRuntime

MICROTEER: Final = 10**6
MILLITEER: Final = 10**9
TEER: Final = 10**12

SS58_PREFIX: Final = 13
EXISTENTIAL_DEPOSIT: Final = 500

VERSION: Final = RuntimeVersion(
    spec_name="integritee-solo",
    impl_name="integritee-solo",
    authoring_version=1,
    spec_version=410,
    impl_version=1,
    apis=[api.identifier() for api in NODE_APIS],
    transaction_version=8,
    system_version=0,
)


class IntegriteeNodeRuntime(NodeRuntime):
    """The parentchain's runtime."""

    name = "integritee_node_runtime"
    metadata_token = (12, "ERT")
    """What the real runtime is built with, whatever its nodes call the token (integritee-node `runtime/build.rs`)."""

    system = use(0, System, version=VERSION, ss58_prefix=SS58_PREFIX)
    timestamp = use(3, Timestamp)
    sudo = use(5, Sudo)
    multisig = use(6, Multisig)
    proxy = use(7, Proxy)
    utility = use(9, Utility)
    balances = use(10, Balances, existential_deposit=EXISTENTIAL_DEPOSIT)
    transaction_payment = use(11, TransactionPayment)
    aura = use(23, Aura)
    grandpa = use(24, Grandpa)
    teerex = use(50, Teerex)
    teeracle = use(52, Teeracle)
    sidechain = use(53, Sidechain)
    enclave_bridge = use(54, EnclaveBridge)


def engine() -> RuntimeEngine:
    """Runs this runtime and its sisters: a state's code says which."""
    from .engine import RuntimesByCode  # the sisters are made of this one

    return RuntimesByCode()
