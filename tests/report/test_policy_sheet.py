"""The contact sheet of a policy: each view on one image, at default and at limit."""

import numpy as np
import pytest
from PIL import Image

from anlage import plugins
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.modalities import ViewRule
from anlage.report import policy_sheet
from anlage.report._card_image import card_image
from anlage.report._policy_image import Subject, subject_of
from anlage.report.policy import modality


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def bands(picture):
    """Return the colours of the bands that span the sheet, from top to bottom."""
    found = []
    for row in picture:
        colour = tuple(row[-1])
        if (row[-200:] == row[-1]).all() and colour != (255, 255, 255) and colour not in found:
            found.append(colour)
    return found


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "deep" / "pet.png"
    modality("pet", out=path)
    return pixels(path)


def test_a_sheet_has_a_band_per_level_in_the_order_of_advice(sheet):
    assert bands(sheet) == [(0, 158, 115), (0, 114, 178), (230, 159, 0), (213, 94, 0)]


def test_a_level_without_views_has_no_band(tmp_path):
    small = plugins.load("modalities", "pet")
    small = small.model_copy(
        update={
            "views": {n: r for n, r in small.views.items() if n == "rotate"},
            "forbidden": {},
        }
    )
    policy_sheet.draw_policy(tmp_path / "a.png", "pet", small)
    assert bands(pixels(tmp_path / "a.png")) == [(0, 158, 115)]


def test_the_same_policy_is_drawn_alike(tmp_path):
    first, again = tmp_path / "a.png", tmp_path / "b.png"
    small = plugins.load("modalities", "oct")
    small = small.model_copy(update={"views": {"speckle": small.views["speckle"]}})
    for path in (first, again):
        policy_sheet.draw_policy(path, "oct", small)
    assert first.read_bytes() == again.read_bytes()


# --- what a tile shows ---------------------------------------------------------------------


@pytest.fixture
def artist():
    policy = plugins.load("modalities", "oct")
    subject = Subject(unit=card_image("oct"), spacing_mm=(1.0, 1.0), what="a test card")
    return policy_sheet._Artist(policy, "oct", subject)


def test_a_mirror_is_drawn_as_one(artist):
    plain = artist._tile(artist.original[0]).astype(int)
    mirrored = artist._strongest("flip", {"axis": "lr"}).astype(int)
    assert np.abs(mirrored[:, ::-1] - plain).max() <= 2


def test_the_limit_is_drawn_stronger_than_the_default(artist):
    plain = artist._tile(artist.original[0]).astype(int)
    (cell,) = artist.view("speckle", plugins.load("modalities", "oct").views["speckle"])
    default, limit = (np.abs(tile.astype(int) - plain).mean() for tile in cell.tiles)
    assert 0 < default < limit
    assert cell.words == "sigma 0.2 | 0.4, grain 2 | 3"


def test_what_a_picture_cannot_show_is_left_out(artist):
    assert artist._strongest("flip", {"axis": "ap"}) is None
    assert artist._strongest("hue_saturation", {}) is None
    rule = ViewRule(transform="flip", p=0.5, params={"axis": "ap"}, because="b", source="s")
    assert list(artist.view("flip_ap", rule)) == []


def test_ends_that_do_not_go_together_leave_the_default_alone(artist):
    rule = ViewRule(
        transform="elastic",
        p=0.5,
        params={"displacement_mm": 4.0, "spacing_mm": 40.0},
        limits={"displacement_mm": 30.0},
        least={"spacing_mm": 10.0},
        because="b",
        source="s",
    )
    (cell,) = artist.view("elastic", rule)
    assert len(cell.tiles) == 1


def test_the_share_that_a_mask_hides_is_blue(artist):
    *_, mask = artist.frame()
    blue = np.array(policy_sheet._HIDDEN)
    plain = artist._tile(artist.original[0]).astype(int)
    hidden = np.abs(mask.tiles[0] - (0.2 * plain + 0.8 * blue)).max(axis=-1) < 2
    assert hidden.mean() == pytest.approx(0.75, abs=0.01)


# --- what is drawn on ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ct", "pet", "histology", "oct"])
def test_a_test_card_is_calibrated_as_the_modality_is(name):
    subject = subject_of(name, plugins.load("modalities", name), image=None, store=None)
    channels = 3 if name == "histology" else 1
    assert subject.unit.shape[0] == channels
    assert subject.unit.min() >= 0
    assert subject.unit.max() <= 1
    assert np.ptp(subject.unit) > 0.5


def test_an_image_of_the_user_is_drawn_on(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "own.png")
    policy = plugins.load("modalities", "cxr")
    subject = subject_of("cxr", policy, image=tmp_path / "own.png", store=None)
    np.testing.assert_allclose(subject.unit[0], picture / 255, atol=1e-6)
    assert subject.what == "your image"
    assert subject.pixel_mm((40, 60)) is None


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "own.png").write_text("hello")
    with pytest.raises(DataError):
        modality("cxr", image=tmp_path / "own.png", out=tmp_path / "out.png")


def test_a_store_of_another_modality_is_refused(slices_store, tmp_path):
    with pytest.raises(ConfigError, match=r"a store of ct, but .* holds mri\. Name that"):
        modality("ct", store=slices_store, out=tmp_path / "out.png")


def test_the_first_image_of_a_store_is_drawn_on(slices_store):
    subject = subject_of("mri", plugins.load("modalities", "mri"), image=None, store=slices_store)
    stored = Store.open(slices_store).image(0).astype(np.float32)
    assert subject.what == "the first image of your store"
    np.testing.assert_allclose(subject.unit, (stored + 5) / 10, atol=1e-6)


def test_the_first_volume_of_a_store_gives_its_middle_slice(volumes_store):
    subject = subject_of("mri", plugins.load("modalities", "mri"), image=None, store=volumes_store)
    store = Store.open(volumes_store)
    volume = store.image(0).astype(np.float32)
    slice_ = volume[0, :, :, volume.shape[3] // 2]
    np.testing.assert_allclose(subject.unit[0], (slice_.T[::-1] + 5) / 10, atol=1e-6)
    assert subject.what.endswith("middle slice")
    assert subject.spacing_mm == pytest.approx(tuple(store.spacing_mm[0][[1, 0]]))


def test_of_a_volume_the_middle_slice_is_drawn_with_the_front_up(tmp_path):
    volume = np.zeros((6, 8, 5), dtype=np.float32)
    volume[:, 7, 2] = 1.0  # the front of the middle slice
    np.save(tmp_path / "volume.npy", volume)
    policy = plugins.load("modalities", "generic")
    subject = subject_of("generic", policy, image=tmp_path / "volume.npy", store=None)
    assert subject.unit.shape == (1, 8, 6)
    assert subject.unit[0, 0].min() > subject.unit[0, 1:].max()


def test_colour_cards_are_coloured_and_grey_ones_are_grey():
    assert card_image("fundus").shape[0] == 3
    assert card_image("ct").shape[0] == 1
    red, _, blue = card_image("fundus").mean(axis=(1, 2))
    assert red > blue
