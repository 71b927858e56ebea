"""Magnetic resonance: numbers without a unit, coil shading, and many ways to move."""

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
    title="magnetic resonance imaging",
    dims=(2, 3),
    colour="grey",
    scaling=Scaling(
        kind="foreground_zscore",
        sequences={"adc": "adc"},
        because="MR numbers have no unit: each image gets mean 0 and deviation 1 in its foreground",
        source="R33",
    ),
    crop=Crop(
        scale=(0.4, 1.0),
        least_scale=0.15,
        because="white-matter lesions of a few millimetres fall out of small crops",
        source="R33, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 15},
            limits={"degrees": 45},
            because="heads and limbs lie a little tilted",
            source="R33",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            level="mild",
            because="safe only while no label names a side",
            source="R33",
        ),
        "bias_field": ViewRule(
            transform="bias_field",
            p=0.5,
            params={"coefficient": 0.2},
            limits={"coefficient": 0.7, "order": 3},
            because="receive coils shade the image",
            source="R33; Perez-Garcia 2021",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.5,
            params={"power": 1.5},
            limits={"power": 3.0},
            because="contrast depends on the sequence and its timing",
            source="R33",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.1, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            because="intensity has no absolute meaning",
            source="R33",
        ),
        "gaussian_noise": ViewRule(
            transform="gaussian_noise",
            p=0.3,
            params={"sigma": 0.03},
            limits={"sigma": 0.1},
            because="noise depends on field strength and time, added after z-scoring",
            source="R33",
        ),
        "gaussian_blur": ViewRule(
            transform="gaussian_blur",
            p=0.3,
            params={"sigma": (0.3, 0.8)},
            limits={"sigma": 1.5},
            level="mild",
            because="slice thickness and voxel size vary",
            source="R33",
        ),
        "rician_noise": ViewRule(
            transform="rician_noise",
            p=0.2,
            params={"sigma": 0.03},
            limits={"sigma": 0.1},
            because="magnitude images have Rician noise",
            source="R33",
        ),
        "low_resolution": ViewRule(
            transform="low_resolution",
            p=0.2,
            params={"factor": 2.0, "axes": "one"},
            limits={"factor": 4.0},
            because="slices are thicker than pixels are wide",
            source="R33; Perez-Garcia 2021",
        ),
        "motion": ViewRule(
            transform="motion",
            p=0.1,
            params={"degrees": 3.0, "translation_mm": 3.0, "movements": 2},
            limits={"degrees": 10.0, "translation_mm": 10.0, "movements": 4},
            because="patients move during minutes of scanning",
            source="R33; Perez-Garcia 2021",
        ),
        "ghosting": ViewRule(
            transform="ghosting",
            p=0.1,
            params={"intensity": 0.4, "ghosts": 6},
            limits={"intensity": 0.8, "ghosts": 10},
            because="breathing and flow leave ghosts",
            source="R33; Perez-Garcia 2021",
        ),
        "spike": ViewRule(
            transform="spike",
            p=0.05,
            params={"intensity": 0.15, "spikes": 1},
            limits={"intensity": 0.5, "spikes": 3},
            because="sparks in the scanner room leave stripes",
            source="R33; Perez-Garcia 2021",
        ),
        "gibbs": ViewRule(
            transform="gibbs",
            p=0.1,
            params={"cut": 0.3},
            limits={"cut": 0.6},
            level="mild",
            because="edges ring where few lines were measured",
            source="physics",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.1, "shear_degrees": 0.0},
            limits={"scale": 1.25, "shear_degrees": 5.0},
            level="mild",
            because="heads and bodies differ in size",
            source="R33",
        ),
        "elastic": ViewRule(
            transform="elastic",
            p=0.2,
            params={"displacement_mm": 4.0, "spacing_mm": 40.0},
            limits={"displacement_mm": 10.0},
            least={"spacing_mm": 20.0},
            level="avoid",
            because="bending resembles atrophy and mass effect, which may be the sign",
            source="anatomy",
        ),
        "kspace_mask": ViewRule(
            transform="kspace_mask",
            p=0.1,
            params={"acceleration": 2.0, "centre": 0.12},
            limits={"acceleration": 6.0},
            least={"centre": 0.06},
            level="avoid",
            because="aliasing of undersampled scans hides small lesions",
            source="physics",
        ),
        "cutout": ViewRule(
            transform="cutout",
            p=0.2,
            params={"area": (0.02, 0.1), "foreground_share": 0.25},
            limits={"area": 0.2, "foreground_share": 0.5},
            level="avoid",
            because="a box may hide a whole lesion, and no scanner leaves boxes out",
            source="R41",
        ),
    },
    forbidden={
        "hue_saturation": Forbidden(
            transform="hue_saturation", because="MRI has no colour", source="R33"
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="inverting only the bright part makes a contrast that no sequence has",
            source="R33",
        ),
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="anatomy has an up and a down that networks need to know where they are",
            source="R33",
        ),
        "flip_ap": Forbidden(
            transform="flip",
            params={"axis": "ap"},
            because="front and back of a body do not mirror each other",
            source="R33",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="heads and limbs lie a little tilted, never turned by 90 degrees",
            source="R33",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        unit_mm=24.0,
        because="60 % to 75 % work equally on brain MRI; the lower share keeps small lesions seen",
        source="R50, R51",
    ),
    pairs=Pairs(
        positive="study",
        never=("visits of different dates", "the left and the right half of a head or body"),
        because="sequences of one visit show one anatomy; between dates disease changes",
        source="R16, R17",
    ),
    artefacts={
        "shading": Artefact(
            transform="bias_field",
            strengths=({"coefficient": 0.2}, {"coefficient": 0.45}, {"coefficient": 0.7}),
            because="surface coils, high field",
            source="R33; Perez-Garcia 2021",
        ),
        "noise": Artefact(
            transform="gaussian_noise",
            strengths=({"sigma": 0.02}, {"sigma": 0.05}, {"sigma": 0.1}),
            because="low field, short scans",
            source="R33",
        ),
        "blur": Artefact(
            transform="gaussian_blur",
            strengths=({"sigma": (0.5, 0.5)}, {"sigma": (1.0, 1.0)}, {"sigma": (1.5, 1.5)}),
            because="larger voxels, small movements",
            source="R33; Perez-Garcia 2021",
        ),
        "motion": Artefact(
            transform="motion",
            strengths=(
                {"degrees": 2.0, "translation_mm": 2.0},
                {"degrees": 5.0, "translation_mm": 5.0},
                {"degrees": 10.0, "translation_mm": 10.0},
            ),
            because="restless patients",
            source="R33; Perez-Garcia 2021",
        ),
        "ghosting": Artefact(
            transform="ghosting",
            strengths=(
                {"intensity": 0.3},
                {"intensity": 0.6},
                {"intensity": 0.9},
            ),
            because="breathing and flow",
            source="R33; Perez-Garcia 2021",
        ),
        "spike": Artefact(
            transform="spike",
            strengths=(
                {"intensity": 0.1},
                {"intensity": 0.3},
                {"intensity": 0.6},
            ),
            because="sparks in the scanner room",
            source="R33; Perez-Garcia 2021",
        ),
        "thick_slices": Artefact(
            transform="low_resolution",
            strengths=(
                {"factor": 2.0},
                {"factor": 4.0},
                {"factor": 6.0},
            ),
            because="thick slices",
            source="R33; Perez-Garcia 2021",
        ),
        "acceleration": Artefact(
            transform="kspace_mask",
            strengths=(
                {"acceleration": 2.0},
                {"acceleration": 4.0},
                {"acceleration": 8.0},
            ),
            because="too few lines measured",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="scanner and coil signature",
            remedy="predict the scanner from frozen features, and report strata",
            source="Glocker 2019; R72, R73",
        ),
        Shortcut(
            what="sequence parameters, where protocols differ by indication",
            remedy="report strata, and keep one sequence per store or channel",
            source="R72",
        ),
        Shortcut(
            what="skull stripping or defacing that only some cases got",
            remedy="treat all images alike before prepare",
            source="R73",
        ),
    ),
    hints={
        "t1": Hint(
            says="White matter is brighter than grey; contrast agent brightens lesions, so do not "
            "mix images with and without it as if they were one.",
            source="physics",
        ),
        "t2": Hint(
            says="Fluid is bright. Strong gamma moves oedema towards normal tissue: power up to "
            "1.5 where oedema matters.",
            source="physics",
        ),
        "flair": Hint(
            says="White-matter lesions are small and bright: keep crops above 0.4 and blocks "
            "below their size.",
            source="R41, R50",
        ),
        "dwi": Hint(
            says="Low resolution, distorted near air: brightness is relative, restriction shows "
            "only beside the ADC map.",
            source="Padhani 2009",
        ),
        "adc": Hint(
            says="A quantitative map: prepare it in 1e-6 mm2/s with --sequence adc, which keeps "
            "the unit where scaling by the foreground would lose it, and name intensity among "
            "task_needs.",
            source="Padhani 2009",
        ),
        "maps": Hint(
            says="T1, T2, fat-fraction and perfusion maps have units, as ADC has: name intensity "
            "among task_needs.",
            source="physics",
        ),
    },
    notes=("Several sequences of one visit are channels of one image: bring them to one grid.",),
)
