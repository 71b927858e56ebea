"""The data report: what it counts, what it shows, and that it shows nothing unsafe."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anlage.data.importers import Problem
from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.data.summary import display, upright, write_summary


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory, write_source) -> Store:
    folder = tmp_path_factory.mktemp("flat")
    ages = [str(20 + number) for number in range(21)]
    files = write_source(folder / "files", 21, with_masks=True, columns={"age": ages})
    prepare(files, out=folder / "store", label=["grade", "age"], patient="patient", workers=0)
    return Store.open(folder / "store")


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory, write_source) -> Store:
    folder = tmp_path_factory.mktemp("deep")
    files = write_source(folder / "files", 4, shape=(12, 10, 8))
    prepare(files, out=folder / "store", modality="mri", workers=0)
    return Store.open(folder / "store")


@pytest.fixture
def copy(flat: Store, tmp_path: Path) -> Store:
    return Store.open(shutil.copytree(flat.root, tmp_path / "store"))


def page(store: Store, **known) -> str:
    write_summary(store, **{"problems": [], "notes": [], **known})
    return (store.root / "report.html").read_text(encoding="utf-8")


def test_counts_of_the_store_are_on_the_page(copy: Store) -> None:
    text = page(copy)
    for fact in (
        "<th>images<td>21 (2D, 1 channel)",
        "<th>patients or groups<td>21",
        "<th>sizes<td>40 x 40 (21)",
        "<th>spacing, mm<td>not stated (21)",
        "<th>label maps<td>21",
        "<th>stored values<td>uint8, display",
        "<th>quarantined<td>0",
        "<th>low<td>11 (52.4%)",
        "<th>5 / 50 / 95 %<td>21 / 30 / 39",
    ):
        assert fact in text, fact


def test_problems_and_notes_are_on_the_page_and_escaped(copy: Store) -> None:
    problems = [Problem(key="a", reason="<script>alert(1)</script>")] * 3
    text = page(copy, problems=problems, notes=["5 < 6 & so on"])
    assert "<th>3<td>&lt;script&gt;" in text
    assert "<li>5 &lt; 6 &amp; so on" in text
    assert "<script>" not in text


def test_label_values_are_escaped(tmp_path: Path, write_source) -> None:
    files = write_source(tmp_path / "files", columns={"grade": ["<img src=x>"] * 8})
    prepare(files, out=tmp_path / "store", label=["grade"], workers=0)
    assert "<img src=x>" not in (tmp_path / "store" / "report.html").read_text()


def test_the_contact_sheet_shows_the_images(copy: Store) -> None:
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page(copy))
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert sheet.shape == (2 * 96, 12 * 96, 3)
    for row in (0, 13):
        down, right = row // 12 * 96 + 2, row % 12 * 96 + 2
        tile = sheet[down : down + 40, right : right + 40]
        np.testing.assert_array_equal(tile, display(copy, row))


def test_the_page_loads_nothing_from_elsewhere(copy: Store) -> None:
    sources = re.findall(r"(?:src|href)=(.{6})", page(copy))
    assert sources == ['"data:']
    assert "http" not in page(copy)


def test_volumes_are_shown_by_their_middle_slice_with_the_front_up(deep: Store) -> None:
    shown = display(deep, 0)
    assert shown.shape == (10, 12, 3)
    plane = np.asarray(deep.image(0)[0, :, :, 4], dtype=np.float32)
    expected = np.rot90(plane)
    assert np.corrcoef(shown[..., 0].ravel(), expected.ravel())[0, 1] > 0.999
    assert not np.array_equal(display(deep, 0, depth=0), shown)
    assert (shown.min(), shown.max()) == (0, 255)
    assert "<th>sizes<td>12 x 10 x 8 (4)" in page(deep)


def test_upright_turns_right_and_front_into_columns_and_rows() -> None:
    plane = np.zeros((3, 2))  # (X, Y)
    plane[2, 1] = 1  # right and front
    assert np.argwhere(upright(plane)).tolist() == [[0, 2]]


def test_pictures_are_shown_as_they_are(flat: Store) -> None:
    for channel in range(3):
        np.testing.assert_array_equal(display(flat, 5)[..., channel], flat.image(5)[0])


def test_colour_is_shown_in_colour(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 20, 20, 3), np.uint8)
    (tmp_path / "files").mkdir()
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(tmp_path / "files" / f"{number}.png")
    prepare(tmp_path / "files", out=tmp_path / "store", workers=0)
    store = Store.open(tmp_path / "store")
    shown = {display(store, row).tobytes() for row in range(6)}
    assert shown == {picture.tobytes() for picture in pixels}


def test_warnings_stand_out_among_the_notes(copy: Store) -> None:
    text = page(copy, notes=["layout: manifest", "warning: all <images> are grey"])
    assert "<li>layout: manifest<li><strong>warning: all &lt;images&gt; are grey</strong>" in text
