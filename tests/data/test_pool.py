"""Whatever a file does to its worker, the others are read, and in their order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anlage.data import _pool
from anlage.data._pool import run_all
from anlage.errors import DataError

DEATH = "__import__('os')._exit(3)"
KILL = "__import__('os').kill(__import__('os').getpid(), 9)"


def fail_as_told(task: str) -> int:
    kinds = {
        "data": DataError("the reason in words"),
        "memory": MemoryError(),
        "stack": RecursionError(),
        "fault": KeyError("JANE DOE"),
    }
    if task in kinds:
        raise kinds[task]
    return len(task)


def test_without_workers_all_is_done_here_and_in_order() -> None:
    found = list(run_all(fail_as_told, ["a", "data", "bb"], workers=0))
    assert found == [("a", 1), ("data", "the reason in words"), ("bb", 2)]


def test_no_tasks_give_nothing() -> None:
    assert list(run_all(len, [], workers=2)) == []


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("memory", "got a MemoryError"),
        ("stack", "got a RecursionError"),
        ("fault", "got a KeyError"),
    ],
)
def test_a_fault_becomes_a_reason_that_quotes_nothing(task: str, words: str) -> None:
    ((_, reason),) = run_all(fail_as_told, [task], workers=0)
    assert words in str(reason)
    assert "JANE" not in str(reason)


def test_workers_give_results_in_the_order_of_the_tasks() -> None:
    slow = "__import__('time').sleep(0.5) or 0"
    tasks = [slow, *[str(number) for number in range(1, 20)]]
    assert list(run_all(eval, tasks, workers=2)) == list(zip(tasks, range(20), strict=True))


def test_only_the_file_that_kills_its_worker_is_given_up() -> None:
    tasks = [*"0123", DEATH, *"5678", KILL, *"9"]
    found = list(run_all(eval, tasks, workers=2))
    assert [task for task, _ in found] == tasks
    for task, result in found:
        if task in {DEATH, KILL}:
            assert "crashed, ran out of memory or hung" in str(result)
        else:
            assert result == int(task)


def test_a_file_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool, "_STALL_S", 2.0)
    hang = "__import__('time').sleep(60)"
    found = dict(run_all(eval, ["1", hang, "2"], workers=1))
    assert (found["1"], found["2"]) == (1, 2)
    assert "hung" in str(found[hang])


def test_workers_use_one_thread_each() -> None:
    ((_, threads),) = run_all(eval, ["__import__('os').environ['OMP_NUM_THREADS']"], workers=1)
    assert str(threads) == "1"


SCRIPT = """
from anlage.data._pool import end_if_a_worker_runs_the_script, run_all
end_if_a_worker_runs_the_script()
print(list(run_all(len, ["a", "bb"], workers=1)))
"""


def test_workers_that_cannot_start_are_no_files_fault(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "ended before they read any file" in ran.stderr
    assert 'inside if __name__ == "__main__":' in ran.stderr
    assert ran.stderr.count("Traceback") <= 3  # none by a worker that began the work again


def test_a_guarded_script_reads_with_workers(tmp_path: Path) -> None:
    script = tmp_path / "guarded.py"
    imports, *work = SCRIPT.strip().splitlines()
    guarded = "\n    ".join(['if __name__ == "__main__":', *work])
    script.write_text(f"{imports}\n{guarded}\n")
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout == "[('a', 1), ('bb', 2)]\n"
