"""What every test may rely on: its own home folder, no network, one thread, and tiny stores."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anlage.data.cohort import write_cohort
from anlage.data.phantoms import CohortConfig
from anlage.data.prepare import prepare

_KEY = bytes(range(32))  # the same ids, and so the same groups and splits, on every machine
_LESIONS: dict[str, Any] = {
    "size": 32,
    "lesion_mm": (24.0, 44.0),
    "lesion_contrast": 1.0,
    "lesion_share": 0.5,
    "classes": ("dark",),
}
_SLICES = CohortConfig(patients=40, dims=2, **_LESIONS)
_VOLUMES = CohortConfig(patients=20, dims=3, **_LESIONS)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep identity keys and settings of this machine's user out of the tests."""
    home = tmp_path_factory.mktemp("home")
    key = home / "identity.key"
    key.write_text(_KEY.hex())
    key.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANLAGE_HOME", str(home))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The last bits of a result depend on the number of threads."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Refuse every address but this machine's own, which processes of one run talk over."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _only_here(getattr(socket.socket, name)))
        yield


def _only_here(call: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise AssertionError(f"tests have no network, but something wants {address}")
        return call(self, *arguments)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", socket.gethostname()}


@pytest.fixture(scope="session")
def slices_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual cohort as files: 40 patients, one 32 x 32 picture each, masks, labels.csv."""
    return write_cohort(tmp_path_factory.mktemp("slices") / "files", config=_SLICES)


@pytest.fixture(scope="session")
def volumes_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual cohort as files: 20 patients, one volume of 32 voxels edge each."""
    return write_cohort(tmp_path_factory.mktemp("volumes") / "files", config=_VOLUMES)


@pytest.fixture(scope="session")
def slices_store(slices_files: Path) -> Path:
    """A 2D store with label maps and the labels lesion (none, dark), side and age."""
    return _prepared(slices_files)


@pytest.fixture(scope="session")
def volumes_store(volumes_files: Path) -> Path:
    """A 3D store with label maps and the labels lesion (none, dark), side and age."""
    return _prepared(volumes_files)


def _prepared(files: Path) -> Path:
    """Prepare a cohort; tests must not write into it."""
    return prepare(
        files,
        out=files.parent / "store",
        modality="mri",
        label=["lesion", "side", "age"],
        patient="patient",
        site="site",
        workers=0,
    ).store
