"""Command lines, exit codes, and the forms of values and events."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest

import integritee
from integritee.apps.evm.addresses import H160
from integritee.cli.json_values import chain_json, json_value
from integritee.cli.listen import event_line, report_block
from integritee.cli.output import JsonOutput, TextOutput
from integritee.cli.views import debug
from integritee.client.parentchain import BlockEvents
from integritee.metadata import EventRecord, UndecodableEvent, Variant
from integritee.primitives.enclave_bridge import ShardConfig, ShardSignerStatus
from integritee.primitives.ids import H256, AccountId, ParentchainId
from integritee.primitives.rpc import InSidechainBlock, Ready, TrustedOperationStatus
from integritee.scale import Bytes32, Compact, Err, Ok, u32, u64, u128
from integritee.stf.asset_map import AssetId
from integritee.stf.types import AnyRole, NoteText, SessionProxyRole, TransferAllowance

from ..client.ledger_enclave import ALICE, BOB
from .conftest import Cli

ALICE_DEBUG = f"{ALICE.public.hex()} (5GrwvaEF...)"
BOB_DEBUG = f"{BOB.public.hex()} (5FHneW46...)"


# -- exit codes


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["transfer", "--help"], ["trusted", "--help"]])
def test_asking_about_the_command_ends_with_0(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments).code == 0


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"integritee-cli {integritee.__version__}\n"


def test_help_tells_the_exit_codes(cli: Cli) -> None:
    assert re.search(r"exit codes:\n +0 .*\n(.*\n)+ +2 .*\n +101 ", cli("--help").out)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["balance"],
        ["balance", "//Alice", "-p", "1"],
        ["--node", "x", "balance", "//Alice"],
        ["transfer", "//Alice", "//Bob"],
        ["transfer", "//Alice", "//Bob", "-5"],
        ["transfer", "//Alice", "//Bob", "1_000"],
        ["transfer", "//Alice", "//Bob", "1.5"],
        ["transfer", "//Alice", "//Bob", str(2**128)],
        ["transfer", "//Alice", "//Bob", "9" * 5000],
        ["faucet"],
        ["listen", "-b", str(2**32)],
        ["--timeout", "0", "listen"],
        ["--timeout", "nan", "listen"],
        ["trusted"],
        ["trusted", "no-such-verb"],
        ["trusted", "transfer", "//Alice", "//Bob", "x"],
        ["trusted", "transfer", "//Alice", "//Bob", "1", "-d"],
        ["trusted", "set-balance"],
    ],
)
def test_wrong_command_lines_end_with_2(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(r"error: cli\.usage: [^\n]+\n", result.err)
    assert cli("--json", *arguments).error["code"] == "cli.usage"


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        (["trusted", "version"], "wss://127.0.0.1:1"),
        (["trusted", "balance", "//Alice"], "wss://127.0.0.1:1"),
        (["trusted", "new-account"], "wss://127.0.0.1:1"),
        (["trusted", "-d", "transfer", "//Alice", "//Bob", "1"], "wss://127.0.0.1:1"),
        (["print-sgx-metadata"], "wss://127.0.0.1:1"),
    ],
)
def test_unreachable_worker_ends_with_101(cli: Cli, arguments: list[str], url: str) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (101, "")
    assert result.err.startswith(f"error: client.connection_failed: cannot talk to {url}: ")


def test_unreachable_node_ends_with_101(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integritee.client.parentchain.CONNECT_PAUSE", 0.001)
    result = cli("--json", "balance", "//Alice")
    assert (result.code, result.error["code"]) == (101, "client.connection_failed")
    assert result.error["data"]["url"] == "ws://127.0.0.1:1"


def test_key_store_that_cannot_be_written(cli: Cli, directory: Path) -> None:
    (directory / "my_keystore").write_text("in the way")
    result = cli("new-account")
    assert result.code == 101
    assert result.err.startswith("error: cli.system: my_keystore: ")


# -- accounts


def test_accounts(cli: Cli, directory: Path) -> None:
    address = cli("new-account").out.strip()
    assert cli("list-accounts").lines == ["sr25519 keys:", address, "ed25519 keys:"]
    assert cli("--json", "list-accounts").json == {"sr25519": [address], "ed25519": []}
    assert len(list((directory / "my_keystore").iterdir())) == 1


def test_trusted_accounts_need_no_worker_if_the_shard_is_known(cli: Cli, directory: Path) -> None:
    shard = "7" * 43
    addresses = sorted(cli("trusted", "-m", shard, "new-account").out.strip() for _ in range(2))
    assert sorted(cli("trusted", "-s", shard, "list-accounts").lines) == addresses
    assert len(list((directory / "my_trusted_keystore" / shard).iterdir())) == 2


# -- as a process


def test_process() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "integritee.cli.main", *arguments], capture_output=True, text=True, check=False
        )

    assert run("--version").stdout == f"integritee-cli {integritee.__version__}\n"
    assert run("nonsense").returncode == 2
    assert run("-P", "1", "trusted", "version").returncode == 101


def test_version_loads_nothing_heavy() -> None:
    script = """
