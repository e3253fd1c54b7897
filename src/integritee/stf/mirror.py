"""Storage of the Integritee parentchain that apps want to know, and how they hear of it.

A pallet with the two members below and the hook takes part; a ledger without any is what it would be without this
module. Keys that are always wanted are proven with every block and found in the pallet Parentchain's `mirror`. Keys
that depend on the ledger's state, such as entries of a map, are asked for while `wanted_storage` names them: from a
later block than the one that gave rise to them, in what the hook is given and nowhere else, so that what they are
wanted for must be remembered by the pallet.

Peers get what became of it with the author's block, like everything else; they need not have asked for the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from integritee.frame.pallet import Pallet, per_class
from integritee.frame.runtime import Runtime

MAX_WANTED: Final = 64
"""Keys beyond those that are always wanted, of all pallets, in the proof of one block."""

log = logging.getLogger(__name__)

Values = Mapping[bytes, bytes | None]
"""Raw storage by key; None if proven absent."""


class MirrorsParentchain(Protocol):
    """A pallet that knows something of the parentchain."""

    mirrored_storage: tuple[bytes, ...]
    """Keys that are proven with every block."""

    def wanted_storage(self) -> Sequence[bytes]:
        """Further keys, as the ledger's state tells; the first `MAX_WANTED` of all pallets are had."""
        ...

    def on_parentchain_block(self, number: int, values: Values) -> None:
        """Block `number` is in the ledger, none of its calls is. `values` has all that was asked for when it was
        proven, of whatever pallet."""
        ...


def mirrored_storage(runtime: Runtime | type[Runtime]) -> tuple[bytes, ...]:
    """Keys that the pallets of a ledger always want, each once."""
    pallets = (use.pallet for use in runtime.uses.values())
    return tuple(dict.fromkeys(key for pallet in pallets for key in getattr(pallet, "mirrored_storage", ())))


def wanted_storage(runtime: Runtime) -> tuple[bytes, ...]:
    """Keys that they want beyond these, in the present state."""
    wanted = dict.fromkeys(key for pallet in _mirroring(runtime) for key in pallet.wanted_storage())
    return tuple(wanted)[:MAX_WANTED]


def tell(runtime: Runtime, number: int, values: Values) -> None:
    """Have pallets hear of a block. One that breaks has its changes undone, and does not keep the shard from going
    on."""
    for pallet in _mirroring(runtime):
        try:
            with runtime.transaction():
                pallet.on_parentchain_block(number, values)
        except Exception as broken:
            log.error("%s broke over parentchain block %d: %s", type(pallet).__name__, number, type(broken).__name__)


def _mirroring(runtime: Runtime) -> Iterator[MirrorsParentchain]:
    pallets: Iterable[Any] = runtime.pallets.values()
    return (pallet for pallet in pallets if _mirrors(type(pallet)))


@per_class
def _mirrors(kind: type[Pallet]) -> bool:
    """Whether pallets of a class are `MirrorsParentchain`; asked of each of them it would take most of this module's
    time."""
    return all(hasattr(kind, member) for member in ("mirrored_storage", "wanted_storage", "on_parentchain_block"))
