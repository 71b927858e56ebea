"""The verb joins what the store, the machine and the user say."""

import json
import subprocess
import sys

import pytest

import anlage
from anlage.advisor import Profile
from anlage.advisor.verb import advise, machine_facts
from anlage.errors import ConfigError, DataError


def test_what_the_user_says_goes_before_what_the_machine_tells():
    assert advise(memory_gb=3.5, modality="ct").profile.memory_gb == 3.5
    assert advise(modality="ct").profile.device == machine_facts()["device"]


def test_a_whole_profile_is_taken_as_it_is():
    profile = Profile(modality="ct", dims=3)
    assert advise(profile).profile == profile
    with pytest.raises(ConfigError, match="either a whole profile"):
        advise(profile, modality="mri")


def test_what_the_user_says_goes_before_the_store(slices_store):
    advice = advise(store=slices_store, task="segmentation", modality="ct", labelled=7)
    assert (advice.profile.modality, advice.profile.labelled) == ("ct", 7)
    assert advice.profile.dims == 2


def test_a_misspelt_fact_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="labelled"):
        advise(labeled=10)
    with pytest.raises(ConfigError, match="mri"):
        advise(modality="mrii")


def test_an_audit_is_read(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps({"simclr": 0.5}))
    assert advise(audit=path).profile.alignment == {"simclr": 0.5}
    path.write_text("no json")
    with pytest.raises(DataError, match="audit must be"):
        advise(audit=path)


def test_weights_in_the_users_folder_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("ANLAGE_WEIGHTS", str(tmp_path))
    assert machine_facts()["weights"] is None
    (tmp_path / "resnet18.safetensors").touch()
    assert machine_facts()["weights"] == ("imagenet",)


def test_the_package_has_the_verb():
    assert anlage.advise is advise


def test_advice_needs_no_heavy_library():
    code = (
        "import sys; from anlage.advisor.verb import advise; advise(modality='ct', dims=3); "
        "print([m for m in ('torch', 'monai', 'timm', 'polars', 'scipy', 'statsmodels', "
        "'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