import sys
from integritee.cli.main import main
main(["--version"])
heavy = {"asyncio", "ssl", "msgspec", "cryptography", "websockets", "sr25519"} & set(sys.modules)
print(sorted(heavy))
"""
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (loaded.stdout.splitlines()[1:], loaded.stderr) == (["[]"], "")


def test_reader_that_stops_reading(cli: Cli) -> None:
    script = "import os, sys\nos.close(1)\nr, w = os.pipe()\nos.close(r)\nos.dup2(w, 1)\n"
    script += "from integritee.cli.main import main\nsys.exit(main(['list-accounts']))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 101
    assert "Traceback" not in ended.stderr


# -- forms of values


@pytest.mark.parametrize(
    ("hint", "value", "text", "view"),
    [
        (bool, True, "true", True),
        (str, 'say "hi" \\', '"say \\"hi\\" \\\\"', 'say "hi" \\'),
        (u64, 5, "5", 5),
        (u128, 10**20, "100000000000000000000", "100000000000000000000"),
        (Compact[u32], 7, "7", 7),
        (bytes, b"\x01\x02", "[1, 2]", "0x0102"),
        (Bytes32, bytes(32), "[" + ", ".join(["0"] * 32) + "]", "0x" + "00" * 32),
        (H256, b"\x07" * 32, "0x" + "07" * 32, "0x" + "07" * 32),
        (H160, b"\x07" * 20, "0x" + "07" * 20, "0x" + "07" * 20),
        (NoteText, b"hi", "[104, 105]", "hi"),
        (AssetId, AssetId.USDT_E, "USDT_E", "USDT_E"),
        (AccountId, ALICE.public, ALICE_DEBUG, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        (u32 | None, None, "None", None),
        (u32 | None, 3, "Some(3)", 3),
        (list[u32], [1, 2], "[1, 2]", [1, 2]),
        (tuple[u32, bool], (1, False), "(1, false)", [1, False]),
        (dict[u32, bool], {1: True}, "{1: true}", [[1, True]]),
        (Ok[u32] | Err[bool], Ok(1), "Ok(1)", {"Ok": 1}),
        (Ok[u32] | Err[bool], Err(True), "Err(true)", {"Err": True}),
        (ParentchainId, ParentchainId.TargetA, "TargetA", "TargetA"),
        (TrustedOperationStatus, Ready(), "Ready", "Ready"),
        (
            TrustedOperationStatus,
            InSidechainBlock(b"\x07" * 32),
            f"InSidechainBlock(0x{'07' * 32})",
            {"InSidechainBlock": {"block_hash": "0x" + "07" * 32}},
        ),
        (SessionProxyRole, AnyRole(), "Any", "Any"),
        (
            SessionProxyRole,
            TransferAllowance(5),
            "TransferAllowance(5)",
            {"TransferAllowance": {"allowance": "5"}},
        ),
        (
            ShardSignerStatus,
            ShardSignerStatus(ALICE.public, b"\x01" * 32, 9),
            f"ShardSignerStatus {{ signer: {ALICE_DEBUG}, fingerprint: 0x{'01' * 32}, last_activity: 9 }}",
            {
                "signer": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
                "fingerprint": "0x" + "01" * 32,
                "last_activity": 9,
            },
        ),
        (
            ShardConfig | None,
            ShardConfig(b"\x01" * 32, None, [BOB.public]),
            f"Some(ShardConfig {{ enclave_fingerprint: 0x{'01' * 32}, max_instances: None, "
            f"authorities: Some([{BOB_DEBUG}]), maintenance_mode: false }})",
            {
                "enclave_fingerprint": "0x" + "01" * 32,
                "max_instances": None,
                "authorities": ["5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"],
                "maintenance_mode": False,
            },
        ),
    ],
)
def test_forms_of_values(hint: Any, value: Any, text: str, view: Any) -> None:
    assert debug(hint, value) == text
    assert json_value(hint, value) == view


@pytest.mark.parametrize(
    ("value", "view"),
    [
        (b"\x01", "0x01"),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (True, True),
        (None, None),
        (Variant("Skip"), "Skip"),
        (Variant("Some", [b"\x02"]), {"Some": ["0x02"]}),
        ({"a": (1, "x")}, {"a": [1, "x"]}),
        (Ok(1), "Ok(value=1)"),
    ],
)
def test_forms_of_chain_values(value: Any, view: Any) -> None:
    assert chain_json(value) == view


PHASE = Variant("ApplyExtrinsic", 1)
REGISTERED = {
    "registered_by": ALICE.public,
    "worker_url": b"wss://w:2000",
    "tcb_status": Variant("Debug"),
    "attestation_method": Variant("Skip", {"proxied": False}),
}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (EventRecord(PHASE, "Proxy", "ProxyAdded"), "Proxy::ProxyAdded"),
        (
            EventRecord(PHASE, "Balances", "Transfer", {"from": ALICE.public, "to": BOB.public, "amount": 7}),
            f"BalanceTransfer {{ from: {ALICE_DEBUG}, to: {BOB_DEBUG}, amount: 7 }}",
        ),
        (
            EventRecord(PHASE, "Teerex", "AddedSgxEnclave", REGISTERED),
            f'Teerex::AddedSgxEnclave {{ registered_by: {ALICE_DEBUG}, worker_url: Some("wss://w:2000"), '
            "tcb_status: Some(Debug), attestation_method: Skip { proxied: false } }",
        ),
        (
            EventRecord(
                PHASE,
                "Teerex",
                "AddedSgxEnclave",
                REGISTERED | {"worker_url": None, "tcb_status": None, "attestation_method": Variant("Skip", True)},
            ),
            f"Teerex::AddedSgxEnclave {{ registered_by: {ALICE_DEBUG}, worker_url: None, tcb_status: None, "
            "attestation_method: Skip(true) }",
        ),
    ],
)
def test_lines_of_events(event: EventRecord, line: str) -> None:
    assert event_line(event) == line


STRANGE_BLOCK = BlockEvents(
    bytes(32), 7, [], [UndecodableEvent(Variant("Finalization"), "200.3", b"\x01\xc8\x03\x00", "scale", "unknown")]
)


def test_an_event_that_nobody_can_explain_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    report_block(TextOutput(), STRANGE_BLOCK)
    assert capsys.readouterr().out.splitlines() == [
        "block number (HEAD): 7",
        "Undecodable event 200.3: 0x01c80300",
    ]
    in_json = JsonOutput()
    report_block(in_json, STRANGE_BLOCK)
    in_json.finish()
    (block,) = json.loads(capsys.readouterr().out)["blocks"]
    assert block == {"number": 7, "events": [], "undecodable": [{"name": "200.3", "raw": "0x01c80300"}]}


def test_annotated_hints_have_the_form_of_their_base() -> None:
    assert debug(Annotated[u32, "a remark"], 5) == "5"
