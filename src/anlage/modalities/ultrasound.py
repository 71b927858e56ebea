"""Ultrasound: a fan of echoes whose geometry, grain and shadows are part of the message."""

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
    title="ultrasound",
    dims=(2,),
    colour="either",
    scaling=Scaling(
        kind="main_region",
        because="the machine's grey map is all there is; outside the beam is text, made black",
        source="R35, R73",
    ),
    crop=Crop(
        scale=(0.5, 1.0),
        least_scale=0.3,
        because="crops must stay inside the beam and keep the lesion with its shadow",
        source="R35, R41",
    ),
    views={
        "rotate": ViewRule(
            transform="rotate",
            p=0.5,
            params={"degrees": 10},
            limits={"degrees": 20},
            level="mild",
            because="the probe is tilted by a few degrees; depth must stay down",
            source="R35",
        ),
        "flip_lr": ViewRule(
            transform="flip",
            p=0.5,
            params={"axis": "lr"},
            because="the probe can be held either way round, unless the label names a side",
            source="R35",
        ),
        "brightness_contrast": ViewRule(
            transform="brightness_contrast",
            p=0.8,
            params={"brightness": 0.15, "contrast": 0.3},
            limits={"brightness": 0.3, "contrast": 0.6},
            level="mild",
            because="gain is set by hand; depth_gain also leaves black outside the beam black",
            source="R35",
        ),
        "gamma": ViewRule(
            transform="gamma",
            p=0.5,
            params={"power": 1.4},
            limits={"power": 2.5},
            because="dynamic range is set by hand",
            source="R35",
        ),
        "speckle": ViewRule(
            transform="speckle",
            p=0.5,
            params={"sigma": 0.2, "grain": 2},
            limits={"sigma": 0.5, "grain": 4},
            because="speckle is multiplicative and changes with every frame",
            source="R35; VanBerlo 2025",
        ),
        "low_resolution": ViewRule(
            transform="low_resolution",
            p=0.2,
            params={"factor": 1.5, "axes": "one"},
            limits={"factor": 3.0},
            level="mild",
            because="beams are wider than pulses are long, and probes differ",
            source="physics",
        ),
        "affine": ViewRule(
            transform="affine",
            p=0.3,
            params={"scale": 1.1, "shear_degrees": 0.0},
            limits={"scale": 1.25, "shear_degrees": 5.0},
            level="mild",
            because="depth settings change the size of what is shown",
            source="R35",
        ),
        "elastic": ViewRule(
            transform="elastic",
            p=0.2,
            params={"displacement_mm": 3.0, "spacing_mm": 30.0},
            limits={"displacement_mm": 6.0},
            least={"spacing_mm": 20.0},
            level="avoid",
            because="the outline of a lesion is its grade",
            source="anatomy",
        ),
        "depth_gain": ViewRule(
            transform="depth_gain",
            p=0.5,
            params={"gain_db": 6.0, "sliders": 4},
            limits={"gain_db": 12.0},
            least={"range_db": 40.0},
            dims=(2,),
            because="sliders for every depth are set by hand; black outside the beam stays black",
            source="R35",
        ),
        "shadow": ViewRule(
            transform="shadow",
            p=0.3,
            params={"darkening": 0.6, "width": (0.05, 0.2)},
            limits={"darkening": 0.9, "width": 0.3},
            dims=(2,),
            level="mild",
            because="ribs, gas and poor contact cast shadows; a strong one hides a lesion",
            source="R35",
        ),
        "jpeg": ViewRule(
            transform="jpeg",
            p=0.2,
            params={"loss": (5, 30)},
            limits={"loss": 60},
            dims=(2,),
            level="mild",
            because="clips are stored with loss",
            source="physics",
        ),
    },
    forbidden={
        "flip_ud": Forbidden(
            transform="flip",
            params={"axis": "ud"},
            because="depth runs down: shadow and enhancement would lie above the lesion",
            source="R35",
        ),
        "quarter_turn": Forbidden(
            transform="quarter_turn",
            because="depth would no longer run down",
            source="R35",
        ),
        "hue_saturation": Forbidden(
            transform="hue_saturation",
            because="grey echoes have no colour, and Doppler colour is a measurement",
            source="R35",
        ),
        "solarize": Forbidden(
            transform="solarize",
            because="it turns bright echoes into black fluid",
            source="R35",
        ),
    },
    corruption=Corruption(
        ratio=0.6,
        unit=0.125,
        unit_mm=6.0,
        because="speckle cannot be predicted from far away, so less is hidden than in photographs",
        source="R52, R53",
    ),
    pairs=Pairs(
        positive="study",
        never=("frames of another probe position", "left and right organ of a patient"),
        because="neighbouring frames of a sweep show one structure; other positions do not",
        source="R16",
    ),
    artefacts={
        "gain": Artefact(
            transform="brightness_contrast",
            strengths=(
                {"brightness": 0.1, "contrast": 0.2},
                {"brightness": 0.2, "contrast": 0.4},
                {"brightness": 0.3, "contrast": 0.6},
            ),
            because="gain is set by hand",
            source="R35",
        ),
        "speckle": Artefact(
            transform="speckle",
            strengths=({"sigma": 0.15}, {"sigma": 0.3}, {"sigma": 0.5}),
            because="another frequency or compounding",
            source="Burckhardt 1978",
        ),
        "shadow": Artefact(
            transform="shadow",
            strengths=(
                {"darkening": 0.4},
                {"darkening": 0.7},
                {"darkening": 0.95},
            ),
            because="ribs, gas, poor contact",
            source="R35",
        ),
        "depth_gain": Artefact(
            transform="depth_gain",
            strengths=(
                {"gain_db": 6.0},
                {"gain_db": 12.0},
                {"gain_db": 20.0},
            ),
            because="wrong sliders",
            source="R35",
        ),
        "compression": Artefact(
            transform="jpeg",
            strengths=(
                {"loss": (30, 30)},
                {"loss": (60, 60)},
                {"loss": (85, 85)},
            ),
            because="clips stored with loss",
            source="physics",
        ),
    },
    shortcuts=(
        Shortcut(
            what="calipers and measurement marks",
            remedy="use the frame before they were set, or paint them out",
            source="R35, R73",
        ),
        Shortcut(
            what="burned-in text",
            remedy="what lies outside the beam becomes black when a store is made; look at it",
            source="R35, R73",
        ),
        Shortcut(
            what="depth and machine preset",
            remedy="predict the machine from frozen features, and report strata",
            source="R72, R73",
        ),
    ),
    hints={
        "doppler": Hint(
            says="Colour is velocity: name colour among task_needs, and keep Doppler apart from "
            "grey images.",
            source="R35",
        ),
        "local": Hint(
            says="Patterns such as B-lines are local: crops help. A global question, such as a "
            "view or a diagnosis of the whole organ, needs crop_scale near [0.8, 1.0].",
            source="R35; VanBerlo 2025",
        ),
        "sided": Hint(
            says="If the probe's marker tells the side, name laterality among task_needs.",
            source="R35",
        ),
    },
    notes=("Calipers are drawn on lesions by the examiner: mask them, or the label leaks.",),
)
