"""What a column of labels is taken for."""

from types import SimpleNamespace

import numpy as np

from anlage.alignment.material import target_of

CODES = [float(row % 15) for row in range(30)]
STORE = SimpleNamespace(label_names=["scanner"], labels=lambda name: CODES)


def test_many_codes_of_sites_are_classes_and_many_numbers_else_a_quantity():
    rows = np.arange(30)
    codes = target_of(STORE, rows, "scanner", is_site=True)
    assert len(codes.classes) == 15
    assert [codes.classes[int(value)] for value in codes.values] == [f"{c:g}" for c in CODES]
    quantity = target_of(STORE, rows, "scanner")
    assert quantity.classes == ()
    assert quantity.values.tolist() == CODES
