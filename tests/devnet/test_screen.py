"""What a person reads: amounts without rounding, tables, commands that work as printed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integritee.cli.errors import UsageError
from integritee.cli.main import parse
from integritee.devnet.config import TEER
from integritee.devnet.ledgers import Holdings
from integritee.devnet.network import Facts, WorkerFacts, worker_name
from integritee.devnet.new_app import new_app
from integritee.devnet.ports import STANDARD_PORTS, STANDARD_WORKER_PORTS, Ports, WorkerPorts
from integritee.devnet.screen import change, holdings_table, next_commands, ready_screen, short, teer


def worker(number: int, ports: WorkerPorts) -> WorkerFacts:
    return WorkerFacts(
        name=worker_name(number),
        worker_url=f"wss://127.0.0.1:{ports.worker}",
        http_url=f"http://127.0.0.1:{ports.http}/is_initialized",
        untrusted_url=f"ws://127.0.0.1:{ports.untrusted}",
        enclave_account=f"the-enclave-{number}",
        ports=ports,
    )


def facts(ports: Ports = STANDARD_PORTS, **more: Any) -> Facts:
    return Facts(
        node_url=f"ws://127.0.0.1:{ports.node}",
        mrenclave="the-mrenclave",
        shard="the-shard",
        vault="the-vault",
        workers=tuple(worker(number, own) for number, own in enumerate(ports.workers, 1)),
        ports=ports,
        data_dir=Path("/the/data"),
        pids={"node": 1, "worker": 2},
        **more,
    )


def several(count: int) -> Ports:
    return replace(STANDARD_PORTS, workers=tuple(STANDARD_WORKER_PORTS.of(n) for n in range(1, count + 1)))


@pytest.mark.parametrize(
    ("base_units", "exact", "with_sign", "brief"),
    [
        (0, "0.000000000000", "", "0 TEER"),
        (1, "0.000000000001", "+0.000000000001", "0.000000000001 TEER"),
        (-(10**10), "-0.010000000000", "-0.010000000000", "-0.01 TEER"),
        (100 * TEER, "100.000000000000", "+100.000000000000", "100 TEER"),
        (1234 * TEER + 5 * 10**11, "1,234.500000000000", "+1,234.500000000000", "1,234.5 TEER"),
        (2**128 - 1, "340,282,366,920,938,463,463,374,607.431768211455", None, None),
    ],
)
def test_amounts(base_units: int, exact: str, with_sign: str | None, brief: str | None) -> None:
    assert teer(base_units) == exact
    assert with_sign is None or change(base_units) == with_sign
    assert brief is None or short(base_units) == brief


def test_a_table_shows_both_ledgers_and_what_has_changed() -> None:
    before = {"//Alice": Holdings(5 * TEER, 0), "//Bob": Holdings(7, 8)}
    now = {"//Alice": Holdings(4 * TEER, TEER), "//Bob": Holdings(7, 8)}
    rows = [line.split() for line in holdings_table(now, before).splitlines()]
    assert rows == [
        ["parentchain", "private", "ledger"],
        ["//Alice", "4.000000000000", "1.000000000000"],
        ["-1.000000000000", "+1.000000000000"],
        ["//Bob", "0.000000000007", "0.000000000008"],
    ]
    assert len(holdings_table(now).splitlines()) == 3


def test_a_change_stands_below_its_column() -> None:
    lines = holdings_table({"a": Holdings(0, TEER)}, {"a": Holdings(0, 0)}).splitlines()
    assert lines[1].index("1.0") == lines[2].index("1.0")


def test_one_screen_says_all() -> None:
    text = ready_screen(facts(), {"//Alice": Holdings(1, 2)}, {"//Alice": 100 * TEER}, 1.94)
    for expected in (
        *("the-mrenclave", "the-shard", "the-vault", "the-enclave-1", "/the/data"),
        *("ws://127.0.0.1:9944", "wss://127.0.0.1:2000", "http://127.0.0.1:4545/is_initialized"),
        *("//Alice has shielded 100 TEER", "1.9 s", "No TEE protects", "Ctrl-C"),
    ):
        assert expected in text
    assert len(text.splitlines()) <= 30
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("count", [2, 10])
def test_several_workers_have_a_line_each(count: int) -> None:
    text = ready_screen(facts(several(count)), {"//Alice": Holdings(1, 2)}, {"//Alice": 100 * TEER}, 1.94)
    lines = [line.split() for line in text.splitlines() if line.startswith("  worker ")]
    assert [(number, url) for _, number, url, _ in lines] == [
        (str(number), f"wss://127.0.0.1:{1000 + 1000 * number}") for number in range(1, count + 1)
    ]
    assert lines[1][-1] == "http://127.0.0.1:4546/is_initialized"
    assert max(map(len, text.splitlines())) <= 100


def test_what_is_sent_to_one_worker_is_read_from_another() -> None:
    transfer, balance, *_ = next_commands(facts(several(2))).splitlines()
    assert "-P" not in transfer.split()
    assert "-P 3000 trusted --direct balance" in balance


@pytest.mark.parametrize("ports", [STANDARD_PORTS, Ports(1944, (WorkerPorts(1000, 1545, 1001, 1443),))])
def test_the_commands_to_type_next_are_commands(ports: Ports) -> None:
    commands = next_commands(facts(ports)).splitlines()
    assert len(commands) == 4
    for command in commands:
        program, name, *arguments = command.split()
        assert (program, name) == ("integritee", "cli")
        options = parse(arguments)
        assert (int(options.node_port), int(options.trusted_worker_port)) == (
            ports.node,
            ports.workers[0].worker,
        )


def test_commands_are_told_of_projects(tmp_path: Path) -> None:
    folder = new_app("shown_app", tmp_path)
    *_, last = next_commands(facts(), (folder,)).splitlines()
    program, name, *arguments = last.split()
    assert (program, name, arguments[-2:]) == ("integritee", "cli", ["trusted", "--help"])
    with pytest.raises(UsageError, match="get-greetings"):  # its verbs are known
        parse([*arguments[:-1], "shown-app", "no-such-verb"])


def test_standard_ports_are_not_spelt_out() -> None:
    assert "-p" not in next_commands(facts()).split()


TARGETS = {"target_a_url": "ws://127.0.0.1:9954", "target_b_url": "ws://127.0.0.1:9988"}


@pytest.mark.parametrize(
    ("vault", "lines"),
    [
        ("integritee", ["target-a    ws://127.0.0.1:9954", "target-b    ws://127.0.0.1:9988"]),
        ("target-b", ["target-a    ws://127.0.0.1:9954", "target-b    ws://127.0.0.1:9988, has the vault"]),
    ],
)
def test_further_chains_are_shown(vault: str, lines: list[str]) -> None:
    text = ready_screen(facts(**TARGETS, shielding_target=vault), {}, {"//Alice": 10**12}, 2.0)
    assert f"//Alice has shielded 1 {'UNIT' if vault == 'target-b' else 'TEER'}" in text
    assert [line.strip() for line in text.splitlines() if line.startswith("  target")] == lines


@pytest.mark.parametrize(("vault", "port"), [("integritee", None), ("target-a", "9954"), ("target-b", "9988")])
def test_funds_come_out_where_the_vault_is(vault: str, port: str | None) -> None:
    *others, balance = next_commands(facts(**TARGETS, shielding_target=vault)).splitlines()
    assert balance.split() == ["integritee", "cli", *([] if port is None else ["-p", port]), "balance", "//Charlie"]
    assert all("-p" not in command.split() for command in others)
