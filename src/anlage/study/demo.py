"""`anlage demo`: the main job from files to answer, on virtual patients, in a few minutes.

Real anatomy (the MNI152 brain) is bent into virtual patients with simulated lesions; their
pictures and volumes are written as files, prepared, and two studies are run: slices in 2D,
classified and segmented, and small volumes in 3D, segmented.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anlage.data.cohort import write_cohort
from anlage.data.phantoms import CohortConfig
from anlage.data.prepare import prepare
from anlage.progress import say, track
from anlage.study.run import StudyOutcome, study

__all__ = ["demo"]

_SLICES = CohortConfig(patients=2000, dims=2, size=64, lesion_mm=(20.0, 44.0), lesion_contrast=1.0)
_VOLUMES = CohortConfig(
    patients=60,
    dims=3,
    size=32,
    lesion_mm=(36.0, 50.0),
    lesion_contrast=1.0,
    lesion_share=1.0,
    classes=("bright",),
)

_STUDY_2D: dict[str, Any] = {
    "tasks": [
        {"task": "classification", "label": ["age_group"]},
        {
            "task": "segmentation",
            "options": {"is_merged": True},
            "adapt": {"min_steps": 80, "max_steps": 80},
        },
    ],
    "strategies": [{"method": "simclr"}, {"method": "mae", "settings": {"steps": 150}}],
    "budgets": ["5-shot"],
    "rungs": ["linear", "finetune"],
    "pretrain": {
        "encoder": "resnet10",
        "encoder_options": {"base_width": 32},
        "image_size": [48],
        "steps": 550,
        "batch_size": 64,
    },
    "adapt": {"min_steps": 200, "max_steps": 200, "batch_size": 16},
    "learning_rates": [1e-3],
    "pretrain_seeds": 1,
    "draws": 3,
    "is_crossed": False,
}
_STUDY_3D: dict[str, Any] = {
    "tasks": [{"task": "segmentation", "options": {"is_merged": True}}],
    "strategies": [{"method": "mae"}],
    "budgets": ["10-shot"],
    "rungs": ["finetune"],
    "pretrain": {"encoder": "resnet10", "image_size": [24], "steps": 40, "batch_size": 8},
    "adapt": {"min_steps": 60, "max_steps": 60, "batch_size": 4},
    "learning_rates": [3e-3],
    "pretrain_seeds": 1,
    "draws": 2,
    "is_crossed": False,
}


def demo(*, out: str | Path = "runs/demo") -> StudyOutcome:
    """Run the main job on a virtual cohort: write, prepare, pretrain, study, report.

    Args:
        out: Folder for everything; the same command goes on where it stopped.

    Returns:
        How the study of slices ended; its report is ``out/report.html``.

    Raises:
        ConfigError: If the extra ``demo`` is not installed.
    """
    root = Path(out)
    say("Virtual patients: MNI152 anatomy with simulated lesions. No real patient is shown.")
    slices = _store(root / "slices", _SLICES)
    volumes = _store(root / "volumes", _VOLUMES)
    small = study(volumes, out=root / "volumes" / "study", **_STUDY_3D)
    if small.exit_code:
        return small
    return study(slices, out=root, **_STUDY_2D)


def _store(folder: Path, config: CohortConfig) -> Path:
    """Write one cohort as files and prepare it like any user's data."""
    with track("Drawing patients", config.patients, unit="patients") as advance:
        write_cohort(folder / "files", config=config, progress=lambda _done, _total: advance(1, ""))
    return prepare(
        folder / "files",
        out=folder / "store",
        modality="mri",
        label=["lesion", "age_group"],
        patient="patient",
        site="site",
    ).store
