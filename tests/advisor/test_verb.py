"""The verb joins what the store, the machine and the user say."""

import json
import subprocess
import sys

import pytest

import anlage
from anlage.advisor import Profile
from anlage.advisor.profile import Audited
from anlage.advisor.verb import advise, machine_facts
from anlage.data.store import Store
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
    path = tmp_path / "alignment.json"
    found = {"kept": 0.5, "gain": 13.5, "low": 11.0, "high": 15.9}
    nothing = dict.fromkeys(found)
    path.write_text(json.dumps({"simclr": found, "mae": nothing}))
    read = advise(audit=path).profile.alignment
    assert read == {"simclr": Audited(**found), "mae": Audited()}
    path.write_text("no json")
    with pytest.raises(DataError, match="audit must be"):
        advise(audit=path)
    with pytest.raises(DataError, match="no such file or folder"):
        advise(audit=tmp_path / "none.json")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"simclr": 0.5}, r"anlage audit STORE --method simclr \.\.\. --out DIR"),
        ({"mae": {"kept": 0.5}, "simclr": 1}, "only a number for simclr, as earlier versions"),
        ({"simclr": {"kept": 1.2}}, "simclr.kept"),
        ({"simclr": {"low": 2.0, "high": 1.0}}, "must go from low to high"),
        ({"simclr": {"share": 0.5}}, "share"),
        ({"simclr": {"gain": float("nan")}}, "simclr.gain"),
        ([0.5], "alignment"),
    ],
)
def test_an_audit_that_cannot_be_meant_is_refused_with_its_file(tmp_path, values, message):
    path = tmp_path / "alignment.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=message) as caught:
        advise(audit=path)
    assert str(path) in str(caught.value)


def test_bare_shares_are_refused_as_facts_too():
    with pytest.raises(ConfigError, match="only a number for mae"):
        advise(alignment={"mae": 0.5})


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


def test_audits_of_several_methods_are_joined_from_their_folders(tmp_path):
    for name, gain in (("simclr", 3.5), ("mae", -1.0)):
        (tmp_path / name).mkdir()
        said = json.dumps({name: {"kept": 0.5, "gain": gain, "low": None, "high": None}})
        (tmp_path / name / "alignment.json").write_text(said)
    folders = [tmp_path / "simclr", tmp_path / "mae" / "alignment.json"]
    found = advise(audit=folders, modality="ct").profile.alignment
    assert {name: one.gain for name, one in found.items()} == {"simclr": 3.5, "mae": -1.0}
    assert advise(audit=folders[0], modality="ct").profile.alignment.keys() == {"simclr"}
    with pytest.raises(ConfigError, match="about simclr"):
        advise(audit=[folders[0], folders[0] / "alignment.json"], modality="ct")


@pytest.mark.parametrize(
    ("strange", "told"),
    [({"store": "0123"}, "must be of the store"), ({"label": "age"}, "with --label side")],
)
def test_audits_of_other_images_or_labels_are_refused(slices_store, tmp_path, strange, told):
    own = {"store": Store.open(slices_store).fingerprint, "label": "side"}
    asked = {"store": slices_store, "task": "classification", "label": ("side",)}
    for said in (own, {**own, **strange}):
        (tmp_path / "alignment.json").write_text(json.dumps({"simclr": {"kept": 0.5, **said}}))
        if said is own:
            assert advise(audit=tmp_path, **asked).profile.alignment["simclr"].label == "side"
            continue
        with pytest.raises(ConfigError, match=told):
            advise(audit=tmp_path, **asked)
