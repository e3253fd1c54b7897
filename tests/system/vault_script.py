"""`demo_shielding_unshielding_using_shard_vault.sh` of the original, which is also played on target A."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .processes import eventually
from .stage import TRANSFER_FEE, UNIT, Stage, credited

LEFT: Final = 2_949_492_119_090
"""What a run leaves Charlie in the ledger: 6 UNIT shielded, 2 spent, 1 unshielded, less fees."""


def shield_spend_unshield(stage: Stage, charlie: str, ferdie: str, run: int, call: Callable[..., None]) -> str:
    """Charlie has what the runs before left. Bob, whose new account is returned, ends up with 2 UNIT."""
    paid_out = stage.public(ferdie)
    bob = stage.cli("trusted", "new-account")
    assert stage.private(charlie) == (run - 1) * LEFT
    stage.shield(charlie, 6 * UNIT)

    call("transfer", charlie, bob, str(2 * UNIT))
    assert stage.private(bob) == 2 * UNIT
    assert stage.private(charlie) == (run - 1) * LEFT + credited(6 * UNIT) - 2 * UNIT - TRANSFER_FEE

    call("unshield-funds", charlie, ferdie, str(UNIT))
    assert stage.private(charlie) == run * LEFT
    eventually(lambda: stage.public(ferdie) == paid_out + UNIT, "the payment to Ferdie")
    return bob


def nonces_count(stage: Stage, bob: str) -> None:
    """Bob's calls count in his nonce, and so does one that fails: he has not 2 UNIT any more."""
    receiver = stage.cli("trusted", "new-account")
    fifth = str(UNIT // 5)
    assert stage.nonce(bob) == 0
    for _ in range(3):
        stage.direct("transfer", bob, receiver, fifth)
    assert stage.nonce(bob) == 3
    failing = stage.cli.trusted("transfer", bob, receiver, str(2 * UNIT))
    assert failing.splitlines()[-1].endswith(" is Invalid")
    assert stage.nonce(bob) == 4
    stage.direct("transfer", bob, receiver, fifth)
    assert stage.nonce(bob) == 5
    assert stage.private(bob) == 1_150_000_000_000
    assert stage.private(receiver) == 4 * UNIT // 5
