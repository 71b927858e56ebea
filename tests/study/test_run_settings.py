"""A study's settings: short forms, recipes, and the file that a study writes of itself."""

import pytest

import anlage.study.run as module
from anlage.config import read_yaml, write_yaml
from anlage.errors import ConfigError
from anlage.study.run import study


def test_short_forms_are_the_same_study(slices_store, quick, tmp_path, capsys):
    short = quick()
    for name in ("tasks", "strategies"):
        del short[name]
    short["pretrain"] = {**short["pretrain"]}
    encoder = short["pretrain"].pop("encoder")
    plans = []
    for settings in (
        quick(),
        {
            **short,
            "task": "classification",
            "label": ["lesion"],
            "method": ["simclr"],
            "encoder": encoder,
        },
    ):
        study(slices_store, out=tmp_path / "s", dry_run=True, **settings)
        plans.append(capsys.readouterr().out)
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": ["lesion"]}, "a label belongs to a task, got label lesion without one"),
        ({"task": "segmentation"}, "tasks must be given once"),
        ({"method": ["mae"]}, "strategies must be given once"),
    ],
)
def test_short_forms_that_contradict_are_refused(slices_store, quick, tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words):
        study(slices_store, out=tmp_path / "s", **quick(), **changes)
    assert not (tmp_path / "s").exists()


def test_settings_join_the_recipe_group_by_group(slices_store, quick, tmp_path, monkeypatch):
    write_yaml(tmp_path / "recipe.yaml", quick())
    seen = []
    make_plan = module.make_plan
    monkeypatch.setattr(
        module, "make_plan", lambda store, config: seen.append(config) or make_plan(store, config)
    )
    study(
        slices_store,
        out=tmp_path / "s",
        recipe=tmp_path / "recipe.yaml",
        pretrain={"steps": 7},
        dry_run=True,
    )
    assert (seen[0].pretrain.steps, seen[0].pretrain.encoder) == (7, "resnet10")


def test_a_studys_own_file_is_a_recipe(finished, slices_store, tmp_path, capsys):
    study(slices_store, out=tmp_path / "s", recipe=finished / "study.yaml", dry_run=True)
    assert "16 adaptations" in capsys.readouterr().out


def test_a_study_file_says_nothing_that_a_study_does_not_read(finished):
    stated = read_yaml(finished / "study.yaml")
    assert not {"method", "method_options"} & stated["pretrain"].keys()
    assert stated["pretrain"]["encoder"] == "resnet10"
