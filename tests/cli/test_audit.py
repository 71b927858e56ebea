"""`anlage audit`: the table, the files, and the corrected recipe that pretrain takes."""

import json

import pytest
import yaml

from anlage.modalities.mri import POLICY


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    settings = {
        "method": "mae",
        "encoder": "resnet10",
        "image_size": [32],
        "augmentation": {
            "views": dict.fromkeys(set(POLICY.views) - {"rotate"}),
            "mask": {"unit": 16},
        },
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def test_an_audit_writes_a_page_numbers_and_a_recipe_that_pretrain_takes(
    anlage, slices_store, recipe, tmp_path
):
    out = tmp_path / "audit"
    ran = anlage(
        *("audit", slices_store, "--recipe", recipe, "--task", "segmentation"),
        *("--site", "site", "--quick", "--out", out),
    )
    assert ran.code == 0, ran.err
    assert "Alignment score" in ran.out
    facts = json.loads((out / "audit.json").read_text())
    assert facts["lesion_images"] > 0
    assert set(facts["site"]) == {"site"}
    parts = {part["name"]: part for part in facts["parts"]}
    assert {"crop", "mask", "rotate"} <= set(parts)
    assert set(json.loads((out / "alignment.json").read_text())) == {"mae"}
    page = (out / "audit.html").read_text()
    assert "data:image/png;base64," in page
    assert "http" not in page
    for written in (page, (out / "audit.json").read_text()):
        assert "anlage audit STORE" in written
        assert "--recipe RECIPE" in written
        assert str(slices_store) not in written
        assert str(tmp_path) not in written
    mended = yaml.safe_load((out / "corrected.yaml").read_text())
    assert mended["image_size"] == [32]
    again = anlage(
        "pretrain", slices_store, "--recipe", out / "corrected.yaml", "--out", out, "--dry-run"
    )
    assert again.code == 0, again.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--label", "lesoin"], "Did you mean 'lesion'?"),
        (["--task", "classification"], "needs a label column"),
        (["--images", "3"], "at least 10 images"),
    ],
)
def test_mistakes_are_the_users(refused, slices_store, words, says):
    assert says in refused("audit", slices_store, "--method", "simclr", *words)
