"""The dials are checked together, and the messages say what to do."""

import pytest

from anlage.data.phantoms import CohortConfig
from anlage.errors import ConfigError


def test_defaults_are_a_cohort():
    config = CohortConfig()
    assert (config.dims, config.size, config.images_per_patient) == (2, 64, 1)
    assert config.shortcut == 0
    assert CohortConfig.extra_dials() < set(CohortConfig.model_fields)


@pytest.mark.parametrize(
    ("dials", "words"),
    [
        ({"lesion_mm": (30, 10)}, "the least first, got 30 and 10"),
        ({"lesion_mm": (0, 10)}, "two diameters in mm"),
        ({"classes": ("ring", "ring")}, "Name each lesion kind once"),
        ({"dims": 3, "images_per_patient": 2}, "must be 1 for volumes, got 2"),
        ({"shortcut": 0.5, "num_sites": 1}, "needs at least 2 sites"),
        ({"lesion_share": 1.5}, "lesion_share"),
        ({"lesions": (3, 2)}, "the fewest first, got 3 and 2"),
        ({"lesions": (0, 2)}, "lesions"),
        ({"marked_share": -0.1}, "marked_share"),
        ({"lesion_contrst": 1}, "lesion_contrast"),
    ],
)
def test_dials_that_do_not_fit_are_refused(dials, words):
    with pytest.raises(ConfigError, match=words):
        CohortConfig.parse(dials, where="cohort")
