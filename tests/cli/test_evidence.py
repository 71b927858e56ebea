"""`anlage evidence` on the command line."""

import csv
import subprocess
import sys

import pytest

from anlage.cli import main
from anlage.evidence.base import load
from anlage.evidence.records import columns


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in its own configuration folder; return exit code, output and errors."""
    monkeypatch.setenv("ANLAGE_HOME", str(tmp_path / "home"))

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["evidence", *words])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


def base_row() -> dict[str, object]:
    return load(local=False).find("E171").plain()


def test_a_question_lists_rows_and_the_number(run):
    code, out, _ = run("--modality", "mri", "--task", "segmentation", "--labels", "<=50")
    assert code == 0
    assert "E171" in out
    assert "95% interval" in out


def test_without_a_question_rows_are_not_listed(run):
    code, out, _ = run()
    assert code == 0
    assert "all studies, mean" in out
    assert "* E001" not in out
    assert "Narrow it" in out


@pytest.mark.parametrize(
    "words",
    [
        ("--modality", "ct"),
        ("--task", "regression"),
        ("--paradigm", "hybrid"),
        ("--method", "moco"),
        ("--labels", "100%"),
        ("--dims", "3d"),
        ("--baseline", "scratch"),
        ("--all",),
    ],
)
def test_every_option_changes_the_answer(run, words):
    assert run(*words)[1] != run()[1]


def test_ids_are_shown_with_their_source(run):
    code, out, _ = run("E112", "R08")
    assert code == 0
    assert "E112 (S" in out
    assert "modality=ultrasound" in out


@pytest.mark.parametrize("words", [("E9999",), ("--modality", "retina"), ("--labels", "lots")])
def test_what_is_not_known_is_the_users_mistake(run, words):
    code, _, err = run(*words)
    assert code == 2
    assert err.startswith("ConfigError: ")


def test_a_picture_is_written(run, tmp_path):
    code, out, _ = run("--modality", "ct", "--out", str(tmp_path / "forest.html"))
    assert code == 0
    assert "Written:" in out
    assert (tmp_path / "forest.html").is_file()


def test_results_are_added_and_found_again(run, tmp_path):
    form = tmp_path / "form.csv"
    with form.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns())
        writer.writeheader()
        writer.writerow({**base_row(), "row": "", "study": "local-ours", "title": "Ours"})
    code, out, _ = run("add", str(form))
    assert code == 0
    assert "L001  Ours" in out
    assert "Ours" in run("L001")[1]


def test_a_review_is_kept(run, tmp_path):
    records = tmp_path / "records.csv"
    records.write_text("title,source\nA study,PubMed\n")
    folder = str(tmp_path / "review")
    assert run("screen", folder, "--records", str(records))[0] == 0
    code, out, _ = run("screen", folder, "--include", "0001")
    assert code == 0
    assert "Reports sought for retrieval: 1" in out


def test_help_names_the_commands_and_stays_light():
    code = (
        "import sys\nfrom anlage.cli import main\n"
        "try:\n    main(['evidence', '--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit(bool({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for words in ("add", "screen", "show", "--verified-only", "--labels"):
        assert words in done.stdout


def test_a_learnt_study_ends_in_a_command_that_can_be_given(run, monkeypatch):
    row = (
        load(local=False)
        .find("E171")
        .model_copy(update={"modality": ("cxr",), "task": ("classification",), "dims": ("2d",)})
    )
    few = row.model_copy(update={"label_count": 10})
    monkeypatch.setattr("anlage.evidence.learn.learn", lambda study: (row, few))
    code, out, _ = run("learn", "studies/first")
    assert code == 0
    last = out.splitlines()[-1]
    assert last == (
        "Next: anlage advise --modality cxr --task classification --dims 2 --labelled 10"
    )
    with pytest.raises(SystemExit) as end:
        main(last.removeprefix("Next: anlage ").split())
    assert not end.value.code
