"""What 255 means in label maps, decided once for a whole store."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.data.verify import verify
from anlage.errors import ConfigError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


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
