"""What a study's settings may be; every refusal says where the setting belongs."""

import pytest

from anlage.errors import ConfigError
from anlage.study.config import CONTROLS, StudyConfig

TASK = {"task": "classification", "label": ["lesion"]}


def parse(**values):
    return StudyConfig.parse({"tasks": [TASK], **values}, where="study")


def test_the_defaults_are_the_protocols():
    config = parse()
    assert config.controls == CONTROLS
    assert (config.pretrain_seeds, config.draws, config.replicates) == (3, 3, 2000)
    assert config.budgets == ("5-shot", "10-shot", "10%", "100%")
    assert config.pretrain.parts == ("train",)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tasks": []}, "tasks: .*at least 1"),
        ({"budgets": ["5shots"]}, "must be like 5-shot .* got '5shots'"),
        ({"budgets": ["0-shot"]}, "must be like 5-shot"),
        ({"budgets": ["101%"]}, "must be like 5-shot"),
        ({"budgets": ["5-shot", "5shot"]}, "budgets need names of their own, 5-shot"),
        ({"budgets": []}, "budgets: .*at least 1"),
        ({"learning_rates": [1e-3, 1e-3]}, "learning_rates need names of their own, 0.001"),
        ({"learning_rates": [0]}, "learning_rates.*greater than 0"),
        ({"rungs": ["knn", "knn"]}, "rungs need names of their own"),
        ({"rungs": ["probe"]}, "rungs"),
        ({"controls": ["scratch", "scratch"]}, "controls need names of their own"),
        ({"tasks": [TASK, TASK]}, "tasks need names of their own, classification-lesion"),
        (
            {"strategies": [{"method": "mae"}, {"method": "mae"}]},
            "strategies need names of their own, mae",
        ),
        (
            {"strategies": [{"method": "mae", "name": "scratch"}]},
            "strategies need names of their own, scratch",
        ),
        ({"replicates": 10}, "replicates: .*100"),
        ({"draws": 0}, "draws: .*1"),
        ({"test_rows": 1}, "test_rows: .*2"),
        ({"pretrain_seed": 3}, "no setting 'pretrain_seed'. Did you mean 'pretrain_seeds'"),
        ({"strategies": [{"metod": "mae"}]}, "'strategies.0.metod'. Did you mean 'method'"),
        ({"pretrain": {"parts": ["train", "test"]}}, "pretrain.parts is not this study's"),
        ({"pretrain": {"method": "mae"}}, "name it under strategies"),
        ({"pretrain": {"split": "other"}}, "write it as the study's split"),
        ({"adapt": {"learning_rate": 0.1}}, "write it under learning_rates"),
        ({"adapt": {"mode": "frozen"}}, "choose among rungs"),
        ({"adapt": {"seed": 4}}, "write it as the study's seed"),
        ({"tasks": [{**TASK, "adapt": {"seed": 4}}]}, "write it as the study's seed"),
    ],
)
def test_settings_that_cannot_be_are_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        parse(**values)


@pytest.mark.parametrize(
    "own",
    [
        {"encoder": "resnet18"},
        {"encoder_options": {}},
        {"image_size": [32]},
        {"field": "image"},
        {"parts": ["test"]},
        {"split": "other"},
        {"seed": 3},
        {"device": "cpu"},
        {"method": "mae"},
        {"augmentation": {"window": "lung"}},
    ],
)
def test_a_strategy_differs_from_its_twin_in_pretraining_alone(own):
    with pytest.raises(ConfigError, match=r"share .* with their twin from scratch"):
        parse(strategies=[{"method": "simclr", "settings": own}])


def test_a_strategy_may_differ_in_how_it_pretrains():
    settings = {"steps": 5, "augmentation": {"crop_scale": [0.5, 1.0]}}
    (strategy,) = parse(strategies=[{"method": "simclr", "settings": settings}]).strategies
    assert strategy.settings == settings
    assert strategy.title == "simclr"


def test_every_fault_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        parse(pretrain={"method": "mae", "parts": ["test"]})
    assert "pretrain.method" in str(caught.value)
    assert "pretrain.parts" in str(caught.value)


def test_titles_come_from_names_or_from_what_is_done():
    config = parse(tasks=[TASK, {"task": "segmentation"}, {**TASK, "name": "mine"}])
    assert [t.title for t in config.tasks] == ["classification-lesion", "segmentation", "mine"]


def test_settings_written_out_are_the_same_study():
    config = parse(budgets=["5shot", "10 %"], learning_rates=[0.1])
    assert StudyConfig.parse(config.model_dump(mode="json"), where="x") == config
