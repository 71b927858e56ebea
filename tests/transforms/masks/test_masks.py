import pytest

from anlage.transforms.masks import num_hidden


@pytest.mark.parametrize(
    ("grid", "ratio", "count"),
    [
        ((4, 5), 0.75, 15),
        ((3, 5, 7), 0.6, 63),
        ((7,), 0.5, 4),  # 3.5, rounded to even
        ((14, 14), 0.75, 147),
        ((2, 1), 0.01, 1),  # one is always hidden
        ((2, 2), 0.99, 3),  # and one always stays
    ],
)
def test_the_rounded_share_of_positions_is_hidden(grid, ratio, count):
    assert num_hidden(grid, ratio) == count
