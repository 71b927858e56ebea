"""The log: one line per entry, no line twice after a resume, numbers that are none as null."""

import json
from pathlib import Path

from anlage.train.logbook import Logbook


def _lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_entries_are_appended_one_line_each(tmp_path: Path) -> None:
    book = Logbook(tmp_path, is_first=True)
    book.log(10, {"loss": 0.5, "norm": float("inf"), "rank": float("nan")})
    book.log(20, {"loss": 0.25})
    assert _lines(tmp_path / "log.jsonl") == [
        {"step": 10, "loss": 0.5, "norm": None, "rank": None},
        {"step": 20, "loss": 0.25},
    ]


def test_steps_that_will_be_made_again_are_cut(tmp_path: Path) -> None:
    book = Logbook(tmp_path, is_first=True)
    for step in (10, 20, 30):
        book.log(step, {"loss": 1.0})
        book.note_bad(step + 1, [4, 5])
    Logbook(tmp_path, is_first=True).cut(20)
    assert [line["step"] for line in _lines(tmp_path / "log.jsonl")] == [10, 20]
    assert [line["step"] for line in _lines(tmp_path / "bad_steps.jsonl")] == [11]


def test_a_half_written_last_line_is_cut(tmp_path: Path) -> None:
    book = Logbook(tmp_path, is_first=True)
    book.log(10, {"loss": 1.0})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 11, "lo')
    book.cut(20)
    book.log(12, {"loss": 2.0})
    assert [line["step"] for line in _lines(tmp_path / "log.jsonl")] == [10, 12]


def test_a_run_without_checkpoint_starts_its_log_anew(tmp_path: Path) -> None:
    book = Logbook(tmp_path, is_first=True)
    book.log(10, {"loss": 1.0})
    book.cut(0)
    assert (tmp_path / "log.jsonl").read_text() == ""


def test_other_processes_name_bad_rows_only(tmp_path: Path) -> None:
    book = Logbook(tmp_path, is_first=False)
    book.log(10, {"loss": 1.0})
    book.note_bad(10, [3])
    assert _lines(tmp_path / "bad_steps.jsonl") == [{"step": 10, "rows": [3]}]
    book.cut(0)  # is for the first process to do
    assert [path.name for path in tmp_path.iterdir()] == ["bad_steps.jsonl"]


def test_without_a_folder_nothing_is_kept() -> None:
    book = Logbook(None, is_first=True)
    assert book.log(1, {"loss": 1.0}) is book.note_bad(1, [2]) is book.cut(0) is None
