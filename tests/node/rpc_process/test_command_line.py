"""Flags and subcommands, in process."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from integritee.node import logs
from integritee.node.chain_spec import ChainSpec
from integritee.node.chains import load_spec
from integritee.node.cli import IGNORED, parser
from integritee.node.database import Database
from integritee.node.errors import ChainSpecError
from integritee.node.finality import FinalityKind
from integritee.node.main import main
from integritee.node.run import service_options
from integritee.node.sealing import EverySlot, Interval, Manual, Seal, parse_seal
from integritee.node.service import ServiceOptions
from integritee.primitives.storage import storage_prefix

ALICE_HEX = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
ALICE_42 = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_13 = "2P2pRoXYwZAWVPXXtR6is5o7L34Me72iuNdiMZxeNV2BkgsH"


def options(*flags: str) -> ServiceOptions:
    arguments = parser().parse_args(flags)
    return service_options(arguments, parse_seal(arguments.seal))


def test_defaults() -> None:
    found = options()
    assert (found.rpc_port, found.rpc_external, found.allow_unsafe, found.seal) == (9944, False, True, EverySlot())
    assert not found.origins.permits("https://evil.example")
    assert found.limits.connections == 100
    assert (found.node.finality_lag, found.node.justification_period) == (0, 1)


@pytest.mark.parametrize(
    ("flags", "external", "unsafe"),
    [
        ("--rpc-external", True, False),
        ("--ws-external", True, False),
        ("--unsafe-rpc-external", True, False),
        ("--rpc-external --rpc-methods unsafe", True, True),
        ("--rpc-external --rpc-methods Unsafe", True, True),
        ("--rpc-methods safe", False, False),
        ("--rpc-methods auto", False, True),
    ],
)
def test_who_may_call_what(flags: str, external: bool, unsafe: bool) -> None:
    found = options(*flags.split())
    assert (found.rpc_external, found.allow_unsafe) == (external, unsafe)


@pytest.mark.parametrize(
    ("flags", "seal", "lag"),
    [
        ("--seal interval:0.5", Interval(0.5), 0),
        ("--seal manual", Manual(), 0),
        ("--finality-lag 2", EverySlot(), 2),
    ],
)
def test_seal_and_finality(flags: str, seal: Seal, lag: int) -> None:
    found = options(*flags.split())
    assert (found.seal, found.node.finality_lag) == (seal, lag)
    assert options(*flags.split(), "--finality-delay", "0.5").finality_delay == 0.5


@pytest.mark.parametrize("kind", FinalityKind)
def test_kinds_of_finality(kind: FinalityKind) -> None:
    assert options("--finality", kind.value).node.finality is kind
    assert options().node.finality is FinalityKind.AUTO


def test_flags_of_upstream_scripts_are_understood() -> None:
    launch = (
        "--tmp --dev -lruntime=info -lteerex=debug --port 30390 --rpc-port 9988 --rpc-external --rpc-methods unsafe"
    )
    arguments = parser().parse_args(launch.split())
    assert arguments.log == ["runtime=info", "teerex=debug"]
    assert arguments.ignored == ["--port"]
    assert options(*launch.split()).rpc_port == 9988
    assert options("--ws-port", "1234").rpc_port == 1234
    assert options("--dev").origins.permits("https://evil.example")
    assert not options("--dev", "--rpc-cors", "https://a.example").origins.permits("https://evil.example")
    assert options("--rpc-max-connections", "7").limits.connections == 7
    assert options("--bob").node.name == "Bob"


@pytest.mark.parametrize("flag", IGNORED)
def test_flags_without_effect(flag: str) -> None:
    for words in ([flag, "1"], [flag]):
        try:
            assert parser().parse_args(words).ignored == [flag]
            return
        except SystemExit:
            continue
    raise AssertionError(f"{flag} is refused")


@pytest.mark.parametrize(
    "words",
    ["--no-such-flag", "--rpc", "--seal sometimes", "--seal interval:0", "--rpc-methods all", "--rpc-port x",
     "--rpc-port 70000", "--finality-lag -1", "--finality-delay -1", "--finality-delay nan", "--justification-period 0", "purge-chain --tmp", "no-such-command",
     "--finality maybe", "--set-storage", "--set-storage 01", "--set-storage =01", "--set-storage 0x1=01",
     "--set-storage 01=zz", "--dev-accounts=yes", "key", "-l x=loud", "--rpc-max-connections 0"],
)  # fmt: skip
def test_wrong_command_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: integritee-node")


# --- chains


def test_build_spec_is_a_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build-spec", "--raw", "--dev"]) == 0
    file = tmp_path / "spec.json"
    file.write_text(capsys.readouterr().out)
    spec = load_spec(str(file))
    assert spec == load_spec("dev")
    assert spec.id == "integritee-solo-dev"
    assert main(["build-spec", "--chain", str(file)]) == 0
    assert ChainSpec.from_json(capsys.readouterr().out) == spec
    assert main(["build-spec"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "integritee-solo-local"


def test_changed_genesis(capsys: pytest.CaptureFixture[str]) -> None:
    """First the accounts, then the storage; in order, the last word counts."""
    sudo = storage_prefix("Sudo", "Key").hex()
    words = [
        "--dev-accounts",
        "--set-storage",
        f"0x{sudo}=",
        "--set-storage",
        "0xfe=0x01",
        "--set-storage",
        "fe=0203",
    ]
    assert main(["build-spec", "--dev", *words]) == 0
    changed = ChainSpec.from_json(capsys.readouterr().out).genesis
    original = load_spec("dev").genesis
    assert changed[b"\xfe"] == b"\2\3"
    assert original.keys() - changed.keys() == {storage_prefix("Sudo", "Key")}
    assert sum(key.startswith(storage_prefix("System", "Account")) for key in changed) == 14


@pytest.mark.parametrize("name", ["", "local", "integritee-solo-local"])
def test_names_of_the_local_chain(name: str) -> None:
    assert load_spec(name).name == "Integritee Network (local)"


def test_unknown_chain(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChainSpecError):
        load_spec("no-such-chain")
    assert main(["build-spec", "--chain", "no-such-chain"]) == 1
    assert "no-such-chain" in capsys.readouterr().err


# --- data


@pytest.fixture
def base(tmp_path: Path) -> Path:
    from integritee.node.chain import Chain
    from integritee.node.runtime.runtime import engine

    spec = load_spec("dev")
    with Database(tmp_path / "chains" / spec.id / "db", durable=False) as database:
        Chain(database, engine(), spec.genesis)
    return tmp_path


def test_chain_info(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chain-info", "--dev", "-d", str(base)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["bestHash"] == info["finalizedHash"] == info["genesisHash"]
    assert info["bestNumber"] == info["finalizedNumber"] == 0


@pytest.mark.parametrize("block", [[], ["0"]])
def test_export_state(base: Path, capsys: pytest.CaptureFixture[str], block: list[str]) -> None:
    assert main(["export-state", "--dev", "-d", str(base), *block]) == 0
    assert ChainSpec.from_json(capsys.readouterr().out) == load_spec("dev")


@pytest.mark.parametrize("block", ["1", "0x" + "00" * 32, "x"])
def test_export_state_of_no_block(base: Path, capsys: pytest.CaptureFixture[str], block: str) -> None:
    assert main(["export-state", "--dev", "-d", str(base), block]) == 1
    assert capsys.readouterr().err.startswith("Error: ")


def test_commands_on_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chain-info", "--dev", "-d", str(tmp_path)]) == 1
    assert "there is no data" in capsys.readouterr().err
    assert main(["purge-chain", "--dev", "-y", "-d", str(tmp_path)]) == 0
    assert "did not exist" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "removed"), [("y\n", True), ("Yes\n", True), ("\n", False), ("n\n", False)])
def test_purge_asks(base: Path, monkeypatch: pytest.MonkeyPatch, answer: str, removed: bool) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    path = base / "chains" / "integritee-solo-dev" / "db"
    assert main(["purge-chain", "--dev", "-d", str(base)]) == 0
    assert path.exists() is not removed


def test_purge_leaves_a_running_chain_alone(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = base / "chains" / "integritee-solo-dev" / "db"
    with Database(path):
        assert main(["purge-chain", "--dev", "-y", "-d", str(base)]) == 1
    assert "in use" in capsys.readouterr().err
    assert path.exists()
    assert main(["purge-chain", "--dev", "-y", "-d", str(base)]) == 0
    assert not path.exists()


# --- keys


@pytest.mark.parametrize(
    ("words", "public", "address"),
    [
        (["//Alice"], ALICE_HEX, ALICE_42),
        (["//Alice", "--network", "13"], ALICE_HEX, ALICE_13),
        ([ALICE_13], ALICE_HEX, ALICE_42),
        ([ALICE_HEX, "-n", "13"], ALICE_HEX, ALICE_13),
        (
            ["//Alice", "--scheme", "ed25519"],
            "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
            "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu",
        ),
    ],
)
def test_key_inspect(words: list[str], public: str, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "inspect", *words]) == 0
    out = capsys.readouterr().out
    assert f"Public key (hex):  {public}\n" in out
    assert f"SS58 Address:      {address}\n" in out


@pytest.mark.parametrize("uri", ["not a phrase", "0x" + "zz" * 32, ""])
def test_key_inspect_of_nonsense(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "inspect", uri]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: ") and captured.out == ""


# --- logs


@pytest.fixture
def log_levels() -> Any:
    yield
    logs.configure("")


def test_log_directives(log_levels: None) -> None:
    logs.configure("warn,rpc::server=debug")
    root, server = logging.getLogger("integritee"), logging.getLogger("integritee.node.rpc.server")
    assert (root.level, server.level) == (logging.WARNING, logging.DEBUG)
    logs.add_log_filter("sealing,rpc.server=off")
    sealing = logging.getLogger("integritee.node.sealing")
    assert sealing.level == logging.DEBUG and server.level > logging.CRITICAL
    logs.reset_log_filter()
    assert (root.level, server.level, sealing.level) == (logging.WARNING, logging.DEBUG, logging.NOTSET)


@pytest.mark.parametrize("text", ["x=loud", "=", "a=info," * 65])
def test_bad_log_directives(text: str) -> None:
    with pytest.raises(ValueError):
        logs.parse_directives(text)
