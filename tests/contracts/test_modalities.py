"""Every policy states its changes, limits, reasons and sources whole and without contradiction."""

import json
import re
from importlib import resources

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.modalities import SOURCES, Policy
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, Step, ViewPlan, one_view

MODALITIES = plugins.available("modalities")
POLICIES: dict[str, Policy] = {name: plugins.load("modalities", name) for name in MODALITIES}

WANTED = {
    "cxr",
    "ct",
    "mri",
    "ultrasound",
    "histology",
    "microscopy",
    "dermoscopy",
    "fundus",
    "oct",
    "endoscopy",
    "mammography",
    "pet",
    "generic",
}

NOT_STRENGTH = {  # which form a change has and where it lies, not how strong it is
    ("beam_hardening", "body_above"),
    ("cutout", "aspect"),
    ("cutout", "foreground"),
    ("depth_gain", "axis"),
    ("depth_gain", "sliders"),
    ("gaussian_blur", "truncate"),
    ("jpeg", "halve_colour"),
    ("metal_streaks", "directions"),
    ("shadow", "apex"),
    ("shadow", "axis"),
    ("shadow", "start"),
}

every = pytest.mark.parametrize("name", MODALITIES)
BANS = [(name, ban) for name, policy in POLICIES.items() for ban in policy.forbidden]
RULES = [(name, rule) for name, policy in POLICIES.items() for rule in policy.views]
ARTEFACTS = [(name, artefact) for name, policy in POLICIES.items() for artefact in policy.artefacts]


def test_every_modality_of_the_evidence_base_has_a_policy():
    assert set(MODALITIES) >= WANTED


@every
def test_a_policy_gives_its_reasons_and_sources(name):
    policy = POLICIES[name]
    said = [policy.scaling, policy.crop, policy.corruption]
    said += [*policy.views.values(), *policy.forbidden.values()]
    assert isinstance(policy, Policy)
    assert policy.title.strip()
    assert set(policy.dims) <= {2, 3}
    assert policy.dims
    assert all(len(one.because) > 10 and one.source.strip() for one in said)
    assert policy.forbidden
    assert policy.views


@every
def test_crops_and_windows_are_in_order(name):
    crop = POLICIES[name].crop
    assert 0 < crop.least_scale <= crop.scale[0] <= crop.scale[1] <= 1
    assert 0 < crop.aspect[0] <= 1 <= crop.aspect[1]
    assert all(low < high for low, high in POLICIES[name].scaling.windows.values())
    assert crop.aspect[0] * crop.aspect[1] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("name", "view"), RULES)
def test_a_view_names_a_transform_and_settings_that_exist(name, view):
    rule = POLICIES[name].views[view]
    assert plugins.family("transforms", rule.transform) in {"spatial", "intensity"}
    config = plugins.load("transforms", rule.transform).Config.parse(rule.params, where=view)
    assert set(rule.limits) | set(rule.least) <= set(config.model_dump())


@pytest.mark.parametrize(("name", "view"), RULES)
def test_every_strength_of_a_view_has_a_limit(name, view):
    """Otherwise a recipe could make a safe change harmful by its settings."""
    rule = POLICIES[name].views[view]
    config = plugins.load("transforms", rule.transform).Config()
    strengths = {
        key
        for key, value in config.model_dump().items()
        if not isinstance(value, str) and (rule.transform, key) not in NOT_STRENGTH
    }
    assert strengths <= set(rule.limits) | set(rule.least)


@pytest.mark.parametrize(("name", "ban"), BANS)
def test_what_is_forbidden_names_a_transform_and_settings_that_exist(name, ban):
    forbidden = POLICIES[name].forbidden[ban]
    plugin = plugins.load("transforms", forbidden.transform)
    plugin.Config.parse(forbidden.params, where=ban)
    assert plugins.family("transforms", forbidden.transform) in {"spatial", "intensity"}
    assert ban not in POLICIES[name].views


def sources_of(policy):
    said = [policy.scaling, policy.crop, policy.corruption, policy.pairs, *policy.shortcuts]
    for group in (policy.views, policy.forbidden, policy.artefacts, policy.hints):
        said += group.values()
    return {name for one in said for name in re.split(r"[;,] *", one.source)}


@every
def test_every_source_is_a_design_rule_or_a_paper_that_is_listed(name):
    path = resources.files("anlage") / "evidence" / "rules.json"
    rules = {rule["id"] for rule in json.loads(path.read_text(encoding="utf-8"))}
    assert sources_of(POLICIES[name]) <= rules | set(SOURCES)


def test_no_paper_is_listed_that_no_policy_names():
    assert set(SOURCES) == {
        source
        for policy in POLICIES.values()
        for source in sources_of(policy)
        if not re.fullmatch(r"R\d\d", source)
    }


@every
def test_a_policy_says_what_goes_wrong_and_what_misleads(name):
    policy = POLICIES[name]
    assert policy.artefacts
    assert all(
        len(one.because) > 5 and len(one.strengths) >= 2 for one in policy.artefacts.values()
    )
    assert all(len(one.what) > 4 and len(one.remedy) > 10 for one in policy.shortcuts)
    assert policy.shortcuts
    assert policy.notes or policy.hints
    assert name == "generic" or policy.pairs.never


@every
def test_nothing_is_both_allowed_and_forbidden(name):
    policy = POLICIES[name]
    assert not set(policy.views) & set(policy.forbidden)
    for rule in policy.views.values():
        plugin = plugins.load("transforms", rule.transform)
        full = rule.model_copy(
            update={"params": plugin.Config.parse(rule.params, where="t").model_dump()}
        )
        assert policy._ban(full) is None


@pytest.mark.parametrize(("name", "artefact"), ARTEFACTS)
def test_an_artefact_exists_and_grows_with_its_strength(name, artefact):
    one = POLICIES[name].artefacts[artefact]
    plugin = plugins.load("transforms", one.transform)
    images = torch.rand(16, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    images = images.repeat(1, 3, 1, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    images[:, 1:] *= 0.8  # some colour
    numbers = np.arange(16)
    batch = CropBatch(
        images=images,
        label_maps=None,
        spacing_mm=torch.ones(16, 2),
        sample=torch.arange(16),
        patient=torch.arange(16),
    )
    changes = []
    for params in one.strengths:
        config = plugin.Config.parse(params, where=artefact)
        plan = ViewPlan(
            size=(24, 32),
            intensities=Intensities(low=0, high=1, mean=(0.0,) * 3, std=(1.0,) * 3),
            steps=(Step(name="artefact", p=1.0, transform=plugin(config)),),
        )
        draws = Draws(seed=0, epoch=np.zeros_like(numbers), sample=numbers)
        views, _ = one_view(batch, plan, draws=draws)
        changes.append(float((views - images).abs().mean()))
    assert changes == sorted(changes)
    assert changes[0] > 0
