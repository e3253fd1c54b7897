"""`integritee demo`: funds go into the private ledger, change hands there unseen, and come out elsewhere.

Every step is shown with the balances on both ledgers and checked to the last base unit, fees included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from integritee.crypto import Sr25519Pair, ss58_decode

from .config import TEER, NetworkConfig
from .errors import UnexpectedBalance
from .ledgers import LEDGER, PARENTCHAIN, Holdings, Ledgers, connect
from .network import Facts, Network, run_network
from .screen import holdings_table, short, teer

ALICE: Final = Sr25519Pair.from_uri("//Alice")
BOB: Final = Sr25519Pair.from_uri("//Bob")
CHARLIE: Final = Sr25519Pair.from_uri("//Charlie")
PEOPLE: Final = {"//Alice": ALICE, "//Bob": BOB, "//Charlie": CHARLIE}

SHIELDED: Final = 100 * TEER
TRANSFERRED: Final = 30 * TEER
UNSHIELDED: Final = 10 * TEER

SHIELDING_FEE: Final = SHIELDED // 571
TRANSFER_FEE: Final = TEER // 100
UNSHIELDING_FEE: Final = 3 * TRANSFER_FEE


async def run_demo(config: NetworkConfig) -> None:
    """Run the scenario. Raises UnexpectedBalance, other DevnetErrors, ClientError, OSError."""
    started = time.monotonic()
    print("Starting a parentchain, a worker and its enclave (simulated TEE: development only) …", flush=True)
    async with run_network(config) as network:
        await network.while_alive(_scenario(network, started))
    print(f"Everything adds up; all processes have ended. {time.monotonic() - started:.1f} s in all.", flush=True)


async def _scenario(network: Network, started: float) -> None:
    facts = await network.ready()
    print(f"Ready after {time.monotonic() - started:.1f} s.\n\n{_introduction(facts)}\n", flush=True)
    async with connect(facts) as ledgers:
        await Demo(ledgers, ss58_decode(facts.vault)[0]).run()


def _introduction(facts: Facts) -> str:
    return f"  MRENCLAVE {facts.mrenclave}\n  vault     {facts.vault}"


class Demo:
    """The scenario on a running set-up. Keeps account of what everybody must hold."""

    def __init__(self, ledgers: Ledgers, vault: bytes) -> None:
        self._ledgers, self._vault = ledgers, vault
        self._held: dict[str, Holdings] = {}
        self._in_vault = self._issued = 0
        self._step_began = 0.0

    async def run(self) -> None:
        ledgers = self._ledgers
        self._held = await self._now()
        self._in_vault, self._issued = (
            await ledgers.chain.free_balance(self._vault),
            await ledgers.worker.total_issuance(),
        )
        print(f"Balances in TEER at the beginning\n\n{holdings_table(self._held)}\n", flush=True)

        self._begin(f"1. //Alice shields {short(SHIELDED)}: she pays the vault, the enclave credits her.")
        fee = await ledgers.shield(ALICE, SHIELDED)
        await self._check(
            {"//Alice": (-SHIELDED - fee, SHIELDED - SHIELDING_FEE)},
            vault=SHIELDED,
            fees=f"{teer(SHIELDING_FEE)} for shielding (1/571), {teer(fee)} to the parentchain",
        )

        self._begin(f"2. //Alice transfers {short(TRANSFERRED)} privately to //Bob. The parentchain sees nothing.")
        await ledgers.transfer(ALICE, BOB.public, TRANSFERRED)
        await self._check(
            {"//Alice": (0, -TRANSFERRED - TRANSFER_FEE), "//Bob": (0, TRANSFERRED)},
            fees=f"{teer(TRANSFER_FEE)} for the transfer",
        )

        self._begin(
            f"3. //Bob unshields {short(UNSHIELDED)} to //Charlie: the vault pays out. Nothing leads to //Alice."
        )
        await ledgers.unshield(BOB, CHARLIE.public, UNSHIELDED)
        await self._check(
            {"//Bob": (0, -UNSHIELDED - UNSHIELDING_FEE), "//Charlie": (UNSHIELDED, 0)},
            vault=-UNSHIELDED,
            fees=f"{teer(UNSHIELDING_FEE)} for unshielding",
        )

    def _begin(self, text: str) -> None:
        print(text, flush=True)
        self._step_began = time.monotonic()

    async def _check(self, changes: Mapping[str, tuple[int, int]], fees: str, vault: int = 0) -> None:
        """Show what is, and compare it with what was plus `changes` (parentchain, private ledger)."""
        seconds = time.monotonic() - self._step_began
        before, now = self._held, await self._now()
        print(f"   Done after {seconds:.2f} s. Fees: {fees}.\n\n{holdings_table(now, before)}\n", flush=True)
        for name, held in now.items():
            public, private = changes.get(name, (0, 0))
            _expect(name, PARENTCHAIN, before[name].parentchain + public, held.parentchain)
            _expect(name, LEDGER, before[name].private + private, held.private)
        self._held = now
        self._in_vault += vault
        self._issued += vault
        _expect("the vault", PARENTCHAIN, self._in_vault, await self._ledgers.chain.free_balance(self._vault))
        _expect("everybody", LEDGER, self._issued, await self._ledgers.worker.total_issuance())

    async def _now(self) -> dict[str, Holdings]:
        return {name: await self._ledgers.holdings(pair) for name, pair in PEOPLE.items()}


def _expect(who: str, ledger: str, expected: int, found: int) -> None:
    if found != expected:
        raise UnexpectedBalance(who, ledger, expected, found)
