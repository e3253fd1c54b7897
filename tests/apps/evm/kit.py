"""A ledger with the EVM on a bench, and worlds in dicts beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integritee.apps.evm.addresses import create_address, evm_address, mapped_account
from integritee.apps.evm.app import EvmApp
from integritee.apps.evm.pallet import Evm
from integritee.crypto import KeyPair
from integritee.stf.executor import Outcome
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.operation import Trusted

from ...stf.kit import ALICE, BOB, ED, NOW, ONE, Bench

LEDGER = Ledger((*NATIVE_APPS, EvmApp))
GAS = 5_000_000
RICH = 10**6 * ONE

ALICE_EVM, BOB_EVM = evm_address(ALICE.public), evm_address(BOB.public)
STRANGER = b"\x5a" * 20
"""An address that no account of the tests has."""


class EvmBench(Bench):
    """//Alice and //Bob can pay fees; their EVM accounts can spend `spendable` base units each."""

    def __init__(self, spendable: int = RICH) -> None:
        super().__init__({ALICE: RICH, BOB: RICH}, LEDGER)
        for address in (ALICE_EVM, BOB_EVM):
            self.runtime.balances.mint(mapped_account(address), spendable + ED)
        self.runtime.shard_management.unbacked.put(self.issued())

    @property
    def evm(self) -> Evm:
        return self.runtime.pallet(Evm)

    # -- calls ---------------------------------------------------------------------------------------

    def create(self, pair: KeyPair, init: bytes, **given: Any) -> Outcome:
        return self.run(pair, "evm_create", evm_address(pair.public), init, *_rest(given))

    def create2(self, pair: KeyPair, init: bytes, salt: bytes, **given: Any) -> Outcome:
        return self.run(pair, "evm_create2", evm_address(pair.public), init, salt, *_rest(given))

    def invoke(self, pair: KeyPair, target: bytes, data: bytes = b"", **given: Any) -> Outcome:
        return self.run(pair, "evm_call", evm_address(pair.public), target, data, *_rest(given))

    def deployed(self, init: bytes, **given: Any) -> bytes:
        """Have //Alice create a contract; its address."""
        address = create_address(ALICE_EVM, self.evm.account(ALICE_EVM)[0])
        outcome = self.create(ALICE, init, **given)
        assert outcome.error is None, outcome.error
        return address

    def ask(self, pair: KeyPair, name: str, *args: Any) -> bytes | None:
        signed = self.ledger.sign_getter(self.ledger.trusted_getter(name, pair.public, *args), pair)
        return self.executor.query(Trusted(signed), NOW)

    # -- state ---------------------------------------------------------------------------------------

    def spendable(self, address: bytes) -> int:
        return self.evm.account(address)[1]

    def evm_nonce(self, address: bytes) -> int:
        return self.evm.account(address)[0]

    def contracts(self) -> dict[bytes, bytes | None]:
        """All that is stored of contracts, raw."""
        prefixes = self.evm.account_codes.prefix, self.evm.account_storages.prefix
        return {k: v for prefix in prefixes for k, v in self.runtime.state.items(prefix)}

    def all_accounts(self) -> dict[bytes, Any]:
        return dict(self.runtime.system.account.items())

    def check(self) -> None:
        """The laws of the ledger hold."""
        check_invariants(self.runtime)


def _rest(given: dict[str, Any]) -> Iterator[Any]:
    """Arguments that end every call of the EVM, from `value` on."""
    defaults = {"value": 0, "gas_limit": GAS, "max_fee": 1, "priority_fee": None, "nonce": None, "access_list": []}
    assert given.keys() <= defaults.keys()
    yield from (defaults | given).values()
