"""What every phantom keeps to, whatever its modality: truth, dials, and no give-aways."""

import numpy as np
import pytest

from anlage import plugins
from anlage.data.phantoms import CohortConfig
from anlage.errors import ConfigError

NAMES = plugins.available("data/phantoms")
PHANTOMS = {name: plugins.load("data/phantoms", name)() for name in NAMES}
FLAT = [name for name in NAMES if "lesions" in PHANTOMS[name].extra_dials]
BALLS = {"ct", "pet"}  # slices through lesions, so that sizes are those of balls
DTYPES = {"hu": np.int16, "suv": np.float32, "display": np.uint8}
PLAIN = {"hu": 8, "suv": 1, "display": 8}  # of 255 grey values, HU or SUV: a human sees it
MARKED = [name for name in NAMES if "marked_share" in PHANTOMS[name].extra_dials]
ILL = {"lesion_share": 1.0, "lesion_contrast": 1.0}


def draw(name, patient, **dials):
    return PHANTOMS[name].draw(CohortConfig(**{"size": 64, **dials}), patient)


def pixels(case, index=0):
    return case.pictures[index].pixels.astype(np.float64)


def grey(case, index=0):
    return pixels(case, index).mean(axis=0)


def same(first, second):
    return first.labels == second.labels and all(
        np.array_equal(a.pixels, b.pixels) and np.array_equal(a.mask, b.mask) and a.boxes == b.boxes
        for a, b in zip(first.pictures, second.pictures, strict=True)
    )


def test_there_is_one_per_modality():
    wanted = {"ct", "cxr", "dermoscopy", "endoscopy", "fundus", "histology", "mammography"}
    assert wanted | {"mri", "oct", "pet", "ultrasound"} <= set(NAMES)
    assert set(NAMES) <= set(plugins.available("modalities"))


@pytest.mark.parametrize("name", NAMES)
def test_a_patient_follows_from_seed_and_number_alone(name):
    first = draw(name, 5, images_per_patient=2)
    draw(name, 9, seed=3)
    assert same(first, draw(name, 5, images_per_patient=2, patients=7))
    assert not np.array_equal(pixels(first), pixels(first, 1))
    assert not np.array_equal(pixels(first), pixels(draw(name, 6)))
    assert not np.array_equal(pixels(first), pixels(draw(name, 5, seed=1)))


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_what_a_case_says(name):
    phantom = PHANTOMS[name]
    kinds = set()
    for patient in range(8):
        case = draw(name, patient, lesion_share=0.6)
        (picture,) = case.pictures
        kinds.add(case.labels["lesion"])
        is_ill = case.labels["lesion"] != "none"
        assert picture.pixels.shape[1:] == picture.mask.shape == (64, 64)
        assert picture.pixels.dtype == DTYPES[case.unit]
        assert len(case.spacing_mm) == 2
        assert picture.clean is None
        assert len(picture.boxes) == is_ill
        if not is_ill:
            assert not picture.mask.any()
            assert case.labels["lesion_mm"] == 0
            continue
        value = phantom.kinds.index(case.labels["lesion"]) + 1
        assert set(np.unique(picture.mask)) == {0, value}
        (box,) = picture.boxes
        rows, columns = np.nonzero(picture.mask)
        assert box.low == (rows.min(), columns.min())
        assert box.high == (rows.max() + 1, columns.max() + 1)
        assert box.label == case.labels["lesion"]
    assert "none" in kinds
    assert len(kinds) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_the_mask_is_where_the_lesion_is(name):
    inside, outside, shares = [], [], []
    for patient in range(10):
        ill, well = draw(name, patient, **ILL), draw(name, patient, **ILL | {"lesion_share": 0})
        change = np.abs(pixels(ill) - pixels(well)).mean(axis=0)
        lesion = ill.pictures[0].mask > 0
        inside.append(change[lesion].mean())
        outside.append(change[~lesion].mean())
        shares.append((change[lesion] > 0).mean())
    assert np.mean(inside) > 8 * np.mean(outside)
    assert np.mean(shares) > 0.5
    assert np.mean(inside) > PLAIN[ill.unit]


@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_patient_shows_nothing_of_the_lesion_that_was_only_planned(name):
    for patient in range(3):
        first, *others = (
            draw(name, patient, lesion_share=0, classes=(kind,)) for kind in PHANTOMS[name].kinds
        )
        assert others
        assert all(np.array_equal(pixels(first), pixels(other)) for other in others)


@pytest.mark.parametrize("name", NAMES)
def test_contrast_is_a_dial_and_zero_hides_the_lesion(name):
    changes = []
    well = [draw(name, patient, **ILL | {"lesion_share": 0}) for patient in range(6)]
    for contrast in (0, 0.4, 1):
        ill = [draw(name, n, lesion_share=1, lesion_contrast=contrast) for n in range(6)]
        pairs = zip(ill, well, strict=True)
        changes.append(np.mean([np.abs(pixels(a) - pixels(b)).mean() for a, b in pairs]))
    assert changes[0] == 0
    assert 0 < 1.25 * changes[1] < changes[2]
    assert ill[0].pictures[0].mask.any()


