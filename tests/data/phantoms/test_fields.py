"""Spline fields: equal to SciPy's splines, of unit variance, and never folding."""

import numpy as np
from scipy.interpolate import BSpline

from anlage.data.phantoms._fields import FOLD_LIMIT, UNIT_VARIANCE, evaluate, lattice, smooth


def axis(n, extent=192.0):
    return ((np.arange(n) - (n - 1) / 2) * extent / n).astype(np.float32)


def test_equals_a_tensor_product_of_scipy_splines():
    rng = np.random.default_rng(0)
    shape = lattice(192, 32)
    coefficients = rng.standard_normal((2, *shape), np.float32)
    axes = (axis(9), axis(7), np.array([-12.5, 40], np.float32))
    got = evaluate(coefficients, axes, 32)
    half = (shape[0] - 1) / 2
    # Cubic splines centred on the lattice: SciPy wants their left ends.
    knots = (np.arange(shape[0] + 4) - half - 2) * 32.0
    wanted = coefficients.astype(np.float64)
    for place, positions in enumerate(axes, start=1):
        basis = np.nan_to_num(BSpline.design_matrix(positions.astype(float), knots, 3).toarray())
        wanted = np.moveaxis(np.tensordot(basis, wanted, (1, place)), 0, place)
    assert got.shape == (2, 9, 7, 2)
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_constant_coefficients_give_a_constant_everywhere():
    ones = np.ones(lattice(192, 7.0), np.float32)
    edges = np.array([-96, 0, 96], np.float32)
    np.testing.assert_allclose(evaluate(ones, (edges, edges, edges), 7.0), 1, atol=1e-5)


def test_unit_variance():
    noise = np.random.default_rng(1).standard_normal((20, *lattice(192, 16)), np.float32)
    fields = evaluate(noise, (axis(24), axis(24), axis(24)), 16) * UNIT_VARIANCE
    assert abs(fields.std() - 1) < 0.02


def test_the_largest_bend_does_not_fold():
    spacing, grid = 32.0, axis(96)
    signs = np.random.default_rng(2).choice([-1.0, 1.0], (3, *lattice(192, spacing)))
    limits = (FOLD_LIMIT * spacing * signs).astype(np.float32)
    moved = evaluate(limits, (grid, grid, grid), spacing)
    jacobian = np.stack([np.stack(np.gradient(part, 2.0)) for part in moved])
    jacobian = np.moveaxis(jacobian, (0, 1), (-2, -1)) + np.eye(3)
    assert np.linalg.det(jacobian).min() > 0


def test_a_flat_field_is_of_scipy_splines_and_unit_variance():
    axes = (axis(40), axis(50))
    field = smooth(np.random.default_rng(3), axes, (192, 192), (12, 6))
    assert field.shape == (40, 50)
    assert abs(field.std() - 1) < 0.1
    coefficients = np.random.default_rng(3).standard_normal((19, 35), np.float32)
    wanted = coefficients.astype(np.float64) / (151 / 315)
    for place, (positions, spacing) in enumerate(zip(axes, (12.0, 6.0), strict=True)):
        number = coefficients.shape[place]
        knots = (np.arange(number + 4) - (number - 1) / 2 - 2) * spacing
        basis = np.nan_to_num(BSpline.design_matrix(positions.astype(float), knots, 3).toarray())
        wanted = np.moveaxis(np.tensordot(basis, wanted, (1, place)), 0, place)
    np.testing.assert_allclose(field, wanted, atol=1e-4)
