"""Collateral and evidence on the command line, against a development node that lives when the recorded ones held."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integritee.enclave.rpc.jsonrpc import Connection, Method, Outcome, Params
from integritee.primitives.rpc import RpcReturnValue

from ..attestation.forge import VECTORS
from ..client import ledger_enclave
from .conftest import Cli, EnclaveThread
from .intel_service import CERTIFICATES, FMSPC, OASIS, QE_IDENTITY, TCB_INFO, intel_service

HASH = "0x[0-9a-f]{64}"
QUOTE = (OASIS / "quote_v3_ecdsa_p256_pck_chain.bin").read_bytes()
DCAP_QVL = VECTORS / "dcap-qvl" / "sgx_quote_collateral.json"
THEN = 1_671_497_404_000
"""Unix ms at which the recorded collateral of Oasis is current."""

NODE_THEN = """
import sys, time
from integritee.node import clock
started = time.monotonic_ns()
clock.unix_ms = lambda: {then} + (time.monotonic_ns() - started) // 1_000_000
from integritee.node.main import main
sys.exit(main(["--dev", "--tmp", "--seal", "interval:0.1", "--rpc-port", "0"]))
"""


@pytest.fixture(scope="module")
def past_port() -> Iterator[str]:
    command = [sys.executable, "-c", NODE_THEN.format(then=THEN)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
        try:
            assert node.stdout is not None
            ready = next(line for line in node.stdout if line.startswith("READY"))
            yield ready.strip().rpartition(":")[2]
        finally:
            node.terminate()


@pytest.fixture
def then(past_port: str, cli: Cli) -> Cli:
    """Run a command line against the node of the past."""
    return lambda *arguments: cli("-p", past_port, *arguments)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with intel_service() as url:
        yield url


@pytest.fixture
def quote_file(tmp_path: Path) -> str:
    path = tmp_path / "quote.hex"
    path.write_text(f"0x{QUOTE.hex()}\n")
    return str(path)


# --- TCB info


def test_tcb_info_of_one_family(then: Cli, service: str) -> None:
    result = then("register-tcb-info", "//Alice", "--fmspc", FMSPC, "--pcs-url", service)
    assert (result.code, result.err) == (0, "")
    fetching, registered, summary = result.lines
    assert re.fullmatch(rf"fetching tcb info for fmspc {FMSPC} from 127\.0\.0\.1:\d+", fetching)
    line = rf"\[\+\] register_tcb_info\. extrinsic hash: ({HASH}) / status: InBlock\({HASH}\)"
    found = re.fullmatch(line, registered)
    assert found is not None
    assert summary == f'[("{FMSPC}", Some({found[1]}))]'


def test_tcb_info_of_all_families(then: Cli, service: str) -> None:
    """The second is a forgery: what fails is told, and the others are registered all the same."""
    result = then("register-tcb-info", "//Alice", "--all", "--pcs-url", service + "/")
    platforms, *_, summary = result.lines
    assert platforms == (
        '[Platform { fmspc: "00606A000000", _platform: "E3" }, Platform { fmspc: "30606A000000", _platform: "E5" }]'
    )
    assert re.fullmatch(rf'\[\("00606A000000", Some\({HASH}\)\), \("30606A000000", None\)\]', summary)
    assert result.code == 0  # as the original, without --strict
    assert "notice: 30606A000000: " in result.err
    assert "Teerex.RsaSignatureIsInvalid" in result.err


def test_tcb_info_as_json_is_strict(then: Cli, service: str) -> None:
    result = then("--json", "register-tcb-info", "//Alice", "--fmspc", FMSPC, "--pcs-url", service)
    (registered,) = result.json["registered"]
    assert registered["fmspc"] == FMSPC
    result = then("--json", "register-tcb-info", "//Alice", "--fmspc", "30606A000000", "--pcs-url", service)
    assert (result.code, result.error["code"]) == (101, "client.extrinsic_failed")


def test_no_families(cli: Cli, service: str) -> None:
    result = cli("register-tcb-info", "//Alice", "--all", "--pcs-url", f"{service}/none")
    assert (result.code, result.lines) == (0, ["[]", "[]"])


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--fmspc", "ffffffffffff"), "client.no_collateral", "HTTP 404 Not Found"),
        (("--fmspc", "000000000001"), "client.bad_collateral", "no tcbInfo with a signature of 64 bytes"),
        (("--fmspc", "000000000002"), "client.bad_collateral", "there is no header TCB-Info-Issuer-Chain"),
        (("--fmspc", "000000000003"), "client.bad_collateral", "longer than 1048576 bytes"),
    ],
)
def test_answers_that_are_no_collateral(
    cli: Cli, service: str, options: tuple[str, ...], code: str, reason: str
) -> None:
    result = cli("--json", "register-tcb-info", "//Alice", *options, "--pcs-url", service)
    assert (result.code, result.error["code"], result.error["data"]["reason"]) == (101, code, reason)


def test_a_list_of_families_in_another_form(cli: Cli, service: str) -> None:
    result = cli("--json", "register-tcb-info", "//Alice", "--all", "--pcs-url", f"{service}/odd")
    assert (result.code, result.error["code"]) == (101, "client.bad_collateral")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no url", "ftp://127.0.0.1"])
def test_a_service_that_is_not_there(cli: Cli, url: str) -> None:
    result = cli("--json", "register-tcb-info", "//Alice", "--fmspc", FMSPC, "--pcs-url", url)
    assert (result.code, result.error["code"]) == (101, "client.no_collateral")
    assert result.error["data"]["url"] == f"{url}/tcb?fmspc={FMSPC}"
    assert result.error["data"]["reason"]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--all", "--fmspc", FMSPC),
        ("--all", "--collateral", str(TCB_INFO)),
        ("--fmspc", "00606A"),
        ("--fmspc", "00606A00000g"),
        ("--fmspc", "00 60 6A 0000"),
        ("--all", "--certificates", str(CERTIFICATES)),
    ],
)
def test_wrong_command_lines(cli: Cli, options: tuple[str, ...]) -> None:
    result = cli("register-tcb-info", "//Alice", *options)
    assert result.code == 2
    assert result.err.startswith("error: cli.usage: ")


# --- files


def test_an_answer_from_a_file(then: Cli) -> None:
    files = ("--collateral", str(TCB_INFO), "--certificates", str(CERTIFICATES))
    result = then("register-tcb-info", "//Alice", *files)
    assert re.fullmatch(rf'\[\("{FMSPC}", Some\({HASH}\)\)\]', result.lines[-1])
    assert len(result.lines) == 2  # nothing was fetched


def test_a_set_of_collateral_of_another_time(then: Cli) -> None:
    result = then("--strict", "register-tcb-info", "//Alice", "--collateral", str(DCAP_QVL))
    assert result.code == 101
    assert result.lines == ['[("00A067110000", None)]']
    assert "Teerex.CertificateChainIsInvalid" in result.err  # its certificates are of 2025


def test_a_folder(then: Cli, tmp_path: Path) -> None:
    for file in (TCB_INFO, QE_IDENTITY):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    files = ("--collateral", str(tmp_path), "--certificates", str(CERTIFICATES))
    assert then("register-tcb-info", "//Alice", *files).lines[-1].startswith(f'[("{FMSPC}", Some(')
    assert then("register-quoting-enclave", "//Alice", *files).code == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Input data was truncated"),
        ("{}", "Object missing required field `root_ca_crl`"),
        (QE_IDENTITY.read_text(), "no tcbInfo in it"),
        ('{"tcbInfo":{},"signature":""}', "the certificates of its signer are needed, too"),
        (" " * (1024 * 1024 + 1), "longer than 1048576 bytes"),
    ],
)
def test_files_that_are_no_collateral(cli: Cli, tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "collateral.json"
    path.write_text(content)
    result = cli("--json", "register-tcb-info", "//Alice", "--collateral", str(path))
    assert (result.code, result.error["code"]) == (101, "client.bad_collateral")
    assert result.error["data"] == {"source": str(path), "reason": reason}


@pytest.mark.parametrize("name", ["", "nothing.json"])
def test_folders_and_files_with_nothing(cli: Cli, tmp_path: Path, name: str) -> None:
    result = cli("register-tcb-info", "//Alice", "--collateral", str(tmp_path / name))
    assert result.code == 101
    assert ("client.bad_collateral" if not name else "cli.system") in result.err


# --- the quoting enclave


def test_the_quoting_enclave(then: Cli, service: str) -> None:
    result = then("register-quoting-enclave", "//Alice", "--pcs-url", service)
    assert (result.code, result.err) == (0, "")
    assert re.fullmatch(r"fetching identity of the quoting enclave from 127\.0\.0\.1:\d+", result.lines[0])
    line = rf"\[\+\] register_quoting_enclave\. extrinsic hash: {HASH} / status: InBlock\({HASH}\)"
    assert re.fullmatch(line, result.lines[1])


def test_the_quoting_enclave_of_another_time(with_node: Cli, service: str) -> None:
    result = with_node("register-quoting-enclave", "//Alice", "--pcs-url", service)
    assert result.code == 101
    assert "Teerex.CertificateChainIsInvalid" in result.err or "Teerex.CollateralIsInvalid" in result.err


# --- evidence


def test_a_quote_for_the_parentchain(then: Cli, service: str, quote_file: str) -> None:
    then("register-quoting-enclave", "//Alice", "--pcs-url", service)
    then("register-tcb-info", "//Alice", "--fmspc", FMSPC, "--pcs-url", service)
    result = then("attesteer", "send-dcap-quote", quote_file, "--xt-signer", "//Bob")
    assert (result.code, result.out, result.err) == (0, "DCAP quote verification succeded.\n", "")


def test_a_quote_that_the_parentchain_refuses(then: Cli, tmp_path: Path) -> None:
    path = tmp_path / "quote.hex"
    path.write_text((QUOTE + b"\0").hex())
    result = then("attesteer", "send-dcap-quote", str(path), "-a", "//Bob")
    assert (result.code, result.out) == (101, "")
    assert "Teerex.DcapQuoteIsTooLong" in result.err or "Teerex.QeHasRejectedEnclave" in result.err


def test_a_report_for_the_parentchain(then: Cli, tmp_path: Path) -> None:
    path = tmp_path / "certificate.hex"
    path.write_text((VECTORS / "integritee" / "ra_dump_cert_TEST4.der").read_bytes().hex())
    result = then("attesteer", "send-ias-attestation-report", str(path), "-a", "//Bob")
    assert (result.code, result.out) == (101, "")
    assert "Teerex.RemoteAttestationIsTooOld" in result.err


FORWARDED = {
    "send-dcap-quote": ("attesteer_forwardDcapQuote", "DCAP quote verification succeded.\n"),
    "send-ias-attestation-report": (
        "attesteer_forwardIasAttestationReport",
        "IAS attestation report verification succeded.\n",
    ),
}


@pytest.fixture
def attesteer(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Iterator[tuple[Cli, list[Params], list[RpcReturnValue]]]:
    """A worker that forwards evidence: the command line, what it was asked, and what it is to answer."""
    asked: list[Params] = []
    answers: list[RpcReturnValue] = []

    async def forward(params: Params, connection: Connection) -> Outcome:
        asked.append(params)
        return Outcome(answers.pop().to_hex())

    plain = ledger_enclave.trusted_methods
    forwarding = {name: Method(forward) for name, _ in FORWARDED.values()}
    monkeypatch.setattr(ledger_enclave, "trusted_methods", lambda *on: plain(*on) | forwarding)
    thread = EnclaveThread()
    thread.start()
    try:
        yield lambda *arguments: cli("-P", thread.port, *arguments), asked, answers
    finally:
        thread.stop()


@pytest.mark.parametrize("verb", FORWARDED)
def test_a_worker_forwards_evidence(
    verb: str, attesteer: tuple[Cli, list[Params], list[RpcReturnValue]], quote_file: str
) -> None:
    run, asked, answers = attesteer
    answers.append(RpcReturnValue.ok(b"extrinsic"))
    result = run("attesteer", verb, quote_file)
    assert (result.code, result.out, result.err) == (0, FORWARDED[verb][1], "")
    assert asked == [["0x" + QUOTE.hex()]]


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 101)])
def test_a_worker_refuses_evidence(
    options: tuple[str, ...],
    code: int,
    attesteer: tuple[Cli, list[Params], list[RpcReturnValue]],
    quote_file: str,
) -> None:
    run, _, answers = attesteer
    answers.append(RpcReturnValue.error("verification failed"))
    result = run(*options, "attesteer", "send-dcap-quote", quote_file)
    assert (result.code, result.out) == (code, "")
    assert "verification failed" in result.err


@pytest.mark.parametrize("verb", FORWARDED)
def test_other_workers_forward_no_evidence(verb: str, with_enclave: Cli, quote_file: str) -> None:
    result = with_enclave("attesteer", verb, quote_file)
    assert (result.code, result.out) == (101, "")
    assert "client.rpc_error" in result.err
    assert "-32601" in result.err


@pytest.mark.parametrize("content", ["0x0", "hello", "00" * 40_000])
def test_files_without_hex(cli: Cli, tmp_path: Path, content: str) -> None:
    path = tmp_path / "evidence"
    path.write_text(content)
    result = cli("--json", "attesteer", "send-dcap-quote", str(path))
    assert (result.code, result.error["code"], result.error["data"]) == (101, "cli.bad_hex", {"path": str(path)})
