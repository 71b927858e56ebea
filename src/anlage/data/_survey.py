"""Look at every header before the first pixel is decoded: what will this store hold?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from anlage.data._decode import Layout
from anlage.data.importers import Problem, Record
from anlage.data.importers._kinds import counted
from anlage.data.readers import Header, Limits, Unit, read_header, read_image
from anlage.errors import AnlageError, ConfigError, DataError
from anlage.modalities import Policy

__all__ = ["survey"]

_DEFAULT_SIZE = 256
_SPACING_TOLERANCE = 0.05
_LOOKED_AT = 24  # coloured pictures that are decoded to see whether they are


def survey(
    records: Sequence[Record],
    policy: Policy,
    *,
    size: int | None,
    spacing_mm: Sequence[float] | None,
    allow_burned_in: bool,
    limits: Limits,
) -> tuple[Layout, list[Record], list[Problem], list[str]]:
    """Decide what all images of a store are brought to.

    The majority decides on 2D or 3D and on channels (grey images may join coloured ones); what
    does not fit is set aside with the reason. 2D images of differing sizes are scaled to a
    common square canvas, volumes of differing spacing to the median spacing.

    Args:
        records: The source's images.
        policy: The modality's policy.
        size: Canvas edge in pixels that the user asks for, 2D.
        spacing_mm: Voxel edges that the user asks for, 3D.
        allow_burned_in: Passed on to the layout.
        limits: Bounds on what one file may cost.

    Returns:
        The layout, the records that fit it, those that do not with the reason, and notes.

    Raises:
        ConfigError: If ``spacing_mm`` is no spacing of volumes.
        DataError: If no header can be read.
    """
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda record: _header(record, limits), records))
    problems = [
        Problem(key=record.key, reason=result)
        for record, result in zip(records, results, strict=True)
        if isinstance(result, str)
    ]
    pairs = [
        (record, result)
        for record, result in zip(records, results, strict=True)
        if isinstance(result, Header)
    ]
    if not pairs:
        reason = Counter(problem.reason for problem in problems).most_common(1)[0][0]
        raise DataError(
            f"at least one image must be readable, got {len(records)} that are not. "
            f"The most frequent reason: {reason}"
        )
    dims = Counter(len(header.shape) - 1 for _, header in pairs).most_common(1)[0][0]
    channels = _channels([pair for pair in pairs if len(pair[1].shape) == dims + 1], limits)
    fitting, headers = [], []
    for record, header in pairs:
        fault = _misfit(header, dims, channels)
        if fault:
            problems.append(Problem(key=record.key, reason=fault))
        else:
            fitting.append(record)
            headers.append(header)
    layout, notes = _layout(
        headers, policy, dims=dims, channels=channels, size=size, spacing_mm=spacing_mm
    )
    notes += _unlike(policy, layout, headers)
    layout = layout.model_copy(update={"allow_burned_in": allow_burned_in, "limits": limits})
    return layout, fitting, problems, notes


def _header(record: Record, limits: Limits) -> Header | str:
    try:
        return read_header(record.image, limits)
    except AnlageError as error:
        return str(error)
    except (MemoryError, RecursionError) as error:
        return f"reading the header must fit into memory, got a {type(error).__name__}"


def _channels(pairs: Sequence[tuple[Record, Header]], limits: Limits) -> int:
    """Return the channels of the store; grey pictures saved as RGB are looked at, not believed."""
    counts = Counter(header.shape[0] for _, header in pairs)
    if not (set(counts) <= {1, 3} and counts[3]):
        return counts.most_common(1)[0][0]
    coloured = [record for record, header in pairs if header.shape[0] == 3]
    for record in coloured[:: max(1, len(coloured) // _LOOKED_AT)]:
        try:
            if len(read_image(record.image, limits).pixels) == 3:
                return 3
        except AnlageError:
            continue
    return 1


def _misfit(header: Header, dims: int, channels: int) -> str | None:
    found = len(header.shape) - 1
    if found != dims:
        return (
            f"this store holds {dims}D images, as most here are, got a {found}D one. Prepare it "
            "in a store of its own."
        )
    if header.shape[0] not in {channels, 1} and not (channels == 1 and header.shape[0] == 3):
        return (
            f"this store holds images of {counted(channels, 'channel')}, as most here do, got "
            f"{header.shape[0]}. Prepare them in a store of their own."
        )
    return None


def _layout(
    headers: Sequence[Header],
    policy: Policy,
    *,
    dims: int,
    channels: int,
    size: int | None,
    spacing_mm: Sequence[float] | None,
) -> tuple[Layout, list[str]]:
    notes = []
    bits = max(header.bits or 32 for header in headers)
    units = Counter(_unit(header) for header in headers)
    storage = policy.scaling.storage(bits=bits, unit=units.most_common(1)[0][0])
    kind = policy.scaling.kind_of(storage)
    if kind != policy.scaling.kind:
        unit = {"hu": "Hounsfield units", "suv": "SUV"}[policy.scaling.kind]
        notes.append(f"values are pictures, not {unit}: stored as pictures")
    canvas, spacing = None, None
    if dims == 2:
        canvas = _canvas_edge(headers, size)
        if canvas and size is None:
            notes.append(f"image sizes differ: all are scaled to {canvas} x {canvas} pixels")
        if spacing_mm is not None:
            notes.append("warning: --spacing-mm is for volumes, these are pictures: not used")
    else:
        spacing = _common_spacing(headers, spacing_mm)
        if spacing and spacing_mm is None:
            edges = " x ".join(f"{edge:.3g}" for edge in spacing)
            notes.append(f"voxel spacing differs: all are resampled to the median, {edges} mm")
        unknown = sum(header.spacing_mm is None for header in headers)
        if unknown:
            notes.append(
                f"warning: {unknown} of {len(headers)} volumes do not state their voxel spacing, "
                "it is taken for 1 mm"
            )
        if size is not None:
            notes.append("warning: --size is for pictures, these are volumes: not used")
    layout = Layout(
        dims=dims,
        channels=channels,
        kind=kind,
        storage=storage,
        size=canvas,
        spacing_mm=spacing,
    )
    return layout, notes


def _unlike(policy: Policy, layout: Layout, headers: Sequence[Header]) -> list[str]:
    """Warn where images do not look like those of the modality that the user named."""
    seen = []
    if layout.dims not in policy.dims:
        usual = " or ".join(f"{dims}D" for dims in policy.dims)
        seen.append(f"the images are {layout.dims}D, {policy.title} is {usual}")
    if policy.colour == "colour" and layout.channels == 1:
        seen.append(f"all images are grey, {policy.title} is in colour")
    is_colour = layout.channels == 3 and all(
        header.unit == "display" for header in headers if header.shape[0] == 3
    )
    if policy.colour == "grey" and is_colour:
        seen.append(f"there are images in colour, {policy.title} is grey")
    return [
        f"warning: {what}. If the modality is wrong, prepare anew with the right --modality and "
        "--overwrite: views and scaling follow from it"
        for what in seen
    ]


def _unit(header: Header) -> Unit:
    """CT numbers in formats without a unit count as Hounsfield units unless they are 8-bit."""
    return "hu" if header.unit == "arbitrary" and header.bits != 8 else header.unit


def _canvas_edge(headers: Sequence[Header], size: int | None) -> int | None:
    if size is not None:
        return size
    shapes = {header.shape[1:] for header in headers}
    longest = max(max(shape) for shape in shapes)
    if len(shapes) == 1 and longest <= _DEFAULT_SIZE:
        return None
    return min(longest, _DEFAULT_SIZE)


def _common_spacing(
    headers: Sequence[Header], asked: Sequence[float] | None
) -> tuple[float, ...] | None:
    if asked is not None:
        if len(asked) != 3 or not all(0 < edge < math.inf for edge in asked):
            raise ConfigError(
                "spacing_mm must be three edges of a voxel above 0 mm, got "
                f"{','.join(f'{edge:g}' for edge in asked)}. Write for instance 1,1,3."
            )
        return tuple(float(edge) for edge in asked)
    known = np.array([header.spacing_mm for header in headers if header.spacing_mm])
    if len(known) < 2:
        return None
    median = np.median(known, axis=0)
    if (np.abs(known / median - 1) <= _SPACING_TOLERANCE).all():
        return None
    return tuple(float(round(edge, 4)) for edge in median)