@pytest.mark.parametrize("name", NAMES)
def test_the_lesion_has_the_area_that_was_asked_for(name):
    low, high = PHANTOMS[name].usual_mm
    for diameter_mm in (0.5 * (low + high), high):
        found = []
        for patient in range(9):
            case = draw(name, patient, **ILL, lesion_mm=(diameter_mm, diameter_mm))
            assert case.labels["lesion_mm"] == pytest.approx(diameter_mm, rel=0.01)
            found.append((case.pictures[0].mask > 0).sum() * np.prod(case.spacing_mm))
        disc = np.pi / 4 * diameter_mm**2
        # Slices do not all go through the middle, and borders of pictures cut a little.
        assert 0.8 < np.median(found) / disc < 1.1


@pytest.mark.parametrize("name", FLAT)
def test_the_number_of_lesions_is_a_dial(name):
    low = PHANTOMS[name].usual_mm[0]
    cases = [draw(name, n, **ILL, lesions=(2, 4), lesion_mm=(low, low)) for n in range(8)]
    numbers = [case.labels["num_lesions"] for case in cases]
    assert set(numbers) <= {2, 3, 4}
    assert len(set(numbers)) > 1
    seen = [len(case.pictures[0].boxes) for case in cases]
    # A slice can miss a small ball; nothing else is lost.
    is_ball = name in BALLS
    assert seen == numbers if not is_ball else np.mean(seen) > 0.8 * np.mean(numbers)
    burden = "lesion_volume_mm3" if is_ball else "lesion_area_mm2"
    each = np.pi / (6 if is_ball else 4) * cases[0].labels["lesion_mm"] ** (2 + is_ball)
    assert [case.labels[burden] / each for case in cases] == pytest.approx(numbers, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_sites_acquire_in_their_own_way_and_the_dial_turns_it_off(name):
    def prints(strength):
        cases = [
            draw(name, n, lesion_share=0, site_strength=strength, num_sites=2) for n in range(24)
        ]
        means = [_fingerprint(grey(case)) for case in cases]
        sites = np.array([case.site == "site-1" for case in cases])
        assert 5 < sites.sum() < 19
        return np.array(means), sites

    strong, sites = prints(1.0)
    spread = np.sqrt((strong[sites].var(axis=0) + strong[~sites].var(axis=0)) / 2)
    apart = np.abs(strong[sites].mean(axis=0) - strong[~sites].mean(axis=0)) / (spread + 1e-9)
    assert apart.max() > 1.5  # standard deviations
    for patient in range(3):
        one = draw(name, patient, num_sites=1, site_strength=0)
        assert np.array_equal(
            pixels(one), pixels(draw(name, patient, num_sites=3, site_strength=0))
        )


def _fingerprint(image):
    """Brightness, contrast, sharpness and the look of borders."""
    centre = image[16:48, 16:48]
    fine = np.abs(np.diff(centre, 2, axis=0)).mean()
    corners = np.mean([image[:6, :6], image[:6, -6:], image[-6:, :6], image[-6:, -6:]])
    return [centre.mean(), centre.std(), fine, fine / (centre.std() + 1), corners]


@pytest.mark.parametrize("name", FLAT)
def test_the_clean_image_is_the_same_scene_without_noise(name):
    case = draw(name, 1, with_clean=True, site_strength=0)
    (picture,) = case.pictures
    assert picture.clean.shape == picture.pixels.shape
    assert picture.clean.dtype == picture.pixels.dtype
    assert np.array_equal(picture.pixels, draw(name, 1, site_strength=0).pictures[0].pixels)
    noisy, clean = picture.pixels.mean(axis=0), picture.clean.mean(axis=0)
    assert np.corrcoef(noisy.ravel(), clean.ravel())[0, 1] > 0.7
    fine = [np.abs(np.diff(image[24:40, 24:40], 2, axis=1)).mean() for image in (noisy, clean)]
    assert not np.array_equal(noisy, clean)
    assert fine[0] != fine[1]


@pytest.mark.parametrize("name", NAMES)
def test_dials_that_it_lacks_are_refused(name):
    tiny = 1.5 * draw(name, 0, size=64).spacing_mm[0]
    with pytest.raises(ConfigError, match="two pixels at size 64"):
        draw(name, 0, lesion_mm=(tiny, tiny))
    with pytest.raises(ConfigError, match="classes must be among"):
        draw(name, 0, classes=("no such kind",))
    if 3 not in PHANTOMS[name].dims:
        with pytest.raises(ConfigError, match=rf"dims must be 2 for {name}, got 3"):
            draw(name, 0, dims=3)
    if name not in MARKED:
        with pytest.raises(ConfigError, match=rf"{name} has no dial marked_share"):
            draw(name, 0, marked_share=0.5)


@pytest.mark.parametrize("name", MARKED)
def test_marks_are_a_shortcut_that_only_lesions_have(name):
    cases = [draw(name, n, lesion_share=0.5, marked_share=1) for n in range(8)]
    assert all(
        (case.labels["marked"] == "yes") == (case.labels["lesion"] != "none") for case in cases
    )
    for patient, case in enumerate(cases):
        plain = draw(name, patient, lesion_share=0.5)
        assert plain.labels["marked"] == "no"
        is_changed = not np.array_equal(pixels(case), pixels(plain))
        assert is_changed == (case.labels["marked"] == "yes")
        assert np.array_equal(case.pictures[0].mask, plain.pictures[0].mask)
