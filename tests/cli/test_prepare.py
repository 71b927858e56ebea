"""`anlage prepare`: what users get wrong ends in one message and leaves nothing behind."""

import errno
import shutil

import numpy as np
import pytest
from PIL import Image

from anlage.data._writer import StoreWriter


@pytest.fixture
def folder(tmp_path):
    """Eight pictures of eight patients with a table."""
    root = tmp_path / "scans"
    root.mkdir()
    rng = np.random.default_rng(0)
    lines = ["image,patient,kind"]
    for number in range(8):
        pixels = rng.integers(0, 255, (24, 24), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"i{number}.png")
        lines.append(f"i{number}.png,P{number},{'ab'[number % 2]}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


def options(folder, tmp_path, *extra):
    table = folder / "labels.csv"
    given = ("--out", tmp_path / "store", "--labels", table, "--patient", "patient")
    return ("prepare", folder, *given, *extra)


def test_the_last_line_is_the_next_command(anlage, folder, tmp_path):
    ran = anlage(*options(folder, tmp_path, "--label", "kind"))
    assert ran.code == 0
    assert ran.last.startswith(f"Next: anlage pretrain {tmp_path / 'store'} ")


def test_a_dry_run_writes_nothing(anlage, folder, tmp_path):
    ran = anlage(*options(folder, tmp_path, "--dry-run"))
    assert ran.code == 0
    assert "Would store 8 images" in ran.out
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--modality", "mrii"), "Did you mean 'mri'"),
        (("--label", "knd"), "'knd'"),
        (("--mask", "mask"), "'mask'"),
        (("--patient", "pat"), "'pat'"),
        (("--image", "file"), "'file'"),
        (("--labels", "none.csv"), "there is none at none.csv"),
        (("--layout", "medmnst"), "medmnst"),
        (("--spacing-mm", "0,1"), "above 0 mm"),
        (("--split", "kind"), "train"),
    ],
)
def test_options_that_do_not_fit_are_refused(refused, folder, tmp_path, extra, words):
    assert words in refused(*options(folder, tmp_path, *extra))
    assert not (tmp_path / "store" / "store.json").exists()


def test_an_empty_folder_is_refused(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused("prepare", tmp_path / "empty", "--out", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_folder_that_is_not_there_is_refused(refused, tmp_path):
    said = refused("prepare", tmp_path / "nowhere", "--out", tmp_path / "store")
    assert "there is nothing at " in said
    assert not (tmp_path / "store").exists()


def test_fewer_patients_than_parts_are_said_and_cannot_be_judged_on(
    anlage, refused, folder, tmp_path
):
    lines = (folder / "labels.csv").read_text().splitlines()
    for number in range(2, 8):
        (folder / f"i{number}.png").unlink()
    (folder / "labels.csv").write_text("\n".join(lines[:3]) + "\n")
    ran = anlage(*options(folder, tmp_path, "--label", "kind"))
    assert "2 groups cannot be split in three" in ran.out
    study = ("study", tmp_path / "store", "--task", "classification", "--label", "kind")
    assert "labelled images in test" in refused(*study, "--out", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_full_disk_keeps_what_is_there_and_the_same_command_goes_on(
    anlage, refused, folder, tmp_path, monkeypatch
):
    add = StoreWriter.add

    def full(writer, row, image, mask):
        if writer_calls.append(1) or len(writer_calls) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return add(writer, row, image, mask)

    writer_calls: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "add", full)
        assert "No space left on device" in refused(*options(folder, tmp_path))
    assert not (tmp_path / "store" / "store.json").exists()
    assert anlage(*options(folder, tmp_path)).code == 0


def test_a_mask_on_another_grid_is_set_aside(anlage, folder, tmp_path):
    Image.fromarray(np.ones((10, 12), np.uint8)).save(folder / "m0.png")
    lines = ["image,patient,mask"]
    lines += [f"i{n}.png,P{n},{'m0.png' if n == 0 else ''}" for n in range(8)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    ran = anlage(*options(folder, tmp_path, "--mask", "mask"))
    assert ran.code == 0
    assert "quarantined 1" in ran.out


def test_other_settings_on_an_existing_store_are_refused(anlage, refused, folder, tmp_path):
    anlage(*options(folder, tmp_path))
    assert "--overwrite" in refused(*options(folder, tmp_path, "--size", "16"))
    assert anlage(*options(folder, tmp_path, "--size", "16", "--overwrite")).code == 0


def test_overwrite_removes_nothing_but_a_store(refused, folder, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("mine")
    refused(*options(folder, tmp_path, "--overwrite"))
    assert (tmp_path / "store" / "thesis.txt").read_text() == "mine"
    shutil.rmtree(tmp_path / "store")


def test_a_dry_run_says_in_plain_lines_what_is_planned(anlage, folder, tmp_path):
    (folder / "torn.png").write_bytes(b"no image")
    with (folder / "labels.csv").open("a") as table:
        table.write("torn.png,P9,a\n")
    said = anlage(*options(folder, tmp_path, "--size", "16", "--dry-run")).out
    assert "images      2D, 1 channel, display values kept as uint8" in said
    assert "scaled to   16 x 16 pixels" in said
    assert "set aside   1 x " in said
    assert "Would store 8 images and set 1 aside." in said
    assert "Layout(" not in said
    assert "Next:" not in said


def test_what_there_is_to_learn_from_is_counted(anlage, folder, tmp_path):
    lines = (folder / "labels.csv").read_text().splitlines()
    full = [f"{line},{9.5 + n}" for n, line in enumerate(lines[1:])]
    full[0] = full[0].replace(",a,", ",,")
    (folder / "labels.csv").write_text("\n".join([f"{lines[0]},age", *full]))
    said = anlage(*options(folder, tmp_path, "--label", "kind", "--label", "age")).out
    assert "label       kind: a 3, b 4; 1 missing" in said
    assert "label       age: 8 different values" in said
    assert "label maps" not in said


def test_label_maps_are_counted(anlage, slices_files, tmp_path):
    given = ("--modality", "mri", "--workers", "0")
    ran = anlage("prepare", slices_files, *given, "--out", tmp_path / "heads")
    assert "label maps  40 of 40 images" in ran.out
    assert ran.last.endswith("--out runs/heads-simclr")
