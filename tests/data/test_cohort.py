"""A cohort on disk: complete or absent, equal to what the phantom drew, and never redone."""

import csv
import hashlib

import nibabel as nib
import numpy as np
import pytest
import yaml
from PIL import Image

from anlage import plugins
from anlage.data.cohort import write_cohort
from anlage.data.importers import Box
from anlage.data.phantoms import Case, CohortConfig, Phantom, Picture
from anlage.data.phantoms.mri import Mri
from anlage.errors import ConfigError

FLAT = CohortConfig(patients=4, images_per_patient=2, lesion_share=0.5, seed=2)
SOLID = CohortConfig(patients=3, dims=3, size=24, lesion_mm=(20, 40))


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


class TwoSpots(Phantom):
    """Colour pictures with two lesions each."""

    @property
    def kinds(self):
        return ("spot",)

    def draw(self, config, patient):
        pixels = np.full((3, 8, 9), patient, np.uint8)
        pixels[0] = 200
        boxes = tuple(Box(low=(1.0, n), high=(3.0, n + 2), label="spot") for n in (2.0, 5.0))
        picture = Picture(pixels=pixels, mask=np.zeros((8, 9), np.uint8), boxes=boxes)
        return Case(
            pictures=(picture,),
            labels={"lesion": "spot", "count": 2.0},
            site="site-1",
            unit="display",
            spacing_mm=(1.0, 1.0),
        )


def test_pictures_and_table_equal_what_was_drawn(tmp_path):
    root = write_cohort(tmp_path / "cohort", config=FLAT)
    rows = table(root / "labels.csv")
    columns = "image,mask,patient,site,lesion,lesion_mm,side,age,age_group,x0,y0,x1,y1"
    assert ",".join(rows[0]) == columns
    assert len(rows) == 8
    boxed = 0
    for patient in range(4):
        case = Mri().draw(FLAT, patient)
        for picture, row in zip(case.pictures, rows[2 * patient : 2 * patient + 2], strict=True):
            assert np.array_equal(np.asarray(Image.open(root / row["image"])), picture.pixels[0])
            assert np.array_equal(np.asarray(Image.open(root / row["mask"])), picture.mask)
            assert row["patient"] == f"P{patient:05d}"
            assert row["site"] == case.site
            assert row["lesion"] == case.labels["lesion"]
            assert float(row["lesion_mm"]) == case.labels["lesion_mm"]
            assert float(row["age"]) == case.labels["age"]
            assert row["age_group"] == case.labels["age_group"]
            corners = [row[name] for name in ("x0", "y0", "x1", "y1")]
            if row["lesion"] == "none":
                assert corners == [""] * 4
                continue
            boxed += 1
            x0, y0, x1, y1 = (int(value) for value in corners)
            lesion = picture.mask > 0
            assert lesion[y0:y1, x0:x1].sum() == lesion.sum() > 0
            assert lesion[y0].any()
            assert lesion[y1 - 1].any()
            assert lesion[:, x0].any()
            assert lesion[:, x1 - 1].any()
    assert 0 < boxed < 8
    assert not (root / "boxes.csv").exists()


def test_volumes_are_nifti_with_the_affine(tmp_path):
    root = write_cohort(tmp_path / "deep" / "cohort", config=SOLID)
    rows = table(root / "labels.csv")
    assert list(rows[0])[-6:] == ["x0", "y0", "z0", "x1", "y1", "z1"]
    for patient, row in enumerate(rows):
        case = Mri().draw(SOLID, patient)
        for name, drawn in (
            ("image", case.pictures[0].pixels[0]),
            ("mask", case.pictures[0].mask),
        ):
            image = nib.load(root / row[name])
            assert np.array_equal(np.asarray(image.dataobj), drawn)
            np.testing.assert_allclose(image.affine, case.affine)
            assert image.header.get_xyzt_units()[0] == "mm"
            assert image.header["sform_code"] > 0
            assert (root / row[name]).read_bytes()[4:8] == b"\0\0\0\0"  # no time of writing
        if row["x0"]:
            low = [int(row[f"{axis}0"]) for axis in "xyz"]
            assert low == np.argwhere(case.pictures[0].mask).min(axis=0).tolist()


@pytest.mark.parametrize("config", [FLAT, SOLID])
def test_the_same_cohort_has_the_same_bytes(tmp_path, config):
    first, second = (write_cohort(tmp_path / name, config=config) for name in "ab")
    assert digests(first) == digests(second)


def test_a_longer_cohort_begins_with_the_shorter(tmp_path):
    short = digests(write_cohort(tmp_path / "short", config=FLAT))
    longer = FLAT.model_copy(update={"patients": 5})
    long = digests(write_cohort(tmp_path / "long", config=longer))
    tables = {"labels.csv", "cohort.yaml"}
    assert all(long[name] == digest for name, digest in short.items() if name not in tables)


def test_the_settings_lie_beside_it(tmp_path):
    root = write_cohort(tmp_path / "cohort", config=FLAT)
    settings = yaml.safe_load((root / "cohort.yaml").read_text())
    assert settings.pop("modality") == "mri"
    assert settings.pop("mask_values") == {1: "bright", 2: "ring", 3: "dark"}
    wanted = FLAT.model_copy(update={"lesion_mm": (12.0, 36.0)})  # what is usual in brain MRI
    assert CohortConfig.parse(settings, where="cohort.yaml") == wanted


def test_a_finished_cohort_is_used_again(tmp_path):
    calls = []
    root = write_cohort(tmp_path / "c", config=FLAT, progress=lambda *seen: calls.append(seen))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    again = write_cohort(root, config=FLAT, progress=lambda *seen: calls.append(seen))
    assert again == root
    assert len(calls) == 4
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_another_cohort_in_its_place_is_refused(tmp_path):
    root = write_cohort(tmp_path / "c", config=FLAT)
    before = digests(root)
    other = FLAT.model_copy(update={"seed": 9})
    with pytest.raises(ConfigError, match=r"other settings \(seed: 2 -> 9\).*another folder"):
        write_cohort(root, config=other)
    assert digests(root) == before


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds something else\. Choose another folder"):
        write_cohort(tmp_path, config=FLAT)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ConfigError, match="holds something else"):
        write_cohort(tmp_path / "thesis.tex", config=FLAT)


def test_an_interrupted_cohort_leaves_nothing_and_can_be_made_again(tmp_path):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    out = tmp_path / "cohort"
    out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_cohort(out, config=FLAT, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]
    assert not any(out.iterdir())
    write_cohort(out, config=FLAT)
    assert len(table(out / "labels.csv")) == 8


def test_several_boxes_go_to_a_table_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "available", lambda room: ("spots",))
    monkeypatch.setattr(plugins, "load", lambda room, name: TwoSpots)
    root = write_cohort(tmp_path / "c", modality="spots", config=CohortConfig(patients=2, dims=2))
    rows = table(root / "labels.csv")
    assert list(rows[0]) == ["image", "mask", "patient", "site", "lesion", "count"]
    boxes = table(root / "boxes.csv")
    assert [list(box.values())[1:] for box in boxes[:2]] == [
        ["spot", "2", "1", "4", "3"],
        ["spot", "5", "1", "7", "3"],
    ]
    assert {box["image"] for box in boxes} == {row["image"] for row in rows}
    colour = np.asarray(Image.open(root / rows[1]["image"]))
    assert colour.shape == (8, 9, 3)
    assert colour[0, 0].tolist() == [200, 1, 1]


def test_an_unknown_modality_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no modality 'mir'.*Did you mean 'mri'"):
        write_cohort(tmp_path / "c", modality="mir", config=FLAT)
