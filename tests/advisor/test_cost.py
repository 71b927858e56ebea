"""Costs follow the measured points, and nothing is guessed where there are none."""

import pytest

from anlage.advisor.cost import Costs, costs


def test_speed_is_a_power_law_through_the_points(table):
    speed = table.images_per_s("simclr", "resnet10", 2, 64)
    assert speed == pytest.approx(4e6 / 64**2)
    assert table.images_per_s("simclr", "resnet10", 2, 256) == pytest.approx(4e6 / 256**2)
    assert table.images_per_s("simclr", "resnet10", 3, 40) == pytest.approx(4e6 / 40**3)


def test_memory_is_a_base_and_a_part_per_pixel(table):
    memory = table.memory_gb("simclr", "resnet10", 2, 96, 24)
    assert memory == pytest.approx((500 + 2e-3 * 24 * 96**2) / 1024)


def test_a_method_that_was_not_measured_is_as_dear_as_the_dearest(table):
    assert not table.has("unheard_of", "resnet10", 2)
    dearest = max(
        table.memory_gb(method, encoder, 2, 128, 32) or 0.0
        for method, encoder, dims in table.points
        if encoder == "resnet10" and dims == 2
    )
    assert table.memory_gb("unheard_of", "resnet10", 2, 128, 32) == pytest.approx(dearest)


def test_an_encoder_that_was_not_measured_has_no_cost(table):
    assert table.images_per_s("simclr", "unheard_of", 2, 64) is None
    assert table.memory_gb("simclr", "unheard_of", 2, 64, 32) is None
    assert table.facts("unheard_of", 2) is None


def test_pairs_that_do_not_go_together_are_kept_apart(table):
    strict = Costs("", "cpu", "", {}, {}, frozenset({("dino", "resnet10", 2)}))
    assert not strict.fits("dino", "resnet10", 2)
    assert strict.fits("dino", "vit_tiny", 2)
    assert table.fits("simclr", "resnet10", 2)


def test_one_point_gives_no_memory():
    point = {"size": 64, "batch": 8, "images_per_s": 10.0, "mb": 900}
    few = Costs("", "cpu", "", {}, {("simclr", "resnet10", 2): [point]})
    assert few.memory_gb("simclr", "resnet10", 2, 64, 8) is None
    assert few.images_per_s("simclr", "resnet10", 2, 128) == pytest.approx(2.5)


def test_the_table_that_ships_names_its_device_and_is_sound():
    shipped = costs()
    assert shipped.kind in {"cpu", "cuda"}
    assert len(shipped.device) > 3
    for points in shipped.points.values():
        assert all(point["images_per_s"] > 0 and point["mb"] > 0 for point in points)
