"""Lines of k-space: frequencies, the axis of each image, and what comes from which source."""

import numpy as np
import pytest
import torch

from anlage.transforms._kspace import draw_axis, frequencies, measured

SPACE = {2: (6, 9), 3: (4, 7, 6)}


@pytest.mark.parametrize("edge", [1, 2, 7, 8])
def test_frequencies_are_those_of_numpy(edge):
    expected = np.fft.fftfreq(edge, 1 / edge)
    np.testing.assert_array_equal(frequencies(edge, torch.device("cpu")), expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_every_axis_is_drawn_on_the_host(draws, dims):
    axis = draw_axis(draws(60, device=torch.device("meta")), dims)
    assert axis.device.type == "cpu"
    assert axis.unique().tolist() == list(range(dims))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_all_lines_of_one_image_are_its_magnitude_in_the_same_type(dims, dtype):
    images = (torch.rand(3, 2, *SPACE[dims]) - 0.3).to(dtype)

    def weigh(rows, lines):
        return [torch.ones(len(rows), len(lines))]

    seen = measured([images], weigh, torch.tensor([0.0, 1.0, dims - 1]))
    assert seen.dtype == dtype
    torch.testing.assert_close(seen, images.abs(), atol=1e-5, rtol=1e-2)


@pytest.mark.parametrize("dims", [2, 3])
def test_lines_come_from_their_source_along_each_images_own_axis(dims):
    """Against numpy's transform of all axes: one axis is enough."""
    random = torch.Generator().manual_seed(0)
    sources = [torch.rand(4, 2, *SPACE[dims], generator=random) for _ in range(2)]
    axis = [1, 0, dims - 1, 0]
    shares = torch.rand(4, 2, 9, generator=random)  # by image, source and place in k-space

    def weigh(rows, lines):
        place = lines + len(lines) // 2
        return [shares[rows, number][:, place] for number in range(2)]

    seen = measured(sources, weigh, torch.tensor(axis).float())
    for place in range(4):
        total = 0
        edge = SPACE[dims][axis[place]]
        for number in range(2):
            kspace = np.fft.fftn(sources[number][place].double().numpy(), axes=range(1, dims + 1))
            kspace = np.fft.fftshift(kspace, axes=axis[place] + 1)
            total += np.moveaxis(kspace, axis[place] + 1, -1) * shares[place, number, :edge].numpy()
        back = np.fft.ifftshift(np.moveaxis(total, -1, axis[place] + 1), axes=axis[place] + 1)
        expected = np.abs(np.fft.ifftn(back, axes=range(1, dims + 1)))
        np.testing.assert_allclose(seen[place], expected, atol=1e-5)
