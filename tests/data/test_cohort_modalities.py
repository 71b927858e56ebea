"""Cohorts of every modality on disk: what is written opens, prepares, and grows."""

import csv
import hashlib
import shlex

import numpy as np
import pytest
import tifffile
from PIL import Image

import anlage
from anlage.data.cohort import cohort, prepare_command
from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms.ct import Ct
from anlage.data.store import Store
from anlage.errors import ConfigError


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_is_a_public_name():
    assert anlage.cohort is cohort


def test_the_mri_cohort_is_what_it_was(tmp_path):
    root = cohort(tmp_path / "c", modality="mri", patients=1, contrast=0.8)
    settings = (root / "cohort.yaml").read_text()
    for dial in ("lesions", "marked_share", "with_clean"):
        assert dial not in settings
    assert "lesion_mm:\n- 12.0\n- 36.0\n" in settings
    pixels = np.asarray(Image.open(root / "images" / "P00000_00.png")).astype(np.int64)
    # As drawn before there were other modalities; rounding may differ between machines.
    assert pixels.sum() == pytest.approx(294795, abs=20)
    assert (np.arange(4096) % 251 * pixels.ravel()).sum() == pytest.approx(36894292, abs=3000)


def test_arguments_become_dials(tmp_path):
    root = cohort(
        tmp_path / "c",
        modality="ultrasound",
        patients=3,
        images=2,
        size=48,
        lesion_mm=4,
        lesions=(2, 3),
        contrast=0.5,
        lesion_share=1,
        kinds=["cyst"],
        sites=2,
        site_strength=0.1,
        shortcut=0.3,
        marked=1,
        seed=7,
    )
    wanted = CohortConfig(
        patients=3,
        images_per_patient=2,
        size=48,
        lesion_mm=(4, 4),
        lesions=(2, 3),
        lesion_contrast=0.5,
        lesion_share=1,
        classes=("cyst",),
        num_sites=2,
        site_strength=0.1,
        shortcut=0.3,
        marked_share=1,
        seed=7,
    )
    settings = anlage.config.read_yaml(root / "cohort.yaml")
    assert settings.pop("modality") == "ultrasound"
    assert settings.pop("mask_values") == {1: "cyst", 2: "solid"}
    assert CohortConfig.parse(settings, where="cohort.yaml") == wanted
    rows = table(root / "labels.csv")
    assert len(rows) == 6
    assert {row["marked"] for row in rows} == {"yes"}
    boxes = table(root / "boxes.csv")
    assert len(boxes) == sum(float(row["num_lesions"]) for row in rows)


def test_adding_patients_changes_none_of_the_others(tmp_path):
    short = cohort(tmp_path / "short", modality="fundus", patients=2)
    long = cohort(tmp_path / "long", modality="fundus", patients=4)
    assert table(long / "labels.csv")[:2] == table(short / "labels.csv")
    for path in sorted(short.glob("*/*.png")):
        assert digest(path) == digest(long / path.relative_to(short))


def test_slices_of_ct_keep_their_hounsfield_units_and_spacing(tmp_path):
    root = cohort(tmp_path / "c", modality="ct", patients=1, size=48, clean=True)
    (row,) = table(root / "labels.csv")
    wanted = Ct().draw(CohortConfig(lesion_contrast=1, size=48, with_clean=True), 0)
    for name, array in (
        ("image", wanted.pictures[0].pixels),
        ("clean", wanted.pictures[0].clean),
    ):
        with tifffile.TiffFile(root / row[name]) as found:
            assert np.array_equal(found.asarray(), array[0])
            assert found.imagej_metadata["unit"] == "mm"
            across, per = found.pages[0].tags["XResolution"].value
            assert per / across == pytest.approx(wanted.spacing_mm[0], rel=1e-4)


@pytest.mark.parametrize(("modality", "extra"), [("ultrasound", {"lesions": (1, 2)}), ("ct", {})])
def test_six_patients_become_a_store(tmp_path, modality, extra):
    root = cohort(
        tmp_path / "my scans", modality=modality, patients=6, size=48, lesion_share=1, **extra
    )
    words = shlex.split(prepare_command(root))
    assert words[:5] == ["anlage", "prepare", str(root), "--out", f"{root}-store"]
    assert ("--boxes" in words) == bool(extra)
    given = list(zip(words[3::2], words[4::2], strict=True))
    options = {name[2:]: value for name, value in given if name != "--label"}
    labels = [value for name, value in given if name == "--label"]
    assert labels[:3] == ["lesion", "lesion_mm", "num_lesions"]
    anlage.prepare(root, label=labels, workers=0, **options)
    store = Store.open(options["out"])
    assert store.meta.modality == modality
    assert len(store) == 6
    assert store.image(0).shape == (1, 48, 48)
    if modality == "ct":
        assert store.image(0).min() < -900
        assert store.spacing_mm[0] == pytest.approx((7.5, 7.5))


@pytest.mark.parametrize(
    ("dials", "words"),
    [
        ({"modality": "ultrasund"}, "Did you mean 'ultrasound'"),
        ({"modality": "oct", "dims": 3}, "dims must be 2 for oct, got 3"),
        ({"modality": "fundus", "marked": 0.5}, "fundus has no dial marked_share"),
        ({"modality": "mri", "lesions": 2}, "mri has no dial lesions"),
        ({"modality": "cxr", "lesion_mm": 2}, "lesion_mm must lie between"),
        ({"modality": "pet", "lesion_mm": 90}, r"90 mm\. Give --lesion-mm 18.75,64\.$"),
        ({"modality": "pet", "lesion_mm": (30, 90)}, r"Give --lesion-mm 30,64\.$"),
        ({"modality": "pet", "size": 16}, r"Give --size 50\.$"),
        ({"modality": "cxr", "lesions": (3, 1)}, "the fewest first, got 3 and 1"),
        ({"modality": "cxr", "contrast": 2}, "lesion_contrast"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(tmp_path, dials, words):
    with pytest.raises(ConfigError, match=words):
        cohort(tmp_path / "c", **dials)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("mended", [{"lesion_mm": (25, 52)}, {"size": 50}])
def test_a_refused_lesion_is_drawn_with_either_remedy(tmp_path, mended):
    """Voxels of 600 / 48 mm: two of them are 25 mm, and 24 mm are two at 50 voxels."""
    dials = {"modality": "pet", "dims": 3, "size": 48, "patients": 1}
    with pytest.raises(ConfigError, match=r"Give --lesion-mm 25,52 or --size 50\.$"):
        cohort(tmp_path / "c", **dials)
    cohort(tmp_path / "c", **{**dials, **mended})
    assert (tmp_path / "c" / "labels.csv").is_file()
