"""`integritee play NAME`: the original's demo scripts (worker `cli/*.sh`) on workers that run already.

They wait for what has to come, where the scripts sleep, and compare to the last unit. A play has accounts of its own,
new ones each time, so any network of development workers will do, as often as one likes; //Alice pays for them.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from typing import Final

from .errors import UnexpectedAnswer
from .terminal import Terminal, settled

UNIT: Final = 10**12
SHIELDING_FEE: Final = 571
"""One part in so many."""

TRANSFER_FEE: Final = UNIT // 100
AFTER_DIRECT_CALL: Final = 981_243_432_575
AFTER_SIDECHAIN: Final = 971_243_432_575
AFTER_VAULT: Final = 2_949_492_119_090
AFTER_NONCES: Final = 1_150_000_000_000


def credited(amount: int) -> int:
    """What is left of a shielded amount."""
    return amount - amount // SHIELDING_FEE


@dataclass(frozen=True)
class Stage:
    """`workers` of one shard, one or two, and whether calls of the nonce section are direct.

    A play that takes two runs does the second one on the last worker. `run` tells accounts of one play from others;
    `load` are clients of the benchmark, and transfers of each.
    """

    workers: Sequence[Terminal]
    is_direct: bool
    run: str
    load: tuple[str, str]

    @property
    def first(self) -> Terminal:
        return self.workers[0]

    @property
    def last(self) -> Terminal:
        return self.workers[-1]

    def account(self, name: str) -> str:
        return f"//{name}/{self.run}"

    def endow(self, account: str, amount: int) -> None:
        self.first("transfer", "//Alice", account, str(amount))

    def shield(self, worker: Terminal, account: str, amount: int) -> None:
        expected = self.first.private(account) + credited(amount)
        worker("transfer", account, worker("trusted", "get-shard-vault"), str(amount))
        self.everywhere("shielded funds", account, expected)

    def everywhere(self, what: str, account: str, amount: int) -> None:
        """All workers have to come to know that an account holds exactly this."""
        for number, worker in enumerate(self.workers, 1):
            settled(f"{what}, on worker {number}", amount, lambda worker=worker: worker.private(account))  # type: ignore[misc]

    def direct(self, worker: Terminal, *call: str) -> None:
        _expect("InSidechainBlock(0x", worker.trusted(*call))

    def indirect(self, worker: Terminal, *call: str) -> None:
        _expect("EnclaveBridge::ProcessedParentchainBlock", worker("trusted", *call))


def _expect(part: str, said: str) -> None:
    """The last line has to have it."""
    *_, last = said.splitlines() or [""]
    if part not in last:
        raise UnexpectedAnswer(part, last)


# -- the plays -----------------------------------------------------------------------------------------


def direct_call(stage: Stage) -> None:
    """`demo_direct_call_2_workers.sh`: what one worker is told, the other knows."""
    charlie, bob = stage.account("Charlie"), stage.account("Bob")
    stage.endow(charlie, 20 * UNIT)
    for run, worker in enumerate((stage.first, stage.last), 1):
        mrenclave = worker("trusted", "get-fingerprint")
        stage.shield(worker, charlie, 5 * UNIT)
        stage.direct(worker, "--mrenclave", mrenclave, "transfer", charlie, bob, str(4 * UNIT))
        stage.everywhere("Bob has", bob, run * 4 * UNIT)
        stage.everywhere("Charlie has", charlie, run * AFTER_DIRECT_CALL)


def sidechain(stage: Stage) -> None:
    """`demo_sidechain.sh`: transfers through both workers from one account."""
    charlie, bob = stage.account("Charlie"), stage.account("Bob")
    stage.endow(charlie, 10 * UNIT)
    stage.shield(stage.first, charlie, 5 * UNIT)
    for run, worker in enumerate((stage.first, stage.last), 1):
        stage.direct(worker, "transfer", charlie, bob, str(2 * UNIT))
        stage.everywhere("Bob has", bob, run * 2 * UNIT)
    stage.everywhere("Charlie has", charlie, AFTER_SIDECHAIN)


def shielding_unshielding(stage: Stage) -> None:
    """`demo_shielding_unshielding_multiworker.sh`: `…_using_shard_vault.sh`, first here, then there."""
    charlie, ferdie = stage.account("Charlie"), stage.account("Ferdie")
    stage.endow(charlie, 20 * UNIT)
    for run, worker in enumerate((stage.first, stage.last), 1):
        bob = worker("trusted", "new-account")
        stage.shield(worker, charlie, 6 * UNIT)
        stage.indirect(worker, "transfer", charlie, bob, str(2 * UNIT))
        settled("Bob has", 2 * UNIT, lambda worker=worker, bob=bob: worker.private(bob))  # type: ignore[misc]
        stage.indirect(worker, "unshield-funds", charlie, ferdie, str(UNIT))
        stage.everywhere("Charlie has", charlie, run * AFTER_VAULT)
        settled("Ferdie was paid", run * UNIT, lambda: stage.first.public(ferdie))
        _nonces(stage, worker, bob)


def _nonces(stage: Stage, worker: Terminal, bob: str) -> None:
    """A call that fails counts, too. //Bob has 2 UNIT at the beginning."""
    receiver = worker("trusted", "new-account")
    call = stage.direct if stage.is_direct else stage.indirect
    fifth = str(UNIT // 5)
    for nonce in (1, 2, 3):
        call(worker, "transfer", bob, receiver, fifth)
        settled("Bob's nonce", nonce, lambda: worker.nonce(bob))
    if stage.is_direct:
        _expect(" is Invalid", worker.trusted("transfer", bob, receiver, str(2 * UNIT)))
    else:
        call(worker, "transfer", bob, receiver, str(2 * UNIT))
    settled("Bob's nonce", 4, lambda: worker.nonce(bob))
    call(worker, "transfer", bob, receiver, fifth)
    settled("Bob's nonce", 5, lambda: worker.nonce(bob))
    settled("Bob has", AFTER_NONCES, lambda: worker.private(bob))


def benchmark(stage: Stage) -> None:
    """`benchmark.sh`, which does not look whether there is a report."""
    said = stage.first.trusted("benchmark", *stage.load, "-w")
    if not re.search(rf"^Finished benchmark with {stage.load[0]} clients", said, re.MULTILINE):
        raise UnexpectedAnswer("Finished benchmark", said[-200:])


_ALL: Final[dict[str, Callable[[Stage], None]]] = {
    function.__name__.replace("_", "-"): function
    for function in (direct_call, shielding_unshielding, sidechain, benchmark)
}


def play(name: str, workers: Sequence[Terminal], load: tuple[str, str]) -> None:
    """One of `config.PLAYS`. Calls of the nonce section are indirect if $FLAVOR_ID is ``offchain-worker``.

    Raises DevnetError, and what the command line raises.
    """
    is_direct = os.environ.get("FLAVOR_ID") != "offchain-worker"
    with tempfile.TemporaryDirectory(prefix="integritee-") as keys, chdir(keys):
        _ALL[name](Stage(workers, is_direct, f"{name}-{secrets.token_hex(4)}", load))
    print(f"{name}: everything adds up.", flush=True)
