"""The demo's bookkeeping: it fails when a single base unit is missing, anywhere."""

from __future__ import annotations

import pytest

from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER
from integritee.devnet.demo import ALICE, BOB, CHARLIE, PEOPLE, Demo
from integritee.devnet.errors import UnexpectedBalance
from integritee.devnet.ledgers import Holdings
from integritee.stf.fees import shielding_fee, transaction_fee, unshielding_fee

VAULT = b"v" * 32
FEE = 986_578_000


class PaperLedgers:
    """Both ledgers on paper. `embezzle` maps (step, account or "issued") to base units that vanish there."""

    def __init__(self, embezzle: dict[tuple[str, bytes | str], int]) -> None:
        self._embezzle = embezzle
        self.public = {pair.public: 1000 * TEER for pair in PEOPLE.values()} | {VAULT: 5 * TEER}
        self.private = {pair.public: 0 for pair in PEOPLE.values()}
        self.issued = 0
        self.chain = self.worker = self

    async def holdings(self, pair: Sr25519Pair) -> Holdings:
        return Holdings(self.public[pair.public], self.private[pair.public])

    async def free_balance(self, account: bytes) -> int:
        return self.public[account]

    async def total_issuance(self) -> int:
        return self.issued

    async def shield(self, pair: Sr25519Pair, amount: int) -> int:
        self.public[pair.public] -= amount + FEE
        self.public[VAULT] += amount
        self.private[pair.public] += amount - shielding_fee(amount)
        self.issued += amount
        self._lose("shield")
        return FEE

    async def transfer(self, pair: Sr25519Pair, to: bytes, amount: int) -> None:
        self.private[pair.public] -= amount + transaction_fee(TEER, ())
        self.private[to] += amount
        self._lose("transfer")

    async def unshield(self, pair: Sr25519Pair, to: bytes, amount: int) -> None:
        self.private[pair.public] -= amount + unshielding_fee(TEER, ())
        self.public[VAULT] -= amount
        self.public[to] += amount
        self.issued -= amount
        self._lose("unshield")

    def _lose(self, step: str) -> None:
        for (when, who), amount in self._embezzle.items():
            if when == step and isinstance(who, str):
                self.issued -= amount
            elif when == step and isinstance(who, bytes):
                self.public[who] -= amount


def demo(embezzle: dict[tuple[str, bytes | str], int]) -> Demo:
    return Demo(PaperLedgers(embezzle), VAULT)  # type: ignore[arg-type]


async def test_honest_ledgers_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    await demo({}).run()
    shown = capsys.readouterr().out
    assert shown.count("//Charlie  ") == 4
    for amount in ("+99.824868651489", "-30.010000000000", "-10.030000000000", "+10.000000000000"):
        assert amount in shown


@pytest.mark.parametrize("step", ["shield", "transfer", "unshield"])
@pytest.mark.parametrize(
    ("who", "name"),
    [
        (ALICE.public, "//Alice"),
        (BOB.public, "//Bob"),
        (CHARLIE.public, "//Charlie"),
        (VAULT, "the vault"),
        ("issued", "everybody"),
    ],
    ids=["alice", "bob", "charlie", "vault", "issuance"],
)
async def test_one_missing_unit_is_found(step: str, who: bytes | str, name: str) -> None:
    with pytest.raises(UnexpectedBalance) as found:
        await demo({(step, who): 1}).run()
    assert found.value.account == name
    assert int(found.value.expected) - int(found.value.found) == 1
    assert "(-1)" in str(found.value)
