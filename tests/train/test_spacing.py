"""The scale at which images are shown: what it is, and what may be shown at another one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.train import start
from anlage.train.scene import scene_of
from anlage.train.spacing import check_spacing, shown_spacing_mm

Capture = pytest.CaptureFixture[str]


def _spaced(
    path: Path, *edges: float, resampled: bool = False, stated: bool | None = True
) -> Store:
    """Open a store as if all its images had this spacing; an older one does not say if stated."""
    store = Store.open(path)
    store.__dict__["spacing_mm"] = np.tile(np.float32(edges), (len(store), 1))
    known = None if stated is None else np.full(len(store), stated)
    store.__dict__["spacing_stated"] = known
    if resampled:
        store.meta = store.meta.model_copy(update={"spacing_mm": edges})
    return store


class Found:
    """A pretrained start of which only the scale is asked."""

    card = None
    image_size = (16, 16, 16)
    field = "window"


def _check(known: Any, store: Store, **changes: Any) -> None:
    settings = {"size": (16, 16, 16), "field": "window", "allow_other": False}
    check_spacing(known, store, **{**settings, **changes})


def test_windows_are_shown_at_the_stored_spacing(volumes_store: Path) -> None:
    store = _spaced(volumes_store, 0.7, 0.7, 3.0)
    scene = scene_of(store, size=[16], field="window", crop_scale=(0.5, 1.0))
    assert shown_spacing_mm(store, scene) == pytest.approx((0.7, 0.7, 3.0))


def test_whole_images_have_larger_pixels_by_as_much_as_they_shrink(volumes_store: Path) -> None:
    store = _spaced(volumes_store, 0.7, 0.7, 3.0)
    scene = scene_of(store, size=[16, 32, 64], field="image")  # of 32 voxels each
    assert shown_spacing_mm(store, scene) == pytest.approx((1.4, 0.7, 1.5))


def test_the_median_of_the_images_that_count_is_taken(volumes_store: Path) -> None:
    store = _spaced(volumes_store, 2.0, 2.0, 2.0)
    store.spacing_mm[:3] = [[1.5, 1.5, 4.0], [1.6, 1.6, 5.0], [9.0, 1.7, 6.0]]
    scene = scene_of(store, size=[16], field="window")
    assert shown_spacing_mm(store, scene, np.arange(3)) == pytest.approx((1.6, 1.6, 5.0))
    assert shown_spacing_mm(store, scene) == pytest.approx((2.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("stated", "resampled", "shown"),
    [
        (True, False, (1, 1, 1)),
        (False, False, None),
        (None, False, None),
        (False, True, (1, 1, 1)),
        (None, True, (1, 1, 1)),
    ],
)
def test_one_millimetre_is_known_if_the_files_or_the_user_say_so(
    volumes_store: Path, stated: bool | None, resampled: bool, shown: Any
) -> None:
    store = _spaced(volumes_store, 1, 1, 1, resampled=resampled, stated=stated)
    assert shown_spacing_mm(store, scene_of(store, size=[16], field="window")) == shown


def test_images_that_state_no_spacing_do_not_count(volumes_store: Path) -> None:
    store = _spaced(volumes_store, 3.0, 3.0, 3.0)
    store.spacing_mm[:2] = 1
    store.__dict__["spacing_stated"][:2] = False
    scene = scene_of(store, size=[16], field="window")
    assert shown_spacing_mm(store, scene, np.arange(3)) == pytest.approx((3.0, 3.0, 3.0))
    assert shown_spacing_mm(store, scene, np.arange(2)) is None


@pytest.mark.parametrize("is_old", [False, True])
def test_pictures_without_spacing_stay_without_when_they_are_scaled(
    tmp_path: Path, is_old: bool
) -> None:
    rng = np.random.default_rng(0)
    for number, shape in enumerate([(30, 41), (61, 33), (48, 48)]):
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).save(tmp_path / f"{number}.png")
    out = tmp_path / "store"
    store = Store.open(prepare(tmp_path, out=out, modality="generic", size=32, workers=0).store)
    assert not np.allclose(store.spacing_mm, 1)
    if is_old:
        store.__dict__["spacing_stated"] = None
    for field in ("image", "window"):
        assert shown_spacing_mm(store, scene_of(store, size=[16], field=field)) is None


@pytest.mark.parametrize("stated", [True, None])
def test_scaled_pictures_with_spacing_are_known(slices_store: Path, stated: bool | None) -> None:
    store = _spaced(slices_store, 0.71, 0.72, stated=stated)
    assert shown_spacing_mm(store, scene_of(store, size=[16])) == pytest.approx((1.42, 1.44))


@pytest.mark.parametrize("edge", [1.9, 1.85, 2.1, 2.2])
def test_about_the_same_scale_is_silent(edge: float, volumes_store: Path, capsys: Capture) -> None:
    _check((edge, 2.0, 2.0), _spaced(volumes_store, 2.0, 2.0, 2.0))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("edge", [1.34, 1.75, 2.25, 3.0])
def test_a_near_scale_is_warned_of_in_one_line(
    edge: float, volumes_store: Path, capsys: Capture
) -> None:
    _check((2.0, edge, 2.0), _spaced(volumes_store, 2.0, 2.0, 2.0))
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert f"trained on pixels or voxels of 2 x {edge:g} x 2 mm and is shown 2 x 2 x 2 mm" in said


@pytest.mark.parametrize("edge", [0.4, 1.3, 3.1, 9.0])
def test_another_scale_on_one_axis_is_refused(edge: float, volumes_store: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=rf"trained on, 2 x 2 x {edge:g} mm, up to a factor of 1.5 on any axis; of this "
        rf"store it would be shown 2 x 2 x 2 mm. Prepare .* --spacing-mm 2,2,{edge:g}, or set "
        "allow_other_spacing",
    ):
        _check((2.0, 2.0, edge), _spaced(volumes_store, 2.0, 2.0, 2.0))


def test_other_images_than_those_that_count_do_not_decide(volumes_store: Path) -> None:
    store = _spaced(volumes_store, 4.0, 4.0, 4.0)
    store.spacing_mm[:3] = 2.0
    _check((2.0, 2.0, 2.0), store, rows=np.arange(3))
    with pytest.raises(ConfigError, match="about the size"):
        _check((2.0, 2.0, 2.0), store)


def test_training_is_asked_about_its_own_rows_alone(
    volumes_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(start, "_pretrained", lambda *_given: Found())
    monkeypatch.setattr(start, "check_spacing", lambda *_given, rows, **_: asked.append(rows))
    start.load_start(tmp_path, Store.open(volumes_store), np.arange(2))
    assert asked[0].tolist() == [0, 1]


def test_of_whole_images_the_size_is_what_to_change(volumes_store: Path) -> None:
    store = _spaced(volumes_store, 2.0, 2.0, 2.0)  # 4 mm when 32 voxels become 16
    with pytest.raises(ConfigError, match=r"shown 4 x 4 x 4 mm. Give an image size near 32,16,16"):
        _check((2.0, 4.0, 4.0), store, field="image")
    _check((2.0, 4.0, 4.0), store, field="image", size=(32, 16, 16))


def test_pictures_have_a_remedy_too(slices_store: Path) -> None:
    with pytest.raises(ConfigError, match="Prepare the store again with another --size"):
        _check((0.3, 0.3), _spaced(slices_store, 0.71, 0.71), size=(16, 16))


def test_another_scale_may_be_allowed_and_is_warned_of(
    volumes_store: Path, capsys: Capture
) -> None:
    _check((9.0, 2.0, 2.0), _spaced(volumes_store, 2.0, 2.0, 2.0), allow_other=True)
    assert "warning: the encoder was trained on" in capsys.readouterr().out


@pytest.mark.parametrize(("known", "stated"), [(None, True), ((9.0, 9.0, 9.0), False)])
def test_what_is_unknown_is_not_compared(
    known: Any, stated: bool, volumes_store: Path, capsys: Capture
) -> None:
    _check(known, _spaced(volumes_store, 1.0, 1.0, 1.0, stated=stated))
    assert capsys.readouterr().out == ""
