"""What the advisor writes, study and pretrain run."""

import pytest
import yaml

from anlage.advisor import Profile, advise
from anlage.advisor.recipe import pretrain_recipe, study_recipe, write_recipes
from anlage.advisor.verb import advise as verb
from anlage.errors import ConfigError
from anlage.study.config import StudyConfig
from anlage.study.run import study
from anlage.train.pretrain import PretrainConfig, pretrain


@pytest.mark.parametrize(
    "facts",
    [
        {"modality": "cxr", "task": "classification", "dims": 2, "label": ("x",)},
        {"modality": "ct", "task": "segmentation", "dims": 3, "labelled": 40, "unlabelled": 300},
        {"modality": "mri", "task": "segmentation", "lesion_mm": 8.0, "spacing_mm": (1.0, 1.0)},
        {"modality": "cxr", "task": "classification", "label": ("x",), "has_side": True},
    ],
)
def test_settings_are_those_of_the_verbs(ask, facts):
    advice = ask(**facts)
    config = StudyConfig.parse(study_recipe(advice), where="test")
    first = next(one.strategy for one in advice.ranked if one.strategy.kind == "pretrain")
    assert config.strategies[0].method == first.method
    assert config.pretrain.encoder == first.encoder
    assert config.tasks[0].task == facts["task"]
    alone = PretrainConfig.parse(pretrain_recipe(first), where="test")
    assert (alone.method, alone.steps) == (first.method, first.steps)
    assert alone.augmentation.crop_scale == first.views.crop_scale
    if facts.get("has_side"):
        assert alone.augmentation.task_needs == ("laterality",)
        assert config.tasks[0].options == {"has_side": True}
    if first.masking is not None:
        assert alone.augmentation.mask.ratio == first.masking.ratio
        assert alone.augmentation.mask.unit_mm == first.masking.unit_mm


def test_strategies_of_a_study_share_their_encoder(ask):
    advice = ask(modality="cxr", task="classification", dims=2, label=("x",))
    recipe = study_recipe(advice)
    chosen = [one["method"] for one in recipe["strategies"]]
    encoders = {one.strategy.encoder for one in advice.ranked if one.strategy.method in set(chosen)}
    assert encoders == {recipe["pretrain"]["encoder"]}
    assert len(set(chosen)) == len(chosen)


def test_study_and_pretrain_accept_what_a_store_was_advised(slices_store, tmp_path, capsys):
    out = tmp_path / "recipe.yaml"
    verb(
        store=slices_store,
        task="classification",
        label=("lesion",),
        recipe=out,
        memory_gb=1000.0,
    )
    capsys.readouterr()
    settings = yaml.safe_load(out.read_text())
    quick = {"test_rows": 4, "controls": ["scratch"]}
    done = study(slices_store, out=tmp_path / "study", recipe=out, dry_run=True, **quick)
    assert done.exit_code == 0
    assert "Plan:" in capsys.readouterr().out
    beside = tmp_path / "recipe.pretrain.yaml"
    assert pretrain(slices_store, out=tmp_path / "run", recipe=beside, dry_run=True).exit_code == 0
    assert settings["strategies"][0]["method"] in capsys.readouterr().out


def test_a_task_that_cannot_be_studied_gets_a_pretraining_alone(published, table, tmp_path):
    from anlage import plugins

    advice = advise(Profile(task="retrieval", dims=2), base=published, table=table)
    paths = write_recipes(advice, tmp_path / "r.yaml")
    names = [path.name for path in paths]
    expected = ["r.yaml"] if "retrieval" in plugins.available("tasks") else []
    assert names == [*expected, "r.pretrain.yaml"]


def test_without_a_pretraining_there_is_no_recipe(ask, tmp_path):
    advice = ask(modality="cxr", task="classification", dims=2, memory_gb=0.01)
    with pytest.raises(ConfigError, match="pretraining that can be run here"):
        write_recipes(advice, tmp_path / "r.yaml")
