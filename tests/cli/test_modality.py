"""`anlage modality`: the list, one policy, and its picture."""

import json

import pytest
from PIL import Image

from anlage import plugins


def test_the_list_says_how_to_see_one(anlage):
    ran = anlage("modality")
    assert ran.code == 0
    assert all(name in ran.out for name in plugins.available("modalities"))
    assert "anlage modality ct --show" in ran.last


def test_a_policy_ends_with_the_next_command(anlage):
    ran = anlage("modality", "ct")
    assert ran.code == 0
    assert ran.out.startswith("ct: computed tomography (2D, 3D)")
    assert ran.last == "Next: anlage prepare FOLDER --modality ct --out store"


def test_json_is_all_that_is_printed(anlage):
    facts = json.loads(anlage("modality", "oct", "--format", "json").out)
    assert facts["name"] == "oct"
    assert facts["forbidden"]["flip_ud"]["because"]


def test_show_draws_a_picture_beside_the_words(anlage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = anlage("modality", "generic", "--show")
    assert ran.code == 0
    assert "Picture: generic-policy.png" in ran.out
    with Image.open(tmp_path / "generic-policy.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 500


def test_an_image_of_your_own_is_enough_to_ask_for_a_picture(anlage, tmp_path):
    Image.new("L", (40, 30), 90).save(tmp_path / "own.png")
    out = tmp_path / "sheet.png"
    ran = anlage(
        "modality", "generic", "--image", tmp_path / "own.png", "--out", out, "--format", "json"
    )
    assert ran.code == 0
    assert json.loads(ran.out)["picture"] == str(out)
    assert out.is_file()


@pytest.mark.parametrize("words", [["mrt"], ["--show"], ["ct", "--image", "nowhere.png"]])
def test_mistakes_are_the_users(refused, words):
    assert refused("modality", *words)
