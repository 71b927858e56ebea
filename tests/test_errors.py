"""Three kinds of error, all ours, all ValueErrors."""

import pytest

from anlage import errors


@pytest.mark.parametrize("name", ["ConfigError", "DataError", "ShapeError"])
def test_every_kind_is_ours_and_a_value_error(name):
    kind = getattr(errors, name)
    assert issubclass(kind, errors.AnlageError)
    assert issubclass(kind, ValueError)


def test_the_kinds_do_not_catch_each_other():
    kinds = (errors.ConfigError, errors.DataError, errors.ShapeError)
    assert [issubclass(a, b) for a in kinds for b in kinds if a is not b] == [False] * 6
