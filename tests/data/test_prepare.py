"""From files to a store, end to end: 2D and 3D, folders, tables, archives and arrays."""

from __future__ import annotations

import csv
import json
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


@pytest.fixture
def files(tmp_path: Path, write_source) -> Path:
    return write_source(tmp_path / "files", with_masks=True)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "store"


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def quarantine(out: Path) -> list[str]:
    with (out / "quarantine.csv").open(newline="") as file:
        return [row["reason"] for row in csv.DictReader(file)]


def content(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


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


def test_a_second_run_does_nothing(files: Path, out: Path) -> None:
    first = run(files, out, label=["grade"], patient="patient")
    before = content(out)
    second = run(files, out, label=["grade"], patient="patient")
    assert (first.new, second.new, second.stored) == (8, 0, 8)
    assert content(out) == before


def test_workers_make_the_same_bytes(files: Path, out: Path, tmp_path: Path) -> None:
    run(files, out, workers=2)
    run(files, tmp_path / "here", workers=0)
    assert content(out) == content(tmp_path / "here")


def test_new_and_changed_files_are_added_and_lost_ones_left_out(
    files: Path, out: Path, draw
) -> None:
    run(files, out)
    Image.fromarray(draw(50)).save(files / "images" / "0.png")
    Image.fromarray(draw(51)).save(files / "images" / "new.png")
    (files / "images" / "3.png").unlink()
    found = run(files, out)
    assert (found.new, found.stored) == (2, 8)
    store = Store.open(out)
    assert verify(out) == []
    expected = {draw(number).tobytes() for number in (1, 2, 4, 5, 6, 7, 50, 51)}
    assert {store.image(row).tobytes() for row in range(8)} == expected


def test_unreadable_files_are_listed_with_a_reason_and_the_run_goes_on(
    files: Path, out: Path
) -> None:
    whole = (files / "images" / "0.png").read_bytes()
    damage = {
        "cut.png": whole[: len(whole) // 2],
        "empty.png": b"",
        "page.png": b"<html>not found</html>",
        "text.png": b"hello " * 50,
    }
    for name, data in damage.items():
        (files / "images" / name).write_bytes(data)
    found = run(files, out)
    assert (found.stored, found.quarantined) == (8, 4)
    reasons = quarantine(out)
    assert len(reasons) == 4
    assert all(len(reason) > 20 for reason in reasons)
    assert any("empty" in reason for reason in reasons)
    assert "<h2>Quarantined</h2>" in (out / "report.html").read_text()


def test_strict_fails_on_any_unreadable_file(files: Path, out: Path) -> None:
    (files / "images" / "bad.png").write_bytes(b"bad")
    with pytest.raises(DataError, match=r"with --strict, got 1 that are not: see .*quarantine"):
        run(files, out, strict=True)
    assert len(quarantine(out)) == 1


def test_nothing_readable_is_an_error(tmp_path: Path, out: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.png").write_bytes(b"bad")
    with pytest.raises(DataError, match="at least one image must be readable, got 1"):
        run(tmp_path / "files", out)
    assert not (out / "store.json").exists()


def test_an_image_that_fails_late_is_set_aside_too(files: Path, out: Path) -> None:
    """Its header is fine, so that only decoding finds out."""
    whole = (files / "images" / "0.png").read_bytes()
    (files / "images" / "0.png").write_bytes(whole[:-30])
    found = run(files, out)
    assert (found.stored, found.quarantined) == (7, 1)
    assert "decodable to its end" in quarantine(out)[0]


def test_labels_and_images_that_do_not_meet(files: Path, out: Path, draw) -> None:
    (files / "images" / "2.png").unlink()
    Image.fromarray(draw(30)).save(files / "images" / "extra.png")
    found = run(files, out, label=["grade"])
    assert (found.stored, found.quarantined) == (8, 1)
    assert quarantine(out) == ["labels without an image, line 4 of the table."]
    store = Store.open(out)
    assert sorted(map(str, store.labels("grade"))) == ["None", *["high"] * 4, *["low"] * 3]
    row = store.labels("grade").index(None)
    np.testing.assert_array_equal(store.image(row)[0], draw(30))
    assert store.mask(row) is None


def test_a_label_map_on_another_grid_is_set_aside(files: Path, out: Path) -> None:
    Image.fromarray(np.zeros((40, 39), np.uint8)).save(files / "masks" / "4.png")
    found = run(files, out)
    assert (found.stored, found.quarantined) == (7, 1)
    assert "got 40x39 for an image of 40x40" in quarantine(out)[0]


def _masks(files: Path, values: list[tuple[int, ...]]) -> None:
    for number, held in enumerate(values):
        mask = np.resize(np.array(held, np.uint8), (40, 40))
        Image.fromarray(mask).save(files / "masks" / f"{number}.png")


def _numbers(out: Path) -> set[int]:
    store = Store.open(out)
    masks = [store.mask(row) for row in range(len(store))]
    crops = np.full((len(store), 6, 6), 9, np.int16)
    for row, mask in enumerate(masks):
        store.crop_mask(row, (2, 3), (6, 6), crops[row])
        np.testing.assert_array_equal(crops[row], mask[2:8, 3:9])
    return set(np.unique(np.stack(masks)).tolist())


def test_black_and_white_label_maps_hold_class_1(files: Path, out: Path) -> None:
    _masks(files, [(0, 255)] * 6 + [(0,), (255,)])
    found = run(files, out)
    assert _numbers(out) == {0, 1}
    (said,) = (note for note in found.notes if note.startswith("label maps:"))
    meta = Store.open(out).meta
    assert (meta.label_maps, meta.label_maps_because) == ("black_white", said)
    assert "255 is read as class 1; of 8, 7 hold only 0 and 255" in said
    assert said in (out / "report.html").read_text()
    assert verify(out) == []


def test_255_beside_other_classes_stays_what_it_is_in_every_label_map(
    files: Path, out: Path
) -> None:
    _masks(files, [(0, 255)] * 7 + [(0, 1, 2)])
    found = run(files, out)
    assert _numbers(out) == {0, 1, 2, 255}
    meta = Store.open(out).meta
    assert meta.label_maps == "numbers"
    assert any("so 255 counts as a class" in note for note in meta.notes)
    assert any("--label-maps black_white" in note for note in found.notes)


@pytest.mark.parametrize(
    ("asked", "numbers"), [("black_white", {0, 1, 2}), ("numbers", {0, 1, 2, 255})]
)
def test_the_user_can_say_what_255_means(
    files: Path, out: Path, asked: str, numbers: set[int]
) -> None:
    _masks(files, [(0, 255)] * 7 + [(0, 1, 2)])
    run(files, out)
    assert run(files, out, label_maps=asked).new == 0
    assert _numbers(out) == numbers
    assert not any("255" in note for note in Store.open(out).meta.notes)
    with pytest.raises(ConfigError, match="got 'grey'"):
        run(files, out, label_maps="grey")


@pytest.mark.parametrize("late", [(0, 1, 2), (0, 1, 255), (0, 255)])
def test_images_that_come_later_change_the_meaning_as_if_all_had_come_at_once(
    tmp_path: Path, write_source, late: tuple[int, ...]
) -> None:
    files = write_source(tmp_path / "files", with_masks=True)
    _masks(files, [(0, 255)] * 7 + [late])
    whole, table = (files / "labels.csv").read_text(), (files / "labels.csv").read_text()
    (files / "labels.csv").write_text("\n".join(table.splitlines()[:-1]) + "\n")
    held_back = (files / "images" / "7.png").read_bytes()
    (files / "images" / "7.png").unlink()
    grown, once = tmp_path / "grown", tmp_path / "once"
    run(files, grown)
    assert _numbers(grown) == {0, 1}
    (files / "images" / "7.png").write_bytes(held_back)
    (files / "labels.csv").write_text(whole)
    assert run(files, grown).new == 1
    run(files, once)
    assert _numbers(grown) == _numbers(once)
    one, other = Store.open(grown), Store.open(once)
    assert one.fingerprint == other.fingerprint
    assert one.meta.label_maps_because == other.meta.label_maps_because


def test_label_maps_that_an_older_version_stored_are_read_again(files: Path, out: Path) -> None:
    _masks(files, [(0, 255)] * 8)
    run(files, out)
    rows = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    for row in rows:
        del row["mask_holds"]
    (out / "journal.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(files, out).new == 8
    assert _numbers(out) == {0, 1}


@pytest.mark.parametrize("key", ["id", "offset", "mask_bytes", "mask_shard", "state", "sha256"])
def test_a_damaged_row_of_the_journal_costs_its_image_a_second_reading(
    files: Path, out: Path, key: str
) -> None:
    run(files, out)
    first, *others = (out / "journal.jsonl").read_text().splitlines(keepends=True)
    (out / "journal.jsonl").write_text("".join([first.replace(f'"{key}"', '"ke~"'), *others]))
    found = run(files, out)
    assert (found.new, found.stored) == (1, 8)
    assert verify(out) == []


def test_a_file_that_got_worse_is_no_longer_in_the_store(files: Path, out: Path) -> None:
    """Only decoding finds out, when an older reading of it is stored already."""
    run(files, out)
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(files / "masks" / "0.png")
    found = run(files, out)
    assert (found.stored, found.quarantined) == (7, 1)
    run(files, out.with_name("once"))
    assert Store.open(out).fingerprint == Store.open(out.with_name("once")).fingerprint
