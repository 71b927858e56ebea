"""Run one function over many tasks in worker processes, and survive what kills a worker.

A codec that crashes, eats all memory or hangs takes one file with it, not the night: the files
that were in flight are tried again one by one, and only the culprit is given up. A worker that
cannot even start is nobody's file: then nothing is given up, and the user hears why.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from anlage.errors import AnlageError, ConfigError

__all__ = ["end_if_a_worker_runs_the_script", "run_all"]

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_STALL_S = 600.0
_DIED = (
    "decoding must end in a normal way, but the reading process crashed, ran out of memory or "
    "hung; the file is damaged or too large for this machine"
)


def run_all(
    function: Callable[[TaskT], ResultT], tasks: Sequence[TaskT], *, workers: int
) -> Iterator[tuple[TaskT, ResultT | str]]:
    """Yield every task with its result, or with the reason why it has none, in their order.

    Args:
        function: A module-level function; what it raises becomes the reason: the message of an
            AnlageError, only the kind of any other exception, whose message may name a patient.
        tasks: Its arguments.
        workers: Processes; 0 runs in this one, without protection against crashes.

    Raises:
        ConfigError: If no worker process can start.
    """
    if workers < 1 or not tasks:
        for task in tasks:
            yield task, _guarded(function, task)
        return
    queue = iter(tasks)
    while True:
        suspects: list[TaskT] = []
        yield from _run_pool(function, queue, workers, suspects)
        if not suspects:
            return
        for task in suspects:
            yield task, _run_alone(function, task)


def end_if_a_worker_runs_the_script() -> None:
    """End this process if it is a worker that runs an unguarded script again from its top.

    Workers import the script that started them; without ``if __name__ == "__main__":`` they would
    do its work too. The process that waits for them says what to do.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(1)


def _run_pool(
    function: Callable[[TaskT], ResultT],
    queue: Iterator[TaskT],
    workers: int,
    suspects: list[TaskT],
) -> Iterator[tuple[TaskT, ResultT | str]]:
    """Work the queue off until it is empty or the pool breaks; then name the tasks in flight."""
    pool = _pool(workers)
    tasks: deque[TaskT] = deque()  # in flight, and the one that a broken pool refused
    futures: deque[Future[ResultT | str]] = deque()
    try:
        while True:
            for task in islice(queue, 4 * workers - len(tasks)):
                tasks.append(task)
                futures.append(pool.submit(_guarded, function, task))
            if not tasks:
                return
            result = futures[0].result(timeout=_STALL_S)
            futures.popleft()
            yield tasks.popleft(), result
    except TimeoutError:
        suspects.extend(tasks)
    except BrokenProcessPool:
        _check_start()
        suspects.extend(tasks)
    finally:
        _end(pool)


def _check_start() -> None:
    """Refuse to go on where no worker starts at all."""
    pool = _pool(1)
    try:
        pool.submit(_one_thread).result(timeout=_STALL_S)
    except (BrokenProcessPool, TimeoutError):
        raise ConfigError(
            "reading needs worker processes, but they ended before they read any file. In a "
            'script, start Anlage inside if __name__ == "__main__":, since every worker imports '
            "the script; from standard input, save it as a file, or pass workers=0."
        ) from None
    finally:
        _end(pool)


def _run_alone(function: Callable[[TaskT], ResultT], task: TaskT) -> ResultT | str:
    pool = _pool(1)
    try:
        return pool.submit(_guarded, function, task).result(timeout=_STALL_S)
    except (BrokenProcessPool, TimeoutError):
        return _DIED
    finally:
        _end(pool)


def _guarded(function: Callable[[TaskT], ResultT], task: TaskT) -> ResultT | str:
    try:
        return function(task)
    except AnlageError as error:
        return str(error)
    except (MemoryError, RecursionError) as error:
        return f"decoding must fit into memory, got a {type(error).__name__}"
    except Exception as error:
        return (
            f"decoding must end with an image or a known reason, got a {type(error).__name__}: a "
            "fault of Anlage, please report it with the format of the file"
        )


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread)


def _one_thread() -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _end(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        if process.is_alive():
            process.terminate()
