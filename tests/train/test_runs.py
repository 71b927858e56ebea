"""A run's folder: started once, gone on with the same settings, finished for good."""

import json
from pathlib import Path

import pytest
import yaml

from anlage.config import BaseConfig
from anlage.errors import ConfigError, DataError
from anlage.train import runs


class _Inner(BaseConfig):
    width: int = 8


class _Settings(BaseConfig):
    method: str = "mae"
    rate: float = 0.1
    log_every: int = 10
    inner: _Inner = _Inner()


def _start(folder: Path, *, store: str = "abc", **settings: object) -> None:
    runs.start(folder, _Settings(**settings), {"store": store}, harmless={"log_every"})


def _card(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def test_a_new_run_says_what_it_is_and_where_it_runs(tmp_path: Path) -> None:
    _start(tmp_path / "deep" / "run", rate=0.2)
    card = _card(tmp_path / "deep" / "run")
    assert card["status"] == "running"
    assert card["stated"]["config"]["rate"] == 0.2
    assert card["stated"]["store"] == "abc"
    assert card["packages"]["torch"]
    assert card["threads"] >= 1
    assert yaml.safe_load((tmp_path / "deep" / "run" / "config.yaml").read_text())["rate"] == 0.2


def test_the_same_settings_go_on(tmp_path: Path) -> None:
    _start(tmp_path)
    started = _card(tmp_path)["started"]
    runs.finish(tmp_path, "stopped", {"steps": 3})
    _start(tmp_path)
    card = _card(tmp_path)
    assert (card["status"], card["started"]) == ("running", started)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rate": 0.3}, "config.rate: 0.1 -> 0.3"),
        ({"method": "simclr"}, "config.method: 'mae' -> 'simclr'"),
        ({"inner": {"width": 9}}, "config.inner.width: 8 -> 9"),
        ({"store": "xyz"}, "store: 'abc' -> 'xyz'"),
    ],
)
def test_other_settings_are_refused_with_their_difference(
    change: dict[str, object], line: str, tmp_path: Path
) -> None:
    _start(tmp_path)
    before = (tmp_path / "run.json").read_text()
    with pytest.raises(ConfigError) as caught:
        _start(tmp_path, **change)
    assert f"with other settings ({line}). Use the same ones" in str(caught.value)
    assert "another --out" in str(caught.value)
    assert (tmp_path / "run.json").read_text() == before


def test_all_differences_are_named_at_once(tmp_path: Path) -> None:
    _start(tmp_path)
    with pytest.raises(ConfigError, match=r"config.method: .*; config.rate: .*; store: "):
        _start(tmp_path, store="xyz", rate=0.3, method="vicreg")


def test_harmless_settings_may_change(tmp_path: Path) -> None:
    _start(tmp_path)
    _start(tmp_path, log_every=99)
    assert _card(tmp_path)["stated"]["config"]["log_every"] == 99


def test_a_finished_run_stays_finished_but_not_with_other_settings(tmp_path: Path) -> None:
    _start(tmp_path)
    assert not runs.is_finished(tmp_path)
    runs.finish(tmp_path, "finished", {"steps": 3, "reason": ""})
    _start(tmp_path)
    assert runs.is_finished(tmp_path)
    assert _card(tmp_path)["steps"] == 3
    with pytest.raises(ConfigError, match="with other settings"):
        _start(tmp_path, rate=0.3)


def test_a_folder_without_a_run_is_not_finished(tmp_path: Path) -> None:
    assert not runs.is_finished(tmp_path / "none")


@pytest.mark.parametrize("content", ["", '{"stated": {', "[]", '{"status": "running"}', "null"])
def test_a_damaged_card_is_named_with_a_remedy(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(DataError, match=r"whole run.json, but it is damaged. Remove the folder"):
        _start(tmp_path)


def test_other_threads_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _start(tmp_path)
    card = _card(tmp_path)
    runs.write_json(tmp_path / "run.json", {**card, "threads": 64})
    _start(tmp_path)
    assert "warning: this run was started with threads 64" in capsys.readouterr().out


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    runs.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        runs.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["values.json"]


def _unfinished(folder: Path, **card: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"status": "stopped", "stated": {}, **card}))


def test_a_run_without_its_result_is_refused_and_one_with_it_is_not(tmp_path: Path) -> None:
    runs.refuse_unfinished(tmp_path, result="encoder")  # no run at all: for others to judge
    _unfinished(tmp_path, steps=1021, stated={"steps_planned": 4000})
    with pytest.raises(ConfigError, match=r"is at step 1,021 of 4,000\. Give its command again"):
        runs.refuse_unfinished(tmp_path, result="encoder")
    (tmp_path / "encoder").mkdir()
    runs.refuse_unfinished(tmp_path, result="encoder")


def test_a_run_that_was_killed_is_as_far_as_its_log(tmp_path: Path) -> None:
    _unfinished(tmp_path, status="running")
    with pytest.raises(ConfigError, match=r"is at step 0\."):
        runs.refuse_unfinished(tmp_path, result="model")
    (tmp_path / "log.jsonl").write_text('{"step": 30}\n{"step": 40}\n')
    with pytest.raises(ConfigError, match=r"is at step 40\."):
        runs.refuse_unfinished(tmp_path, result="model")


def test_a_run_that_collapsed_is_not_said_to_go_on(tmp_path: Path) -> None:
    _unfinished(tmp_path, status="collapsed", reason="all alike")
    with pytest.raises(ConfigError, match=r"collapsed \(all alike\) and left no encoder"):
        runs.refuse_unfinished(tmp_path, result="encoder")


def test_a_pretraining_is_not_asked_for_a_fine_tuned_model(tmp_path: Path) -> None:
    _unfinished(tmp_path, status="finished", steps=6, stated={"steps_planned": 6})
    (tmp_path / "encoder").mkdir()
    with pytest.raises(
        ConfigError, match=rf"{tmp_path} is a pretraining run\. .*--start {tmp_path}"
    ):
        runs.refuse_unfinished(tmp_path, result="model")


@pytest.mark.parametrize("status", ["finished", "stopped"])
def test_a_fine_tuning_is_no_start_whether_it_finished_or_not(tmp_path: Path, status: str) -> None:
    stated = {"steps_planned": 6, "config": {"start": "runs/first"}}
    _unfinished(tmp_path, status=status, steps=6, stated=stated)
    with pytest.raises(
        ConfigError, match=rf"{tmp_path} is a fine-tuning run\. .*, --start runs/first\.$"
    ):
        runs.refuse_unfinished(tmp_path, result="encoder")
    (tmp_path / "model" / "encoder").mkdir(parents=True)
    with pytest.raises(ConfigError, match=rf"tuned encoder, --start {tmp_path}/model/encoder\.$"):
        runs.refuse_unfinished(tmp_path, result="encoder")
