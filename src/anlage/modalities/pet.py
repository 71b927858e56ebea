"""Positron emission tomography: uptake in SUV, a measurement with noise and little detail."""

from __future__ import annotations

from anlage.modalities import (
    Artefact,
    Corruption,
    Crop,
    Forbidden,
    Hint,
    Pairs,
    Policy,
    Scaling,
    Shortcut,
    ViewRule,
)

__all__ = ["POLICY"]

POLICY = Policy(
    title="positron emission tomography",
    dims=(2, 3),
    colour="grey",
    scaling=Scaling(
        kind="suv",
        windows={"body": (0.0, 20.0), "low": (0.0, 7.0), "hot": (0.0, 50.0)},
        because="standardised uptake is a measurement: never scaled per image",
        source="Boellaard 2015",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        aspect=(0.9, 1.1),
        least_scale=0.25,
        because="small hot lesions fall out of small crops",
        source="R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 30},
            because="patients lie a little tilted",
            source="anatomy",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side or a one-sided organ",
            source="anatomy",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.5,
            params={"sigma": 0.02},
            limits={"sigma": 0.08},
            because="dose, weight and scan time set the noise",
            source="Boellaard 2015",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.5,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.2},
            because="resolution differs by scanner and reconstruction",
            source="Boellaard 2015",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.5,
            params={"brightness": 0.0, "contrast": 0.05},
            limits={"brightness": 0.01, "contrast": 0.1},
            level="avoid",
            because="it moves SUV; only calibration errors of a few percent are real",
            source="Boellaard 2015",
        ),
        "poisson_noise": ViewRule(
            transform="poisson_noise",
            p=0.5,
            params={"sigma": 0.05},
            limits={"sigma": 0.15},
            because="counts are few, and hot places are noisier than cold ones",
            source="Boellaard 2015",
        ),
        "low_resolution": ViewRule(
            transform="low_resolution",
            p=0.2,
            params={"factor": 1.5, "axes": "all"},
            limits={"factor": 2.5},
            level="mild",
            because="voxel sizes differ by scanner",
            source="Boellaard 2015",
        ),
    },
    forbidden={
        "gamma": Forbidden(
            transform="gamma",
            because="it bends the SUV scale, so thresholds of response lose their meaning",
            source="Boellaard 2015",
        ),
        "bias_field": Forbidden(
            transform="bias_field",
            because="attenuation is corrected; a shading would fake uptake",
            source="physics",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation",
            because="colour maps are for the eye; the measurement is grey",
            source="physics",
        ),
        "solarize": Forbidden(
            transform="solarize", because="it turns hot lesions cold", source="physics"
        ),
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="brain and bladder are hot at their own ends of the body",
            source="anatomy",
        ),
        "flip_ap": Forbidden(
            transform="flip",
            params={"axis": "ap"},
            because="front and back of a body do not mirror each other",
            source="anatomy",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="patients lie a little tilted, never turned by 90 degrees",
            source="anatomy",
        ),
    },
    corruption=Corruption(
        ratio=0.5,
        unit=0.125,
        unit_mm=16.0,
        because="uptake of a lesion cannot be guessed from its surroundings: hide less",
        source="R50, R53",
    ),
    pairs=Pairs(
        positive="image",
        never=("scans before and after therapy", "other tracers of the same patient"),
        because="response is exactly the change between two scans",
        source="R17",
    ),
    artefacts={
        "noise": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.02}, {"sigma": 0.05}, {"sigma": 0.1}),
            because="low dose, short scan, heavy patient",
            source="Boellaard 2015",
        ),
        "resolution": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.5, 0.5)}, {"sigma": (1.0, 1.0)}, {"sigma": (1.5, 1.5)}),
            because="older scanner, strong filter",
            source="Boellaard 2015",
        ),
        "calibration": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.0, "contrast": 0.05},
                {"brightness": 0.0, "contrast": 0.1},
                {"brightness": 0.0, "contrast": 0.2},
            ),
            because="wrong clock, residual dose or weight",
            source="Boellaard 2015",
        ),
        "counts": Artefact(
            transform="poisson_noise",
            strengths=(
                {"sigma": 0.04},
                {"sigma": 0.1},
                {"sigma": 0.2},
            ),
            because="low dose, short scan, heavy patient",
            source="Boellaard 2015",
        ),
    },
    shortcuts=(
        Shortcut(
            what="scanner and reconstruction, such as resolution modelling",
            remedy="harmonise by the guideline, predict the scanner from frozen features",
            source="Boellaard 2015; R73",
        ),
        Shortcut(
            what="injection site, bladder and catheter",
            remedy="compare with a probe that sees the background alone",
            source="R73",
        ),
        Shortcut(
            what="arms up or down: frail patients keep them down",
            remedy="report strata",
            source="R72",
        ),
    ),
    hints={
        "fdg": Hint(
            says="Lymphoma and most tumours: window body. Liver and blood pool: window low.",
            source="Boellaard 2015",
        ),
        "psma": Hint(
            says="Kidneys and glands are far hotter than lesions: window hot.", source="physics"
        ),
        "suv_label": Hint(
            says="If SUV itself is the label, name intensity among task_needs.", source="physics"
        ),
    },
    notes=(
        "DICOM in Bq/ml becomes SUV if it says all that takes; convert other files before prepare. "
        "Values that are no SUV are quarantined.",
        "8-bit pictures of PET are already windowed: they are stored as pictures, not as SUV.",
    ),
)
