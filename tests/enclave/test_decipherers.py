"""Processes that decipher: what they answer, that they end with the enclave, and what happens when they end before."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import uvloop

from integritee.crypto import ShieldingKey
from integritee.crypto.shielding import CHUNK_LENGTH, MAX_BLOCKS
from integritee.enclave.decipherers import NICENESS, Forked, Processes, Result, Threads, fork
from integritee.enclave.deciphering import Deciphering
from integritee.enclave.errors import DecipheringInterrupted, Undecipherable

from ..system.processes import ENCLAVE_PROCESSES, eventually, family_of

Run: TypeAlias = Callable[[Coroutine[Any, Any, list[bytes | BaseException]]], list[bytes | BaseException]]

KEY = ShieldingKey.generate()
MESSAGES = [b"", b"a", bytes(range(180)), os.urandom(CHUNK_LENGTH), os.urandom(CHUNK_LENGTH * MAX_BLOCKS)]


class Hand:
    """Decipherers that note what they are given."""

    at_a_time = 1

    def __init__(self) -> None:
        self.given: list[list[bytes]] = []

    def start(self, batch: list[bytes], done: Callable[[Result], None], is_calm: bool = False) -> None:
        self.given.append(batch)
        done([b"by hand"] * len(batch))


@pytest.fixture
def forked() -> Forked:
    return fork(2)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_they_answer_in_order_and_tell_what_cannot_be_read(run: Run, forked: Forked) -> None:
    asked = [KEY.public.encrypt(message) for message in MESSAGES] * 8
    asked[3], asked[4] = bytes(384), b"no block"

    async def ask() -> list[bytes | BaseException]:
        processes = Processes(Hand())
        await processes.begin(forked, KEY)
        shared = Deciphering(processes, lambda: 0.0)
        tasks = [shared.decipher(number, each) for number, each in enumerate(asked)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        processes.close()
        return found

    for place, (plain, message) in enumerate(zip(run(ask()), MESSAGES * 8, strict=True)):
        if place in (3, 4):
            assert isinstance(plain, Undecipherable)
        else:
            assert plain == message


async def test_they_end_when_their_socket_does(forked: Forked) -> None:
    processes = Processes(Hand())
    await processes.begin(forked, KEY)
    processes.close()
    for _ in range(2 + 2):
        _, status = await asyncio.to_thread(os.wait)
        assert os.waitstatus_to_exitcode(status) == 0


async def test_when_they_are_gone_others_decipher_and_what_was_under_way_is_told_to_be_sent_again() -> None:
    ours, theirs = socket.socketpair()
    hand = Hand()
    processes = Processes(hand)
    await processes.begin(Forked([ours], []), KEY)
    shared = Deciphering(processes, lambda: 0.0)
    lost = [asyncio.create_task(shared.decipher(number, b"x")) for number in range(2)]
    await asyncio.sleep(0)
    theirs.close()
    for task in lost:
        with pytest.raises(DecipheringInterrupted) as told:
            await task
        assert told.value.code == "shielding.interrupted"
    assert await shared.decipher(1, b"y") == b"by hand" and hand.given == [[b"y"]]


async def test_closing_cancels_what_is_under_way() -> None:
    ours, theirs = socket.socketpair()
    processes = Processes(Hand())
    await processes.begin(Forked([ours], []), KEY)
    task = asyncio.create_task(Deciphering(processes, lambda: 0.0).decipher(1, b"x"))
    await asyncio.sleep(0)
    processes.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    theirs.close()


async def test_answers_may_come_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    processes = Processes(Hand())
    await processes.begin(Forked([ours], []), KEY)
    task = asyncio.create_task(Deciphering(processes, lambda: 0.0).decipher(1, b"x"))
    for byte in b"\0\0\0\x02ok":
        theirs.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert await task == b"ok"
    processes.close()
    theirs.close()


async def test_prompt_ones_have_the_work_as_long_as_nobody_waits() -> None:
    (patient, theirs), (prompt, prompts) = socket.socketpair(), socket.socketpair()
    processes = Processes(Hand())
    await processes.begin(Forked([patient], [prompt]), KEY)
    key = theirs.recv(1 << 16)
    assert prompts.recv(1 << 16) == key
    shared = Deciphering(processes, lambda: 0.0)
    tasks = [asyncio.create_task(shared.decipher(number, bytes([number]))) for number in range(4)]
    await asyncio.sleep(0)
    assert prompts.recv(1 << 16) == b"\0\1\0\0\0\1\0" + b"\0\1\0\0\0\1\1"
    prompts.send(b"\0\0\0\0")
    assert await tasks[0] == b""
    assert theirs.recv(1 << 16) == b"\0\1\0\0\0\1\2", "for another one waits"
    theirs.send(b"\0\0\0\0")
    assert await tasks[2] == b""
    assert prompts.recv(1 << 16) == b"\0\1\0\0\0\1\3", "for nobody waits any more"
    processes.close()
    with pytest.raises(asyncio.CancelledError):
        await tasks[3]
    prompts.close()
    theirs.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody steps back")
def test_patient_ones_step_back() -> None:
    before = set(family_of(os.getpid()))
    forked = fork(1)
    added = set(family_of(os.getpid())) - before
    expected = sorted(min(os.getpriority(os.PRIO_PROCESS, 0) + step, 19) for step in (0, NICENESS))
    eventually(lambda: sorted(os.getpriority(os.PRIO_PROCESS, each) for each in added) == expected, "their steps")
    for each in forked.patient + forked.prompt:
        each.close()


async def test_threads_do_the_same(forked: Forked) -> None:
    with ThreadPoolExecutor(1) as executor:
        shared = Deciphering(Threads(KEY.decrypt, executor, 2), lambda: 0.0)
        assert await shared.decipher(1, KEY.public.encrypt(b"a")) == b"a"
        with pytest.raises(Undecipherable):
            await shared.decipher(1, bytes(384))
    for each in forked.patient + forked.prompt:
        each.close()


def test_an_enclave_that_is_killed_leaves_no_process_and_no_open_stream_behind(tmp_path: Path) -> None:
    """The host sees the end of its stream, and of the log, as soon as the enclave is gone."""
    host, enclave = socket.socketpair()
    with host, enclave:
        process = subprocess.Popen(
            [sys.executable, "-m", "integritee.enclave.main", "--fd", str(enclave.fileno())],
            pass_fds=(enclave.fileno(),),
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        )
        enclave.close()
        while len(family_of(process.pid)) < ENCLAVE_PROCESSES:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        host.settimeout(30)
        assert host.recv(1) == b""
        assert process.stderr is not None
        assert process.stderr.read() == b"", "all who could write to the log have ended"
        process.wait()
