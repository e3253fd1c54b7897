"""The plays' own eyes: a unit too few, a worker that lags, a command that fails. `tests/system` plays them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from integritee.devnet import plays, terminal
from integritee.devnet.config import PLAYS
from integritee.devnet.errors import CommandFailed, NotSettled, UnexpectedAnswer
from integritee.devnet.plays import (
    AFTER_DIRECT_CALL,
    AFTER_NONCES,
    AFTER_SIDECHAIN,
    AFTER_VAULT,
    UNIT,
    Stage,
    credited,
)
from integritee.devnet.terminal import Terminal, settled
from integritee.stf.fees import shielding_fee, transaction_fee, unshielding_fee

TRANSFER = transaction_fee(UNIT, ())
UNSHIELDING = unshielding_fee(UNIT, ())


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "SETTLE_TIMEOUT", 0.05)
    monkeypatch.setattr(terminal, "POLL_PAUSE", 0.001)


AMOUNTS = {
    "direct call": (AFTER_DIRECT_CALL, credited(5 * UNIT) - 4 * UNIT - TRANSFER),
    "sidechain": (AFTER_SIDECHAIN, credited(5 * UNIT) - 2 * (2 * UNIT + TRANSFER)),
    "vault": (AFTER_VAULT, credited(6 * UNIT) - (2 * UNIT + TRANSFER) - (UNIT + UNSHIELDING)),
    "nonces": (AFTER_NONCES, 2 * UNIT - 4 * (UNIT // 5 + TRANSFER) - TRANSFER),
    "shielding": (credited(6 * UNIT), 6 * UNIT - shielding_fee(6 * UNIT)),
}


@pytest.mark.parametrize("what", AMOUNTS)
def test_what_is_expected_is_what_the_ledgers_rules_leave(what: str) -> None:
    written, derived = AMOUNTS[what]
    assert written == derived


def test_every_play_can_be_named() -> None:
    assert set(plays._ALL) == set(PLAYS)


def test_a_balance_is_waited_for(patience: None, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = count()
    settled("it", 3, lambda: next(numbers))
    assert capsys.readouterr().out.startswith("  it: 3, after ")


@pytest.mark.parametrize("found", [AFTER_DIRECT_CALL - 1, AFTER_DIRECT_CALL + 1, 0])
def test_a_single_unit_is_missed(patience: None, found: int) -> None:
    with pytest.raises(NotSettled, match=f"{found} instead of {AFTER_DIRECT_CALL}"):
        settled("Charlie has", AFTER_DIRECT_CALL, lambda: found)


class OnPaper:
    """A worker that knows what it was told to know."""

    def __init__(self, knows: int, says: str = "") -> None:
        self.knows, self.says = knows, says

    def private(self, account: str) -> int:
        return self.knows

    def trusted(self, *command: str) -> str:
        return self.says

    def __call__(self, *command: str) -> str:
        return self.says


def stage(*workers: OnPaper) -> Stage:
    return Stage(workers, True, "run", ("1", "1"))  # type: ignore[arg-type]


def test_each_worker_has_to_know(patience: None) -> None:
    stage(OnPaper(7), OnPaper(7)).everywhere("Bob has", "//Bob", 7)
    with pytest.raises(NotSettled, match="on worker 2: 6 instead of 7"):
        stage(OnPaper(7), OnPaper(6)).everywhere("Bob has", "//Bob", 7)


ANSWERS: dict[str, tuple[Callable[[Stage, OnPaper], None], str, bool]] = {
    "direct": (lambda stage, w: stage.direct(w), "…\nTrusted call 0x12 is InSidechainBlock(0x34)", True),  # type: ignore[arg-type]
    "direct, refused": (lambda stage, w: stage.direct(w), "…\nTrusted call 0x12 is Invalid", False),  # type: ignore[arg-type]
    "indirect": (lambda stage, w: stage.indirect(w), "EnclaveBridge::ProcessedParentchainBlock …", True),  # type: ignore[arg-type]
    "indirect, alone": (lambda stage, w: stage.indirect(w), "extrinsic success", False),  # type: ignore[arg-type]
    "nothing": (lambda stage, w: stage.direct(w), "", False),  # type: ignore[arg-type]
    "benchmark": (lambda stage, _: plays.benchmark(stage), "Finished benchmark with 1 clients …", True),
    "benchmark, ended early": (lambda stage, _: plays.benchmark(stage), "Transfer amount: 1000", False),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_commands_have_to_say_how_they_ended(case: str) -> None:
    ask, said, is_good = ANSWERS[case]
    worker = OnPaper(0, said)
    if is_good:
        ask(stage(worker), worker)
    else:
        with pytest.raises(UnexpectedAnswer):
            ask(stage(worker), worker)


def test_a_command_that_fails_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandFailed) as failed:
        Terminal(worker_port=2011)("no-such-command")
    assert (failed.value.command, failed.value.exit_code) == ("integritee-cli -P 2011 no-such-command", 2)
    assert "no-such-command" in failed.value.said
    assert capsys.readouterr().out == "$ integritee-cli -P 2011 no-such-command\n"
