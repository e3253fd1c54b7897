"""A custodian's command line: his key, what he is shown, and to whom he releases his share."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import base58
import pytest

from integritee.apps.catalog import LedgerConfig
from integritee.crypto import envelope_public, envelope_seal
from integritee.enclave.attestation.simulation import SimulationTee
from integritee.enclave.recovery.bundle import (
    BundleFront,
    BundleHeader,
    BundleSecrets,
    SealedShare,
    share_context,
    share_hash,
    write_bundle,
)
from integritee.enclave.recovery.restore import ShardImport
from integritee.enclave.recovery.shamir import split

from .conftest import Cli

CODE, OTHER = b"\x1b" * 32, b"\x1c" * 32
SIMULATED = "--allow-simulation-insecure"


def now() -> int:
    return time.time_ns() // 1_000_000


class Ceremony:
    """Two custodians made by the command line, and a bundle for both of them."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        publics = [bytes.fromhex(cli("recovery", "new-custodian", name).lines[0][2:]) for name in ("ann", "ben")]
        self.config = LedgerConfig.of([], True, publics, 2)
        tee, key, nonce = SimulationTee(CODE, bytes(32)), os.urandom(32), os.urandom(32)
        parts = zip(self.config.custodians, split(key, 2, 2, os.urandom), strict=True)
        shares = [
            SealedShare(
                who, share_hash(nonce, n, part), envelope_seal(who, part, share_context(nonce, n), os.urandom)
            )
            for n, (who, part) in enumerate(parts, 1)
        ]
        self.header = BundleHeader(
            bytes(32), bytes(32), 7, bytes(32), bytes(32), 0, 0, CODE, bytes(32), b"{}", now(), nonce, 2, shares
        )
        front = BundleFront(self.header, tee.evidence(self.header.binding().report_data()))
        file = io.BytesIO()
        write_bundle(file, front, key, BundleSecrets(b"private", bytes(32), b"meta", b"estate"), [])
        Path("bundle").write_bytes(file.getvalue())
        self.key = key

    def asks(self, code: bytes = CODE, made_at: int | None = None) -> ShardImport:
        tee = SimulationTee(code, b"\x55" * 32)
        file = io.BytesIO(Path("bundle").read_bytes())
        pending = ShardImport(file, self.config, bytes(32), tee, now() if made_at is None else made_at, os.urandom)
        Path("request").write_bytes(pending.request)
        return pending

    def release(self, *options: str, key: str = "ann", share: str = "share"):
        return self.cli("recovery", "release", "bundle", "request", share, "--key", key, *options)


@pytest.fixture
def ceremony(cli: Cli) -> Ceremony:
    return Ceremony(cli)


def test_a_key(cli: Cli) -> None:
    made = cli("recovery", "new-custodian", "key")
    private = bytes.fromhex(Path("key").read_text().strip())
    assert made.lines == ["0x" + envelope_public(private).hex()]
    assert Path("key").stat().st_mode & 0o777 == 0o600
    assert private.hex() not in made.out
    again = cli("recovery", "new-custodian", "key")
    assert again.code == 101 and "cli.system" in again.err
    assert bytes.fromhex(Path("key").read_text().strip()) == private


def test_what_a_bundle_says(ceremony: Ceremony) -> None:
    shown = ceremony.cli("--json", "recovery", "inspect", "bundle", SIMULATED)
    assert shown.code == 0
    assert shown.json["identity"] == ceremony.header.identity.hex()
    assert (shown.json["block"], shown.json["threshold"]) == (7, 2)
    assert shown.json["custodians"] == ["0x" + key.hex() for key in ceremony.config.custodians]
    refused = ceremony.cli("recovery", "inspect", "bundle")
    assert refused.code == 101 and "attestation" in refused.err


def test_shares_reach_the_enclave_that_asks(ceremony: Ceremony) -> None:
    pending = ceremony.asks()
    for name in ("ann", "ben"):
        options = [SIMULATED, "--tcb-evaluation", "1"]
        assert ceremony.release(*options, key=name, share=f"{name}.share").code == 0
        pending.offer(Path(f"{name}.share").read_bytes())
    assert pending.held == 2


def base(code: bytes) -> str:
    return base58.b58encode(code).decode()


@pytest.mark.parametrize(
    ("code", "made_at", "options", "error"),
    [
        (CODE, None, [], "attestation.kind_not_allowed"),
        (OTHER, None, [SIMULATED], "recovery.requester_refused"),
        (OTHER, None, [SIMULATED, "--measurement", base(OTHER)], "recovery.requester_refused"),
        (CODE, None, [SIMULATED, "--exported-by", base(OTHER)], "recovery.requester_refused"),
        (CODE, 0, [SIMULATED], "recovery.request_outdated"),
        (CODE, None, [SIMULATED, "--tcb-evaluation", "2"], "attestation.collateral_rolled_back"),
    ],
)
def test_refusals_write_no_share(
    ceremony: Ceremony, code: bytes, made_at: int | None, options: list[str], error: str
) -> None:
    ceremony.asks(code, made_at)
    refused = ceremony.release(*options)
    assert refused.code == 101 and f"error: {error}:" in refused.err
    assert not Path("share").exists()


def test_other_code_by_name(ceremony: Ceremony) -> None:
    pending = ceremony.asks(OTHER)
    names = ["--measurement", base(OTHER), "--exported-by", base(CODE)]
    assert ceremony.release(SIMULATED, *names).code == 0
    pending.offer(Path("share").read_bytes())


@pytest.mark.parametrize(
    ("content", "mode", "error"),
    [
        ("ab" * 32, 0o644, "recovery.key_file_unusable"),
        ("ab" * 31, 0o600, "recovery.key_file_unusable"),
        ("not hex", 0o600, "recovery.key_file_unusable"),
        ("ab" * 32, 0o600, "recovery.not_a_custodian"),
    ],
)
def test_keys_that_are_no_use(ceremony: Ceremony, content: str, mode: int, error: str) -> None:
    ceremony.asks()
    Path("own").write_text(content)
    Path("own").chmod(mode)
    assert f"error: {error}:" in ceremony.release(SIMULATED, key="own").err


def test_files_that_are_none(ceremony: Ceremony) -> None:
    ceremony.asks()
    Path("request").write_bytes(b"rubbish")
    assert "error: recovery.not_a_request:" in ceremony.release(SIMULATED).err
    Path("bundle").write_bytes(b"rubbish")
    assert "error: recovery.not_a_bundle:" in ceremony.release(SIMULATED).err
    assert ceremony.cli("recovery", "inspect", "missing").code == 101


def test_an_mrenclave_that_is_none(cli: Cli) -> None:
    assert cli("recovery", "inspect", "bundle", "--exported-by", "abc").code == 2
