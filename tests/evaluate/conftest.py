"""Tiny fine-tuned models, and stores of images of several sizes."""

import nibabel as nib
import numpy as np
import pytest

from anlage.data.prepare import prepare
from anlage.train.finetune import finetune
from anlage.train.notices import warn

QUICK = {
    "start": "scratch",
    "encoder": "resnet10",
    "image_size": [32],
    "device": "cpu",
    "adapt": {"min_steps": 2, "max_steps": 2, "batch_size": 4},
}


@pytest.fixture(scope="session")
def classifier(slices_store, tmp_path_factory):
    """Run folder of a 2D classifier of lesions."""
    out = tmp_path_factory.mktemp("classifier") / "run"
    assert finetune(
        slices_store, out=out, task="classification", label=["lesion"], **QUICK
    ).status == ("finished")
    return out


@pytest.fixture(scope="session")
def segmenter(volumes_store, tmp_path_factory):
    """Run folder of a 3D segmenter of lesions that is shown windows."""
    out = tmp_path_factory.mktemp("segmenter") / "run"
    outcome = finetune(volumes_store, out=out, task="segmentation", field="window", **QUICK)
    assert outcome.status == "finished"
    return out


@pytest.fixture(scope="session")
def odd_store(tmp_path_factory):
    """Volumes with label maps of several odd sizes, one per patient."""
    root = tmp_path_factory.mktemp("odd")
    rng = np.random.default_rng(0)
    lines = ["image,mask,patient"]
    shapes = [(21, 33, 17), (33, 20, 18), (18, 18, 18), (35, 25, 20), (31, 31, 16), (24, 29, 22)]
    for number, shape in enumerate(shapes):
        voxels = rng.normal(100, 10, shape).astype(np.float32)
        mask = np.zeros(shape, np.uint8)
        mask[3 : 3 + number + 4, 5:12, 4:10] = 1
        voxels[mask > 0] = 255
        for name, values in (("i", voxels), ("m", mask)):
            nib.save(nib.Nifti1Image(values, np.eye(4)), root / f"{name}{number}.nii.gz")
        lines.append(f"i{number}.nii.gz,m{number}.nii.gz,{number}")
    table = root / "labels.csv"
    table.write_text("\n".join(lines))
    return prepare(
        root,
        out=root / "store",
        modality="mri",
        labels=table,
        mask="mask",
        patient="patient",
        workers=0,
    ).store


@pytest.fixture(autouse=True)
def _nothing_said_before():
    """Warnings are said once per process; every test is to hear its own."""
    warn.cache_clear()
