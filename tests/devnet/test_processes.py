"""Supervision: words are heard, ends are noticed, nothing outlives its supervisor. With real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from integritee.devnet import processes
from integritee.devnet.errors import ProcessEnded, ProcessSilent
from integritee.devnet.processes import Child, tail

from ..system.processes import children_of, eventually, is_alive

TALKER = """
import sys, time
print("first", flush=True)
print("oops", file=sys.stderr, flush=True)
print("PORT=42 ", flush=True)
time.sleep(60)
"""
QUITTER = "import sys; print('hello', flush=True); print('no luck', file=sys.stderr); sys.exit(3)"
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(f"CHILD={child.pid}", flush=True)
time.sleep(60)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module that processes can run; tests write its source."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "supervised_program"


async def start(tmp_path: Path, module: str, source: str) -> Child:
    (tmp_path / f"{module}.py").write_text(source)
    return await Child.start("talker", module, ("--some", "argument"), tmp_path / "talker.log")


async def test_words_are_heard_and_logged(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, TALKER)
    try:
        assert await child.line("PORT=") == "42"
        assert await child.line("fir") == "st"  # said earlier
    finally:
        await child.stop()
    assert sorted((tmp_path / "talker.log").read_text().split()) == ["PORT=42", "first", "oops"]
    assert not is_alive(child.pid)


async def test_arguments_reach_the_program(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, "import sys; print(*sys.argv[1:], __name__, flush=True)")
    assert await child.line("--some") == "argument __main__"
    await child.stop()


async def test_waiting_for_a_word_ends_with_the_process(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, QUITTER)
    with pytest.raises(ProcessEnded) as ended:
        await child.line("READY")
    assert (ended.value.process, ended.value.exit_code) == ("talker", 3)
    assert "no luck" in ended.value.log_tail
    assert "no luck" in str(ended.value)
    assert (await child.failure()).exit_code == 3
    await child.stop()


async def test_silence_has_an_end(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, TALKER)
    await child.line("PORT=")
    try:
        with pytest.raises(ProcessSilent) as silent:
            await child.line("READY", timeout=0.01)
        assert silent.value.expected == "READY"
        assert "first" in silent.value.log_tail
    finally:
        await child.stop()


async def test_endless_lines_do_no_harm(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, "print('x' * 3_000_000, flush=True); print('END', flush=True)")
    assert await child.line("END") == ""
    await child.stop()
    assert (tmp_path / "talker.log").stat().st_size == 3_000_005


async def test_who_does_not_stop_is_killed_with_its_children(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_TIMEOUT", 0.1)
    child = await start(tmp_path, module, STUBBORN)
    grandchild = int(await child.line("CHILD="))
    await child.stop()
    assert not is_alive(child.pid)
    eventually(lambda: not is_alive(grandchild), "the end of the grandchild")
    assert (await child.failure()).exit_code == -signal.SIGKILL


async def test_impatience_kills_at_once(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, STUBBORN)
    grandchild = int(await child.line("CHILD="))
    stopping = asyncio.create_task(child.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert (await child.failure()).exit_code == -signal.SIGKILL
    eventually(lambda: not is_alive(grandchild), "the end of the grandchild")


async def test_ctrl_c_does_not_reach_the_processes(tmp_path: Path, module: str) -> None:
    child = await start(tmp_path, module, TALKER)
    await child.line("PORT=")
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    await child.stop()


@pytest.mark.parametrize(("source", "ready"), [(TALKER, "PORT="), (STUBBORN, "CHILD=")], ids=["polite", "stubborn"])
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path, module: str, source: str, ready: str) -> None:
    """``kill -9``: the lifeline closes, the program is asked to stop, and killed if it does not."""
    (tmp_path / f"{module}.py").write_text(source)
    (tmp_path / "supervisor.py").write_text(
        f"""
import asyncio
from pathlib import Path
from integritee.devnet.processes import Child

async def main():
    program = await Child.start("program", {module!r}, (), Path("program.log"))
    print("HEARD", await program.line({ready!r}), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "supervisor"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline().startswith("HEARD")
    (program,) = children_of(supervisor.pid)
    family = [program, *children_of(program)]
    supervisor.kill()
    supervisor.communicate()
    eventually(lambda: not any(is_alive(pid) for pid in family), "the end of all processes")
    assert family


def test_the_tail_of_a_log_is_short(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {i}\n" for i in range(10_000)))
    lines = tail(log).splitlines()
    assert len(lines) == processes.TAIL_LINES
    assert lines[-1] == "  line 9999"
