"""How long does a random crop take: from the store, from its peers, and by a plain copy?

Synthetic CT-like volumes are written as NIfTI, prepared into a store, and given to the peers in
the form that each of them keeps. Every contender then reads crops at random places of random
volumes, in turns within one run. The page cache is warm: each file was read in full before.

- store: ``Store.crop`` into a given array, int16.
- MONAI: ``PersistentDataset`` with ``LoadImaged`` and ``RandSpatialCropd``, as it comes (float32),
  and with int16.
- blosc2: as nnU-Net v2 keeps preprocessed cases: float32, zstd level 8, chunks and blocks by its
  rule, opened per case through a memory map, one thread; and the same with int16.
- memcpy: as many contiguous bytes as one crop has, from a random place in memory.

Prints one Markdown table: medians over rounds of the mean time per crop, with 95 % bootstrap
intervals, and ratios that are taken round by round.

    python benchmarks/bench_store.py
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import blosc2
import nibabel
import numpy as np
import torch
from monai.data import PersistentDataset
from monai.transforms import Compose, LoadImaged, RandSpatialCropd
from torch.nn import functional as F

from anlage.data.prepare import prepare
from anlage.data.store import Store

SHAPE = (192, 192, 160)
EDGE = 96
# what nnU-Net's rule gives for this shape, a patch of 96^3 and its default cache sizes
BLOSC2_GRIDS = {
    "float32": {"blocks": (1, 16, 16, 16), "chunks": (1, 80, 64, 64)},
    "int16": {"blocks": (1, 32, 16, 16), "chunks": (1, 160, 64, 64)},
}

Reader = Callable[[int, tuple[int, ...]], object]


def write_volumes(folder: Path, count: int, rng: np.random.Generator) -> list[Path]:
    """Write bodies of soft tissue in air, with structure and detector noise, in HU."""
    axes = np.meshgrid(*(np.linspace(-1, 1, edge) for edge in SHAPE), indexing="ij")
    is_body = sum(axis**2 for axis in axes) < 0.9
    paths = []
    for number in range(count):
        coarse = torch.from_numpy(rng.standard_normal((1, 1, 24, 24, 20)).astype(np.float32))
        tissue = F.interpolate(coarse, SHAPE, mode="trilinear")[0, 0].numpy()
        noise = rng.standard_normal(SHAPE, dtype=np.float32)
        hounsfield = np.where(is_body, 40 + 60 * tissue, -1000) + 12 * noise
        path = folder / f"case{number:03}.nii"
        nibabel.save(nibabel.Nifti1Image(hounsfield.astype(np.int16), np.eye(4)), path)
        paths.append(path)
    return paths


def store_reader(paths: list[Path], work: Path) -> tuple[Reader, Store]:
    prepare(paths[0].parent, out=work / "store", modality="ct", workers=0)
    store = Store.open(work / "store")
    assert store.meta.dtype == "int16"
    out = np.empty((1, EDGE, EDGE, EDGE), dtype=np.int16)
    shape = (EDGE,) * 3
    return (lambda row, start: store.crop(row, start, shape, out)), store


def monai_reader(paths: list[Path], work: Path, dtype: str) -> Reader:
    steps = Compose(
        [
            LoadImaged("image", ensure_channel_first=True, dtype=np.dtype(dtype)),
            RandSpatialCropd("image", roi_size=EDGE, random_size=False),
        ]
    )
    items = [{"image": str(path)} for path in paths]
    dataset = PersistentDataset(items, steps, cache_dir=work / f"monai-{dtype}")
    for row in range(len(dataset)):
        crop = dataset[row]["image"]
        assert tuple(crop.shape) == (1, EDGE, EDGE, EDGE)
        assert str(crop.dtype) == f"torch.{dtype}"
    return lambda row, _start: dataset[row]


def blosc2_reader(store: Store, work: Path, dtype: str) -> Reader:
    blosc2.set_nthreads(1)
    folder = work / f"blosc2-{dtype}"
    folder.mkdir()
    settings = {"codec": blosc2.Codec.ZSTD, "clevel": 8}
    for row in range(len(store)):
        volume = np.ascontiguousarray(store.image(row))
        if dtype == "float32":
            volume = ((volume - volume.mean()) / volume.std()).astype(np.float32)
        place = str(folder / f"{row:03}.b2nd")
        blosc2.asarray(
            volume, urlpath=place, cparams=settings, mmap_mode="w+", **BLOSC2_GRIDS[dtype]
        )

    def read(row: int, start: tuple[int, ...]) -> object:
        case = blosc2.open(
            urlpath=str(folder / f"{row:03}.b2nd"),
            mode="r",
            dparams={"nthreads": 1},
            mmap_mode="r",
        )
        return case[(slice(None), *(slice(low, low + EDGE) for low in start))]

    return read


def memcpy_reader(store: Store, rng: np.random.Generator) -> Reader:
    memory = np.concatenate([np.asarray(store.image(row)).ravel() for row in range(len(store))])
    out = np.empty(EDGE**3, dtype=memory.dtype)
    last = len(memory) - len(out)

    def read(_row: int, _start: tuple[int, ...]) -> None:
        low = int(rng.integers(last))
        np.copyto(out, memory[low : low + len(out)])

    return read


def timed(readers: dict[str, Reader], rounds: int, count: int, rng: np.random.Generator):
    """Return ms per crop, (rounds,), of each reader; all read the same places in a round."""
    found: dict[str, list[float]] = {name: [] for name in readers}
    for number in range(-1, rounds):  # the first one warms up
        places = [
            (int(row), tuple(int(rng.integers(edge - EDGE + 1)) for edge in SHAPE))
            for row in rng.permutation(count)
        ]
        for name in rng.permutation(list(readers)).tolist():
            read = readers[name]
            start = time.perf_counter()
            for row, low in places:
                read(row, low)
            if number >= 0:
                found[name].append((time.perf_counter() - start) / len(places) * 1e3)
    return {name: np.array(values) for name, values in found.items()}


def median(values: np.ndarray, digits: int) -> str:
    rng = np.random.default_rng(0)
    draws = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{np.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def machine() -> str:
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    packages = ("numpy", "torch", "monai", "blosc2")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    load = os.getloadavg()[0]
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, load {load:.1f}; "
        f"Python {platform.python_version()}, {versions}; commit {commit or 'unknown'}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volumes", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    rng = np.random.default_rng(options.seed)
    work = Path(tempfile.mkdtemp(prefix="bench-store-"))
    try:
        (work / "files").mkdir()
        paths = write_volumes(work / "files", options.volumes, rng)
        read, store = store_reader(paths, work)
        readers = {"store": read}
        for dtype in ("float32", "int16"):
            readers[f"MONAI PersistentDataset, {dtype}"] = monai_reader(paths, work, dtype)
        shutil.rmtree(work / "files")
        for dtype in ("float32", "int16"):
            readers[f"blosc2, {dtype}"] = blosc2_reader(store, work, dtype)
        readers["memcpy"] = memcpy_reader(store, rng)
        folders = [path for path in work.iterdir() if path.name != "store"]
        sizes = {"store": folder_mb(work / "store")}
        for name in readers:
            for folder in folders:
                kind, dtype = folder.name.split("-")
                if name.lower().startswith(kind) and name.endswith(dtype):
                    sizes[name] = folder_mb(folder)
        found = timed(readers, options.rounds, options.volumes, rng)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report(found, sizes, options)


def report(found: dict[str, np.ndarray], sizes: dict[str, float], options) -> None:
    print(
        f"\nA random {EDGE}^3 crop of one of {options.volumes} volumes of "
        f"{'x'.join(map(str, SHAPE))}, page cache warm, one thread, {options.rounds} rounds of "
        f"{options.volumes} crops, seed {options.seed}. Median over rounds (95 % interval).\n\n"
        f"{machine()}\n"
    )
    aims = {
        "MONAI PersistentDataset, float32": ">= 20 x",
        "blosc2, float32": ">= 5 x",
        "memcpy": ">= 0.5 x",
    }
    print("| reader | ms per crop | time / time of the store | aim | MB on disk |")
    print("|---|---|---|---|---|")
    for name, values in found.items():
        ratio = "1" if name == "store" else f"{median(values / found['store'], 2)} x"
        size = f"{sizes[name]:,.0f}" if name in sizes else ""
        print(f"| {name} | {median(values, 3)} | {ratio} | {aims.get(name, '')} | {size} |")
    slower = median(found["store"] / found["memcpy"], 2)
    print(f"\nThe store takes {slower} times as long as memcpy of the same bytes (aim: <= 2).")


if __name__ == "__main__":
    main()
