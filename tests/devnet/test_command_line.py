"""What the umbrella command and the set-ups make of their command lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

import integritee
from integritee.devnet.config import (
    DEFAULT_SHIELDINGS,
    TEER,
    Shielding,
    add_network_options,
    add_target_options,
    add_worker_options,
    network_config,
    shieldings,
)
from integritee.devnet.errors import InvalidShield
from integritee.devnet.main import main
from integritee.devnet.network import port_arguments, target_arguments

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("text", "uri", "amount"),
    [
        ("//Alice=100", "//Alice", 100 * TEER),
        ("//Bob=0.5", "//Bob", TEER // 2),
        ("//Alice//stash=0.000000000001", "//Alice//stash", 1),
        ("//Dave=123456789.123456789012", "//Dave", 123_456_789_123_456_789_012),
    ],
)
def test_a_shielding_is_an_account_and_an_exact_amount_in_teer(text: str, uri: str, amount: int) -> None:
    assert Shielding.parse(text) == Shielding(uri, amount)


@pytest.mark.parametrize(
    "text",
    ["", "//Alice", "//Alice=", "=1", "Alice=1", "//Alice=-1", "//Alice=1e3", "//Alice=0.0000000000001", "//=1x"],
)
def test_other_shieldings_are_refused(text: str) -> None:
    with pytest.raises(InvalidShield) as refused:
        Shielding.parse(text)
    assert refused.value.found == text
    assert refused.value.code == "devnet.invalid_shield"


def test_without_wishes_alice_shields() -> None:
    assert shieldings(None) == DEFAULT_SHIELDINGS
    assert shieldings(["//Bob=1"]) == (Shielding("//Bob", TEER),)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["devnet", "--node-port", "0"],
        ["devnet", "--worker-port", "70000"],
        ["devnet", "--shield", "Alice"],
        ["devnet", "--reload"],
        ["devnet", "--reload", "--app", "evm"],
        ["devnet", "--reload", "--app", "./greeter", "--workers", "2"],
        ["devnet", "--workers", "0"],
        ["devnet", "--workers", "11"],
        ["devnet", "--workers", "7", "--worker-port", "60000"],
        ["devnet", "--config", str(HERE / "nothing.toml")],
        ["demo", "--workers", "2"],
        ["local-setup"],
        ["devnet", "--shielding-target", "target-c"],
        ["devnet", "--targets", "--target-a-port", "0"],
        ["demo", "--json"],
        ["demo", "--targets"],
        ["demo", "--app", "evm"],
        ["new-app"],
    ],
)
def test_wrong_command_lines_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: integritee" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "ports", "vault"),
    [
        ([], (None, None), "integritee"),
        (["--targets"], (9954, 9988), "integritee"),
        (["--targets", "--target-b-port", "19988"], (9954, 19988), "integritee"),
        (["--shielding-target", "target-a"], (9954, 9988), "target-a"),
        (["--targets", "--shielding-target", "target-b"], (9954, 9988), "target-b"),
        (["--target-a-port", "19954"], (None, None), "integritee"),
    ],
)
def test_targets(options: list[str], ports: tuple[int | None, int | None], vault: str) -> None:
    parser = argparse.ArgumentParser()
    add_network_options(parser)
    add_target_options(parser)
    config = network_config(parser.parse_args(options), auto_ports=False)
    assert ((config.ports.target_a, config.ports.target_b), config.shielding_target) == (ports, vault)


def test_each_worker_is_told_of_its_ports() -> None:
    parser = argparse.ArgumentParser()
    add_network_options(parser)
    add_worker_options(parser)
    config = network_config(parser.parse_args(["--workers", "2", "--untrusted-port", "5001"]), auto_ports=False)
    assert [" ".join(port_arguments(ports)) for ports in config.ports.workers] == [
        "-P 2000 -w 5001 -r 3443 -h 4545",
        "-P 3000 -w 6001 -r 4443 -h 4546",
    ]


def test_a_worker_is_told_of_targets() -> None:
    assert target_arguments({}) == ()
    assert target_arguments({"target-a": 9954, "target-b": 9988}) == (
        *("--target-a-parentchain-rpc-url", "ws://127.0.0.1", "--target-a-parentchain-rpc-port", "9954"),
        *("--target-b-parentchain-rpc-url", "ws://127.0.0.1", "--target-b-parentchain-rpc-port", "9988"),
    )


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"integritee {integritee.__version__}\n"


@pytest.mark.parametrize("program", ["node", "worker", "cli"])
def test_other_programs_get_their_own_arguments(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest"])
    try:
        code = main([program, "--version"])
    except SystemExit as ended:
        code = ended.code or 0
    assert code == 0
    assert capsys.readouterr().out.startswith(f"integritee-{program} ")


def test_the_exit_code_of_other_programs_is_passed_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert main(["cli", "no-such-command"]) == 2
    assert "no-such-command" in capsys.readouterr().err
