"""Lanes of the chain's thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from integritee.node.chain_thread import ChainThread, ChainThreadStopped


@pytest.fixture
def thread() -> Iterator[ChainThread]:
    thread = ChainThread()
    thread.start()
    yield thread
    thread.stop()
    thread.join()


def test_results_and_failures(thread: ChainThread) -> None:
    assert thread.query(lambda: 7).result(10) == 7
    assert thread.change(threading.get_ident).result(10) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        thread.change(lambda: 1 // 0).result(10)
    assert thread.query(lambda: "still alive").result(10) == "still alive"


def test_a_change_may_let_queries_through_but_no_change(thread: ChainThread) -> None:
    began, queued, order = threading.Event(), threading.Event(), list[str]()

    def long_change() -> None:
        began.set()
        queued.wait(10)
        for _ in range(3):
            thread.run_a_query()
        order.append("change")

    jobs = [thread.change(long_change)]
    began.wait(10)
    jobs.append(thread.change(lambda: order.append("next change")))
    jobs += [thread.query(lambda n=n: order.append(f"query {n}")) for n in range(2)]
    queued.set()
    for job in jobs:
        job.result(10)
    assert order == ["query 0", "query 1", "change", "next change"]


def test_neither_lane_starves(thread: ChainThread) -> None:
    """Queries that each queue another one do not keep a change waiting."""
    done = threading.Event()

    def endless() -> None:
        if not done.is_set():
            thread.query(endless)

    thread.query(endless)
    thread.change(done.set).result(10)
    assert done.is_set()


def test_stop_finishes_one_job_and_cancels_the_rest() -> None:
    thread = ChainThread()
    thread.start()
    began, go_on = threading.Event(), threading.Event()

    def work() -> str:
        began.set()
        go_on.wait(10)
        return "finished" if thread.is_stopping else "not told"

    running = thread.change(work)
    began.wait(10)
    waiting = [thread.query(lambda: 1), thread.change(lambda: 1)]
    thread.stop()
    go_on.set()
    thread.join()
    assert running.result(0) == "finished"
    for job in waiting:
        with pytest.raises(CancelledError):
            job.result(0)
    with pytest.raises(ChainThreadStopped):
        thread.query(lambda: 1)


def test_stop_of_an_idle_thread(thread: ChainThread) -> None:
    thread.stop()
    thread.stop()
    thread.join()
    with pytest.raises(ChainThreadStopped):
        thread.change(lambda: 1)
