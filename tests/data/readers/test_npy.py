"""NumPy arrays: how axes and values are read, and rows of tables."""

from __future__ import annotations

import io
import os
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlage.data.readers import Limits, RawImage, Source, _npy_header, _npz_rows
from anlage.data.readers.npy import Npy
from anlage.errors import DataError

RANDOM = np.random.default_rng(0)


def read(path: Path, entry: str | None = None, limits: Limits | None = None) -> RawImage:
    source = Source(paths=(path,), entry=entry)
    image = Npy().read(source, limits or Limits())
    header = Npy().header(source, limits or Limits())
    assert (header.shape, header.bits) == (image.pixels.shape, image.bits)
    assert header.unit == ("arbitrary" if image.unit == "hu" else image.unit)
    assert (image.affine, image.spacing_mm) == (None, None)
    assert image.pixels.flags.c_contiguous
    return image


def refused(path: Path, words: str, entry: str | None = None, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Npy().read(Source(paths=(path,), entry=entry), limits or Limits())
    assert path.name not in str(caught.value)


def saved(path: Path, values: Any) -> Path:
    np.save(path, values)
    return path


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((4, 5), None),
        ((4, 5, 1), (2, 0, 1)),
        ((4, 5, 3), (2, 0, 1)),
        ((4, 5, 6), None),
        ((4, 5, 6, 1), (3, 0, 1, 2)),
        ((4, 5, 6, 16), (3, 0, 1, 2)),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_axes_of_a_file(tmp_path: Path, shape: Any, axes: Any, order: Any) -> None:
    values = np.asarray(RANDOM.integers(0, 256, shape, np.uint8), order=order)
    expected = values[None] if axes is None else values.transpose(axes)
    np.testing.assert_array_equal(read(saved(tmp_path / "a.npy", values)).pixels, expected)
    np.savez_compressed(tmp_path / "a.npz", only=values)
    np.testing.assert_array_equal(read(tmp_path / "a.npz").pixels, expected)
    np.testing.assert_array_equal(read(tmp_path / "a.npz", "only").pixels, expected)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 17), (2, 2, 2, 2, 2)])
