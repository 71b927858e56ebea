"""From files to a store, end to end: 2D and 3D, folders, tables, archives and arrays."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.data.verify import verify
from anlage.errors import ConfigError, DataError
from anlage.locks import locked


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def test_a_table_of_pictures_with_label_maps(files: Path, out: Path, draw) -> None:
    found = run(files, out, label=["grade"], patient="patient")
    assert (found.stored, found.new, found.quarantined) == (8, 8, 0)
    assert "layout: manifest" in found.notes
    store = Store.open(out)
    assert verify(out) == []
    pictures = {draw(number).tobytes(): number for number in range(8)}
    for row in range(8):
        image, mask = store.image(row)[0], store.mask(row)
        number = pictures[image.tobytes()]
        np.testing.assert_array_equal(mask, image > 200)
        assert store.labels("grade")[row] == ("low", "high")[number % 2]
    assert store.meta.model_dump(exclude={"source", "index_sha256", "anlage_version"}) == {
        "format_version": 1,
        "modality": "generic",
        "dims": 2,
        "channels": 1,
        "dtype": "uint8",
        "kind": "display",
        "size": (40, 40),
        "spacing_mm": None,
        "notes": (),
        "label_maps": "numbers",
        "label_maps_because": "",
    }


def test_volumes_turn_to_ras_with_their_label_maps(tmp_path: Path, out: Path, write_source) -> None:
    affine = np.diag([-2.0, -1.0, 1.5, 1.0])
    files = write_source(tmp_path / "files", 4, shape=(12, 10, 8), affine=affine, with_masks=True)
    run(files, out, modality="mri")
    store = Store.open(out)
    assert (store.meta.dims, store.meta.kind) == (3, "foreground_zscore")
    np.testing.assert_allclose(store.spacing_mm, [(2.0, 1.0, 1.5)] * 4)
    pictures = [
        nib.as_closest_canonical(nib.load(files / "images" / f"{number}.nii.gz")).get_fdata()
        for number in range(4)
    ]
    for row in range(4):
        image, mask = store.image(row)[0], store.mask(row)
        assert mask is not None
        alike = [np.corrcoef(image.ravel(), each.ravel())[0, 1] for each in pictures]
        assert max(alike) > 0.999
        np.testing.assert_array_equal(mask, pictures[int(np.argmax(alike))] > 200)


def test_a_map_of_diffusion_keeps_its_unit(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(4):
        values = np.random.default_rng(number).integers(0, 2500 - 500 * number, (9, 8, 7))
        nib.save(nib.Nifti1Image(values.astype(np.int16), np.eye(4)), folder / f"{number}.nii.gz")
    run(folder, out, modality="mri", sequence="adc")
    store = Store.open(out)
    assert (store.meta.modality, store.meta.kind, store.meta.dtype) == ("mri", "adc", "float16")
    highest = sorted(float(store.image(row).max()) for row in range(4))
    np.testing.assert_allclose(highest, [1000, 1500, 2000, 2500], rtol=0.02)
    with pytest.raises(ConfigError, match="made with other settings"):
        run(folder, out, modality="mri")


def test_a_folder_per_class_needs_no_table(tmp_path: Path, out: Path, draw) -> None:
    for number in range(6):
        folder = tmp_path / "files" / ("ill" if number % 2 else "well")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(number)).save(folder / f"{number}.png")
    run(tmp_path / "files", out)
    store = Store.open(out)
    (name,) = store.label_names
    assert sorted(map(str, store.labels(name))) == ["ill"] * 3 + ["well"] * 3


def test_a_medmnist_file(tmp_path: Path, out: Path, draw) -> None:
    arrays = {}
    for part, numbers in (("train", range(4)), ("val", range(4, 6)), ("test", range(6, 9))):
        arrays[f"{part}_images"] = np.stack([draw(number, (28, 28)) for number in numbers])
        arrays[f"{part}_labels"] = np.array([[number % 2] for number in numbers])
    np.savez(tmp_path / "set.npz", **arrays)
    run(tmp_path / "set.npz", out)
    store = Store.open(out)
    assert {part: len(rows) for part, rows in store.split().items()} == {
        "train": 4,
        "val": 2,
        "test": 3,
    }
    assert {store.image(row).tobytes() for row in range(9)} == {
        draw(number, (28, 28)).tobytes() for number in range(9)
    }


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_an_archive_gives_the_store_of_its_folder_and_leaves_nothing(
    files: Path, tmp_path: Path, out: Path, kind: str
) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), kind, files))
    before = sorted(path.name for path in tmp_path.iterdir())
    found = run(archive, out, label=["grade"], patient="patient")
    assert found.new == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "store"])
    run(files, tmp_path / "other", label=["grade"], patient="patient")
    assert Store.open(out).fingerprint == Store.open(tmp_path / "other").fingerprint
    again = run(archive, out, label=["grade"], patient="patient")
    assert (again.new, again.stored) == (0, 8)


def test_a_changed_archive_is_unpacked_anew_after_a_failed_run(
    files: Path, tmp_path: Path, out: Path
) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", files))
    with pytest.raises(DataError, match="must have a column 'grad'"):
        run(archive, out, label=["grad"])
    (files / "images" / "7.png").unlink()
    Path(shutil.make_archive(str(tmp_path / "packed"), "zip", files))
    assert run(archive, out, label=["grade"]).stored == 7


def test_what_a_killed_run_unpacked_is_replaced(files: Path, tmp_path: Path, out: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", files))
    left = tmp_path / ".store.unpacked" / "content"
    left.mkdir(parents=True)
    (left / "half.png").write_bytes(b"half")
    assert run(archive, out).stored == 8
    assert not left.parent.exists()


def test_two_runs_do_not_share_what_they_unpack(files: Path, tmp_path: Path, out: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", files))
    with (
        locked(tmp_path / ".store.unpacked", what="anlage prepare"),
        pytest.raises(DataError, match="one process at a time"),
    ):
        run(archive, out)
