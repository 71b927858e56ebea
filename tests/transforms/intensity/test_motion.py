"""Poses in k-space: against TorchIO's own assembly of images that SimpleITK has moved."""

import numpy as np
import pytest
import SimpleITK
import torch
from torchio.transforms.augmentation.intensity.random_motion import Motion as TorchIOMotion

from anlage.errors import ConfigError
from anlage.transforms._rotation import rotation
from anlage.transforms.intensity.motion import Motion, _poses

SPACE = {2: (18, 26), 3: (16, 20, 14)}
SPACING = {2: (1.0, 2.5), 3: (1.0, 2.0, 1.5)}


def object_of(dims, seed=0):
    """Return noise with an empty margin, so that borders play no part."""
    image = torch.zeros(SPACE[dims])
    inner = tuple(slice(edge // 4, -(edge // 4)) for edge in SPACE[dims])
    random = torch.Generator().manual_seed(seed)
    image[inner] = torch.rand(image[inner].shape, generator=random)
    return image[None, None]


def params_of(dims, *, axis, times=(0.3, 0.7), size=1.0, spacing=None):
    degrees = (
        torch.tensor([[8.0], [-15.0]]) if dims == 2 else torch.tensor([[8.0, 3, -4], [-9, 5, 2]])
    )
    shift = torch.tensor([[1.2, -2.0, 0.5], [-1.5, 1.0, 1.4]])[:, :dims]
    return {
        "degrees": size * degrees[None, : len(times)],
        "translation_mm": size * shift[None, : len(times)],
        "times": torch.tensor([times]),
        "axis": torch.tensor([float(axis)]),
        "spacing_mm": torch.tensor([spacing or SPACING[dims]]),
    }


def itk_transform(params, number, space):
    """Return the pose as SimpleITK wants it; its axes are those of the array."""
    spacing = params["spacing_mm"][0].double().numpy()
    turn = rotation(params["degrees"][:, number].double(), dims=len(space))[0].numpy()
    pose = SimpleITK.AffineTransform(len(space))
    pose.SetMatrix(turn.flatten().tolist())
    pose.SetTranslation(params["translation_mm"][0, number].double().tolist())
    pose.SetCenter(((np.array(space) - 1) / 2 * spacing).tolist())
    return pose


def by_torchio(image, params):
    """Let TorchIO assemble the k-space of one image; its last axis is the phase encoding."""
    array = image[0, 0].numpy()
    itk = SimpleITK.GetImageFromArray(array.T.copy())
    itk.SetSpacing(params["spacing_mm"][0].double().tolist())
    motion = TorchIOMotion(degrees=None, translation=None, times=None, image_interpolation="linear")
    back = motion.inv_fourier_transform
    motion.inv_fourier_transform = lambda kspace: back(kspace).abs()  # magnitude, not real part
    poses = [itk_transform(params, number, array.shape) for number in range(2)]
    return motion.add_artifact(itk, [None, *poses], params["times"][0].numpy(), "linear")


def test_a_volume_is_assembled_as_in_torchio():
    image, params = object_of(3), params_of(3, axis=2)
    expected = by_torchio(image, params)
    seen = Motion().apply(image, params)[0, 0]
    torch.testing.assert_close(seen, expected, atol=2e-5, rtol=0)
    assert (seen - image[0, 0]).abs().max() > 0.05


@pytest.mark.parametrize("axis", [0, 1])
def test_an_image_is_assembled_from_moved_copies(axis):
    image, params = object_of(2), params_of(2, axis=axis)
    itk = SimpleITK.GetImageFromArray(image[0, 0].numpy().T.copy())
    itk.SetSpacing(SPACING[2])
    poses = [itk_transform(params, number, SPACE[2]) for number in range(2)]
    moved = [SimpleITK.Resample(itk, itk, pose, SimpleITK.sitkLinear, 0.0) for pose in poses]
    first, last = (
        np.fft.fftshift(np.fft.fft2(SimpleITK.GetArrayFromImage(one).T)) for one in moved
    )
    kspace = np.moveaxis(np.fft.fftshift(np.fft.fft2(image[0, 0].numpy())), axis, 0)
    edge = SPACE[2][axis]
    early, late = int(0.3 * edge), int(0.7 * edge)
    kspace[:early] = np.moveaxis(first, axis, 0)[:early]
    kspace[late:] = np.moveaxis(last, axis, 0)[late:]
    expected = np.abs(np.fft.ifft2(np.fft.ifftshift(np.moveaxis(kspace, 0, axis))))
    np.testing.assert_allclose(Motion().apply(image, params)[0, 0], expected, atol=2e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_without_movement_the_image_stays(draws, dims):
    images = torch.rand(3, 2, *SPACE[dims])
    transform = Motion(Motion.Config(degrees=0, translation_mm=0))
    params = transform.draw(draws(3), shape=images.shape)
    torch.testing.assert_close(transform.apply(images, params), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("space", [(9, 13), (5, 8, 6)])
def test_a_constant_image_stays(draws, space):
    flat = torch.full((3, 1, *space), 0.6)
    params = Motion().draw(draws(3), shape=flat.shape)
    torch.testing.assert_close(Motion().apply(flat, params), flat, atol=1e-5, rtol=0)


@pytest.mark.parametrize("edge", [7, 8, 33])
@pytest.mark.parametrize("times", [[0.1, 0.2], [0.6, 0.9], [0.3, 0.7], [0.49, 0.52]])
def test_every_movement_has_its_lines_and_the_middle_is_the_image_itself(edge, times):
    lines = torch.fft.fftfreq(edge, 1 / edge).long()
    poses = _poses(lines, torch.tensor([times]))[0]
    assert poses[0] == -1
    by_place = poses[lines.argsort()].tolist()  # in the order of measurement
    starts = [0, *(int(time * edge) for time in times), edge]
    middle = next(n for n in range(3) if starts[n] <= edge // 2 < starts[n + 1])
    expected = []
    for number in range(3):
        pose = -1 if number == middle else number - (number > middle)
        expected += [pose] * (starts[number + 1] - starts[number])
    assert by_place == expected


def test_millimetres_are_those_of_the_view():
    """Twice the spacing and twice the shift is the same in pixels; so is any turn."""
    image = object_of(3)
    once = params_of(3, axis=1)
    twice = {
        **once,
        "translation_mm": 2 * once["translation_mm"],
        "spacing_mm": 2 * once["spacing_mm"],
    }
    other = {**once, "spacing_mm": torch.tensor([[2.0, 1.0, 1.5]])}
    seen, same, changed = (Motion().apply(image, given) for given in (once, twice, other))
    torch.testing.assert_close(seen, same, atol=1e-5, rtol=0)
    assert (seen - changed).abs().max() > 0.02


@pytest.mark.parametrize("dims", [2, 3])
def test_settings_bound_what_is_drawn(draws, dims):
    config = Motion.Config(degrees=20, translation_mm=3, movements=4)
    params = Motion(config).draw(draws(40), shape=torch.Size((40, 1, *SPACE[dims])))
    assert params["degrees"].shape == (40, 4, 2 * dims - 3)
    assert params["translation_mm"].shape == (40, 4, dims)
    assert 19 < params["degrees"].abs().max() < 20
    assert 2.8 < params["translation_mm"].abs().max() < 3
    assert sorted(params["axis"].unique().tolist()) == list(range(dims))
    assert (params["times"].diff(dim=1) > 0.05).all()
    assert (params["times"] > 0.1).all()
    assert (params["times"] < 0.9).all()


@pytest.mark.parametrize("what", ["degrees", "translation_mm", "times", "axis"])
def test_every_parameter_changes_the_image(what):
    image, params = object_of(3), params_of(3, axis=0)
    other = params_of(3, axis=1, times=(0.2, 0.9), size=1.5)
    changed = Motion().apply(image, {**params, what: other[what]})
    assert (changed - Motion().apply(image, params)).abs().max() > 1e-3


def test_half_types_are_kept(keeps_types):
    keeps_types(Motion())


@pytest.mark.parametrize("change", [{"degrees": -1}, {"translation_mm": 101}, {"movements": 0}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Motion.Config.parse(change, where="view")