def test_other_axes_are_refused(tmp_path: Path, shape: Any) -> None:
    path = saved(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    refused(path, r"must be \(H, W\), \(H, W, 3\)")


@pytest.mark.parametrize(
    ("dtype", "kept", "bits", "unit"),
    [
        (np.bool_, np.uint8, 1, "display"),
        (np.uint8, np.uint8, 8, "display"),
        (">u2", np.uint16, 16, "display"),
        (np.int16, np.int16, 16, "arbitrary"),
        (np.int64, np.int32, 64, "arbitrary"),
        (np.float16, np.float32, 0, "arbitrary"),
        (np.float64, np.float32, 0, "arbitrary"),
    ],
)
def test_types(tmp_path: Path, dtype: Any, kept: Any, bits: int, unit: str) -> None:
    values = np.eye(4, 5).astype(dtype)
    image = read(saved(tmp_path / "a.npy", values))
    np.testing.assert_array_equal(image.pixels[0], values)
    assert (image.pixels.dtype, image.bits, image.unit) == (np.dtype(kept), bits, unit)


def test_values(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    assert read(saved(path, np.full((2, 2), -1000, np.int16))).unit == "hu"
    image = read(saved(path, np.array([[np.nan, 2.0]])))
    np.testing.assert_array_equal(image.pixels, [[[2, 2]]])
    assert image.notes == ("1 of 2 numbers were NaN or infinity: set to the smallest one",)
    refused(saved(path, np.full((2, 2), 2**40)), "must fit int32")


@pytest.fixture
def medmnist(tmp_path: Path) -> Path:
    path = tmp_path / "medmnist.npz"
    np.savez_compressed(
        path,
        train_images=RANDOM.integers(0, 256, (9, 6, 7), np.uint8),
        val_images=RANDOM.integers(0, 256, (5, 6, 7, 3), np.uint8),
        test_images=RANDOM.integers(0, 256, (3, 4, 6, 7), np.uint8),  # (N, D, H, W)
        train_labels=np.zeros((9, 1), np.uint8),
    )
    return path


@pytest.fixture(params=["whole", "streamed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read members into memory, or row by row."""
    if request.param == "streamed":
        monkeypatch.setattr(_npz_rows, "_WHOLE_BYTES", 0)
        monkeypatch.setattr(_npz_rows, "_CHUNK", 10)
    return str(request.param)


def test_rows_in_any_order(medmnist: Path, way: str) -> None:
    arrays = np.load(medmnist)
    for row in (0, 1, 5, 5, 2, 8, 0):
        image = read(medmnist, f"train_images:{row}")
        np.testing.assert_array_equal(image.pixels[0], arrays["train_images"][row])
    for row in (4, 0):
        image = read(medmnist, f"val_images:{row}")
        np.testing.assert_array_equal(image.pixels, np.moveaxis(arrays["val_images"][row], -1, 0))
    volume = read(medmnist, "test_images:2")
    np.testing.assert_array_equal(volume.pixels[0], arrays["test_images"][2].transpose(2, 1, 0))


def test_rows_are_not_changed_by_their_reader(medmnist: Path, way: str) -> None:
    first = read(medmnist, "train_images:3")
    first.pixels[:] = 0
    np.testing.assert_array_equal(
        read(medmnist, "train_images:3").pixels[0], np.load(medmnist)["train_images"][3]
    )


def test_ascending_rows_inflate_once(medmnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_npz_rows, "_WHOLE_BYTES", 0)
    opened = []
    original = zipfile.ZipFile.open

    def counted(self: zipfile.ZipFile, *args: Any, **options: Any) -> Any:
        opened.append(args)
        return original(self, *args, **options)

    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    for row in range(9):
        read(medmnist, f"train_images:{row}")
    assert len(opened) == 1
    read(medmnist, "train_images:0")
    assert len(opened) == 2


def test_changed_file_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for value in (1, 2):
        np.savez(path, images=np.full((2, 3, 3), value, np.uint8))
        os.utime(path, ns=(value, value))
        assert (read(path, "images:0").pixels == value).all()


def test_entries(medmnist: Path, tmp_path: Path, way: str) -> None:
    refused(medmnist, "with 4 arrays needs the name of one")
    refused(medmnist, "no such array", "images:0")
    refused(medmnist, "a row must be from 0 to 8, got 9", "train_images:9")
    for entry in ("train_images:-1", "train_images:x", "", "a:b:c", ":3"):
        refused(medmnist, "an entry must be the name", entry)
    refused(medmnist, r"got \(1,\)", "train_labels:0")
    refused(saved(tmp_path / "a.npy", np.eye(3)), "only in an .npz file", "a:0")
    refused(tmp_path / "gone.npz", "No such file")


def test_streamed_fortran_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    table = np.asfortranarray(RANDOM.integers(0, 9, (4, 5, 6), np.uint8))
    np.savez(path, table=table)
    np.testing.assert_array_equal(read(path, "table:2").pixels[0], table[2])
    monkeypatch.setattr(_npz_rows, "_WHOLE_BYTES", 0)
    refused(path, "must be stored row by row", "table:2")


def test_recognises() -> None:
    assert Npy().recognises(Path("-"), b"\x93NUMPY\x01\x00")
    assert Npy().recognises(Path("a.npz"), b"PK\x03\x04")
    assert not Npy().recognises(Path("a.zip"), b"PK\x03\x04")


def test_headers_are_parsed_one_at_a_time(monkeypatch):
    """Two threads in ast.literal_eval at once raise SystemError in CPython 3.11, now and then."""
    inside, most = [], []

    def read(stream):
        inside.append(stream)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(stream)
        return (2, 2), False, np.dtype("uint8")

    monkeypatch.setattr(_npy_header.npy, "read_array_header_1_0", read)
    streams = [io.BytesIO() for _ in range(4)]
    for stream in streams:
        np.save(stream, np.zeros((2, 2), np.uint8))
        stream.seek(0)
    with ThreadPoolExecutor(4) as pool:
        assert [one.shape for one in pool.map(_npy_header.npy_header, streams)] == [(2, 2)] * 4
    assert most == [1] * 4
