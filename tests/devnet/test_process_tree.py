"""Processes that live together: who notices whose end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integritee.devnet.errors import ProcessEnded
from integritee.devnet.process_tree import ProcessTree

from ..system.processes import is_alive

SLEEPER = "import os, time; print('HERE', os.getcwd(), flush=True); time.sleep(60)"


class Family:
    """A tree of sleepers."""

    def __init__(self, tree: ProcessTree, directory: Path) -> None:
        self.tree, self._directory = tree, directory

    async def sleeper(self, name: str, is_expendable: bool = False, cwd: Path | None = None) -> int:
        """Its process id."""
        log = self._directory / f"{name}.log"
        child = await self.tree.start(name, "sleeping_program", (), log, cwd, is_expendable)
        await child.line("HERE")
        return child.pid


@pytest.fixture
async def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Family]:
    (tmp_path / "sleeping_program.py").write_text(SLEEPER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tree = ProcessTree()
    yield Family(tree, tmp_path)
    await tree.stop()


async def forever() -> None:
    await asyncio.Event().wait()


async def test_the_end_of_one_ends_the_work(family: Family) -> None:
    await family.sleeper("one")
    os.kill(await family.sleeper("two"), signal.SIGKILL)
    with pytest.raises(ProcessEnded) as ended:
        await family.tree.while_alive(forever())
    assert (ended.value.process, ended.value.exit_code) == ("two", -9)


async def test_so_does_the_end_of_one_that_the_work_has_started(family: Family) -> None:
    async def work() -> None:
        os.kill(await family.sleeper("late"), signal.SIGKILL)
        await forever()

    with pytest.raises(ProcessEnded, match="late"):
        await family.tree.while_alive(work())


async def test_an_end_is_the_cause_of_what_breaks_with_it(family: Family) -> None:
    pid = await family.sleeper("one")

    async def work() -> None:
        os.kill(pid, signal.SIGKILL)
        raise ConnectionError

    with pytest.raises(ProcessEnded):
        await family.tree.while_alive(work())


async def test_work_may_fail_by_itself(family: Family) -> None:
    await family.sleeper("one")

    async def work() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await family.tree.while_alive(work())


async def test_the_end_of_an_expendable_one_is_reported_only(
    family: Family, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> str:
        pid = await family.sleeper("guest", is_expendable=True)
        os.kill(pid, signal.SIGKILL)
        await family.tree["guest"].failure()
        return "done"

    await family.sleeper("host")
    assert await family.tree.while_alive(work()) == "done"
    said = capsys.readouterr().err
    assert said.startswith("error: devnet.process_ended: the guest ended with exit code -9")
    assert said.endswith("the others go on\n")


async def test_one_that_is_stopped_on_purpose_may_be_followed_by_another(family: Family) -> None:
    first = await family.sleeper("one")
    await family.tree.stop_one("one")
    assert not is_alive(first)
    assert "one" not in family.tree
    await family.tree.stop_one("one")
    second = await family.sleeper("one")

    async def work() -> str:
        return "done"

    assert await family.tree.while_alive(work()) == "done"
    os.kill(second, signal.SIGKILL)
    with pytest.raises(ProcessEnded):
        await family.tree.while_alive(forever())
    await family.tree.stop_one("one")  # that one is forgotten
    assert await family.tree.while_alive(work()) == "done"


async def test_a_child_runs_where_it_is_told_to(family: Family, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    await family.sleeper("one", cwd=tmp_path / "place")
    assert await family.tree["one"].line("HERE") == str(tmp_path / "place")
