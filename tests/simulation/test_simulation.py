"""A run is what its plan says, and nothing else; the command line shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from integritee.simulation.errors import UnknownName
from integritee.simulation.faults import FAULTS
from integritee.simulation.main import main
from integritee.simulation.simulation import Plan, simulate

ARGUMENTS = ["--seed", "7", "--validateers", "2", "--hours", "0.03"]


def test_a_seed_says_all() -> None:
    plan = Plan(7, 3, 0.03)
    assert simulate(plan) == simulate(plan)


def test_another_process_sees_the_same_run() -> None:
    """Whatever the order of sets and the wall clock there."""
    command = [sys.executable, "-m", "integritee.simulation.main", *ARGUMENTS, "--json"]
    told = [
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": salt}, stdout=subprocess.PIPE, check=True).stdout
        for salt in ("1", "2")
    ]
    assert len({json.loads(facts)["digest"] for facts in told}) == 1


def test_other_seeds_are_other_runs() -> None:
    assert simulate(Plan(1, 2, 0.03)).digest != simulate(Plan(2, 2, 0.03)).digest


def test_without_faults_every_slot_has_a_block_and_no_block_is_given_up() -> None:
    outcome = simulate(Plan(1, 3, 0.03, frozenset()))
    assert outcome.height == outcome.authored == outcome.simulated_ms // 1000
    assert (outcome.reverted, outcome.starts, outcome.lost, outcome.strikes.total()) == (0, 3, 0, 0)
    assert outcome.payments and outcome.refunds


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_strikes(fault: str) -> None:
    assert any(simulate(Plan(seed, 2, 0.05, frozenset({fault}))).strikes[fault] for seed in range(3, 9))


@pytest.mark.parametrize(
    ("plan", "command"),
    [
        (Plan(3, 2, 0.5), "integritee simulate --seed 3 --validateers 2 --hours 0.5 --faults all"),
        (Plan(3, 2, 0.5, frozenset()), "integritee simulate --seed 3 --validateers 2 --hours 0.5 --faults none"),
        (
            Plan(3, 4, 0.1, frozenset({"lost", "crash"}), "orphan", "pays-again"),
            "integritee simulate --seed 3 --validateers 4 --hours 0.1 --faults crash,lost"
            " --byzantine orphan --plant pays-again",
        ),
    ],
)
def test_a_plan_has_a_command(plan: Plan, command: str) -> None:
    assert plan.command == command


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"faults": frozenset({"earthquake"})}, "fault"),
        ({"byzantine": "saint"}, "attack"),
        ({"plant": "tree"}, "planted bug"),
    ],
)
def test_unknown_names_are_told(names: dict[str, object], kind: str) -> None:
    with pytest.raises(UnknownName) as refused:
        Plan(1, **names)  # type: ignore[arg-type]
    assert refused.value.kind == kind


def test_the_command_line_tells_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["seed"] == 7 and facts["height"] > 50
    assert facts["speed"] == pytest.approx(facts["simulated_ms"] / 1000 / facts["wall_seconds"])


def test_several_runs_share_processes_and_come_to_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    digests = []
    for processes in ("1", "2"):
        assert main([*ARGUMENTS, "--json", "--seeds", "2", "--processes", processes]) == 0
        *runs, together = map(json.loads, capsys.readouterr().out.splitlines())
        assert [run["seed"] for run in runs] == [7, 8]
        assert together["runs"] == 2 and together["broken"] == 0
        assert together["simulated_s"] == sum(run["simulated_ms"] for run in runs) / 1000
        digests.append([run["digest"] for run in runs])
    assert digests[0] == digests[1]


def test_several_broken_runs_are_told_by_all_processes(capsys: pytest.CaptureFixture[str]) -> None:
    planted = ["--hours", "0.06", "--faults", "none", "--plant", "pays-again", "--seeds", "2", "--processes", "2"]
    assert main(planted) == 1
    told = capsys.readouterr().out
    assert told.count("integritee simulate --seed ") == 2 and "2 runs, 2 of them broke a law" in told


def test_a_broken_law_is_told_with_the_command_that_shows_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seed", "1", "--validateers", "3", "--hours", "0.06", "--faults", "none", "--plant", "pays-again"]
    assert main(arguments) == 1
    told = capsys.readouterr().out
    assert "nobody is paid twice" in told
    assert "integritee simulate --seed 1 --validateers 3 --hours 0.06 --faults none --plant pays-again" in told


@pytest.mark.parametrize(
    "arguments",
    [["--faults", "earthquake"], ["--validateers", "11"], ["--validateers", "0"], ["--hours", "0"], ["--seeds", "0"]],
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    try:
        code: object = main(arguments)
    except SystemExit as refused:
        code = refused.code
    assert code == 2
