"""The one thread that owns chain, pool and database, and the jobs other threads give it.

Jobs come in two lanes. Changes (submissions, block production) run strictly one after the other. Queries only
read, and may also run in the middle of a change where that says so: between two transactions of a block being
made, so that a full block does not hold up everybody who asks for something.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Job: TypeAlias = "tuple[Future[Any], Callable[[], Any]]"


class ChainThreadStopped(RuntimeError):
    """The thread takes no jobs any more: the node is on its way out."""


class ChainThread:
    """Its queues are as long as its users let them: they wait for each job before they give the next."""

    def __init__(self) -> None:
        self._queries: deque[Job] = deque()
        self._changes: deque[Job] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def query(self, work: Callable[[], T]) -> Future[T]:
        """Have something done that changes nothing. Raises ChainThreadStopped."""
        return self._queue(self._queries, work)

    def change(self, work: Callable[[], T]) -> Future[T]:
        """Have anything done. Raises ChainThreadStopped."""
        return self._queue(self._changes, work)

    def run_a_query(self) -> None:
        """From within a change: do the oldest query that waits, if there is one."""
        with self._wake:
            job = self._queries.popleft() if self._queries else None
        if job is not None:
            _run(job)

    def stop(self) -> None:
        """Take no more jobs; cancel those that wait. What is under way is finished."""
        with self._wake:
            self._stopping = True
            waiting = [*self._queries, *self._changes]
            self._queries.clear()
            self._changes.clear()
            self._wake.notify()
        for future, _ in waiting:
            future.cancel()

    def join(self) -> None:
        """Wait for the end of what is under way, after `stop`."""
        self._thread.join()

    def _queue(self, lane: deque[Job], work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._wake:
            if self._stopping:
                raise ChainThreadStopped
            lane.append((future, work))
            self._wake.notify()
        return future

    def _run(self) -> None:
        while jobs := self._next():
            for job in jobs:
                _run(job)

    def _next(self) -> list[Job]:
        """The queries that wait now and one change, so that neither lane starves. Empty at the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or self._queries or self._changes)
            jobs = list(self._queries)
            self._queries.clear()
            if self._changes:
                jobs.append(self._changes.popleft())
            return jobs


def _run(job: Job) -> None:
    future, work = job
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
