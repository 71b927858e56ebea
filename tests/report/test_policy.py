"""What `anlage modality` answers."""

import json
import subprocess
import sys

import pytest

from anlage import plugins
from anlage.errors import ConfigError
from anlage.report.policy import modality


def test_without_a_name_every_modality_is_listed_with_what_it_allows():
    lines = modality().splitlines()
    for name in plugins.available("modalities"):
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        policy = plugins.load("modalities", name)
        assert policy.title in line
        counts = [int(word) for word in line.split()[-4:]]
        assert sum(counts[:3]) == len(policy.views)
        assert counts[3] == len(policy.forbidden)


def test_a_list_for_programs_has_every_modality():
    found = json.loads(modality(format="json"))
    assert set(found) == set(plugins.available("modalities"))
    assert found["ct"] == {"title": "computed tomography", "dims": [2, 3]}


def test_facts_for_programs_hold_the_whole_policy_and_its_sources():
    facts = json.loads(modality("ct", format="json"))
    assert facts["views"]["rotate"]["limits"] == {"degrees": 30}
    assert facts["forbidden"]["gamma"]["because"].startswith("it bends the Hounsfield scale")
    assert facts["task_needs"]["laterality"] == ["flip_lr"]
    assert facts["sources"]["R32"].startswith("CT: require HU window")
    assert "2405.08657" in facts["sources"]["Jiang 2024"]
    assert facts["corruption"]["unit_mm"] == 16


def test_an_unknown_modality_names_the_nearest():
    with pytest.raises(ConfigError, match=r"there is no modality 'mrt'\. Did you mean 'mri'"):
        modality("mrt")


@pytest.mark.parametrize("options", [{"show": True}, {"out": "x.png"}, {"store": "s"}])
def test_a_picture_needs_a_modality(options):
    with pytest.raises(ConfigError, match="drawn of one modality, got none"):
        modality(**options)


def test_one_image_is_drawn_on(tmp_path):
    with pytest.raises(ConfigError, match="got --image and --store"):
        modality("ct", image=tmp_path / "a.png", store=tmp_path)


def test_the_form_is_one_of_two():
    with pytest.raises(ConfigError, match="text or json, got 'yaml'"):
        modality("ct", format="yaml")


def test_words_and_lists_import_nothing_heavy():
    code = (
        "import sys\nfrom anlage.report.policy import modality\nmodality()\nmodality('ct')\n"
        "sys.exit(bool({'torch', 'polars', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
