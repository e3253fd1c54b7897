"""Running checks: all of them, whatever one does; what they find is told; and the ecall around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import SelfTest
from integritee.crypto import CryptoError
from integritee.enclave.selftest.areas import AREAS
from integritee.enclave.selftest.check import (
    Check,
    Mismatch,
    NotReached,
    NotRefused,
    Setup,
    expect,
    expect_refusal,
    expect_refused,
    run_area,
)
from integritee.enclave.selftest.small_host import SmallHost
from integritee.enclave.service import unix_ms


async def of(directory: Path, *runs: Callable[[], Any], **facts: Any) -> list[tuple[bool, str]]:
    found = await run_area(lambda _: [Check("check", run, **facts) for run in runs], Setup(directory))
    return [(result.passed, result.detail) for result in found]


def broken() -> None:
    raise ZeroDivisionError("a defect")


def refused() -> None:
    raise CryptoError("not today")


async def for_ever() -> None:
    await asyncio.Event().wait()


async def awaited() -> None:
    expect(await asyncio.sleep(0, 1), 2, "one")


@pytest.mark.parametrize(
    ("run", "detail"),
    [
        (lambda: expect(b"\1", b"\2", "digest"), "digest: found 0x01, expected 0x02"),
        (lambda: expect(1, 1), ""),
        (broken, "found an error, expected none: ZeroDivisionError: a defect"),
        (refused, "found an error, expected none: crypto: not today"),
        (awaited, "one: found 1, expected 2"),
        (lambda: expect_refusal("crypto", "it", lambda: None), "it: found that it is accepted, expected crypto"),
        (lambda: expect_refusal("crypto.x", "it", refused), "it: found 'crypto', expected 'crypto.x'"),
        (lambda: expect_refusal("crypto", "it", refused), ""),
        (lambda: expect_refused("crypto", "it", awaited_refusal()), ""),
        (lambda: expect_refused("crypto", "it", asyncio.sleep(0)), "it: found that it is accepted, expected crypto"),
    ],
)
async def test_what_is_told(run: Callable[[], Any], detail: str, tmp_path: Path) -> None:
    assert await of(tmp_path, run) == [(not detail, detail)]


async def awaited_refusal() -> None:
    refused()


async def test_no_check_keeps_others_from_being_run(tmp_path: Path) -> None:
    found = await of(tmp_path, broken, for_ever, lambda: None, limit=0.01)
    assert [passed for passed, _ in found] == [False, False, True]
    assert found[1][1] == "found that it does not end, expected an end within 0 s"


async def test_a_table_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    def lacking(setup: Setup) -> Iterator[Check]:
        yield Check("never run", lambda: None)
        raise FileNotFoundError("known_answers.json")

    (result,) = await run_area(lacking, Setup(tmp_path))
    assert (result.name, result.passed) == ("the table of checks", False)
    assert "known_answers.json" in result.detail


async def test_what_checks_start_ends_with_them(tmp_path: Path) -> None:
    setup, ended = Setup(tmp_path), []
    setup.stack.callback(lambda: ended.append("it"))
    waiting = setup.start(for_ever())
    await run_area(lambda _: [Check("check", broken)], setup)
    await asyncio.wait([waiting])
    assert ended == ["it"] and waiting.cancelled()


def test_long_values_are_cut() -> None:
    with pytest.raises(Mismatch, match=r"… \(20002 characters\)"):
        expect(bytes(10_000), b"")


@pytest.mark.parametrize("error", [Mismatch("", "1", "2"), NotRefused("it", "code"), NotReached("the start")])
def test_errors_say_what_was_expected_or_needed(error: Exception) -> None:
    assert "expected" in str(error) or "not reached" in str(error)


# -- the ecall ---------------------------------------------------------------------------------------


async def test_the_ecall_leaves_nothing_and_ends_the_life_of_the_process(tmp_path: Path) -> None:
    host = await SmallHost.start(tmp_path / "enclave", unix_ms)
    (tmp_path / "given").mkdir()
    try:
        tested = await host.call(Ecalls.self_test, SelfTest("sealing", str(tmp_path / "given")))
        assert len(tested.results) > 10 and all(result.passed for result in tested.results)
        assert list((tmp_path / "given").iterdir()) == []
        with pytest.raises(RemoteFailure) as refusal:
            await host.init()
        assert refusal.value.code == "enclave.other_ledger_loaded"
    finally:
        await host.stop()


async def test_there_is_no_other_area(tmp_path: Path) -> None:
    host = await SmallHost.start(tmp_path / "enclave", unix_ms)
    try:
        with pytest.raises(RemoteFailure) as refusal:
            await host.call(Ecalls.self_test, SelfTest("hardware", str(tmp_path)))
        assert (refusal.value.code, refusal.value.data()) == ("selftest.unknown_area", {"area": "hardware"})
    finally:
        await host.stop()


def test_names_tell_checks_apart(tmp_path: Path) -> None:
    for name, area in AREAS.items():
        checks = [check.name for check in area(Setup(tmp_path))]
        assert len(set(checks)) == len(checks), name
