"""The conjugate kernel against dense linear algebra."""

import numpy as np
import pytest

from metaanalysis.engines.gaussian import (
    coefficients,
    cross_products,
    factor,
    log_likelihood,
    rotate,
    sandwich_diagonal,
    spectrum,
    unrotate,
)

SIZES = (1, 3, 2, 3, 1)


@pytest.fixture
def blocks():
    rng = np.random.default_rng(1)
    made = []
    for k in SIZES:
        root = rng.normal(size=(k, k))
        made.append(root @ root.T / 10 + 0.05 * np.eye(k))
    return made


def dense(blocks) -> np.ndarray:
    total = np.zeros((sum(SIZES), sum(SIZES)))
    start = 0
    for block in blocks:
        total[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return total


def test_rotation_is_undone_and_diagonalises(blocks):
    basis = spectrum(blocks)
    columns = np.random.default_rng(2).normal(size=(10, 2, 3))
    assert unrotate(basis, rotate(basis, columns)) == pytest.approx(columns, abs=1e-12)
    rotated = rotate(basis, np.eye(10))
    assert rotated @ dense(blocks) @ rotated.T == pytest.approx(np.diag(basis.variances), abs=1e-12)


def test_extra_covariance_is_added(blocks):
    extra = [0.3 * np.ones((k, k)) for k in SIZES]
    assert spectrum(blocks, extra=extra).variances == pytest.approx(
        spectrum([a + b for a, b in zip(blocks, extra, strict=True)]).variances
    )


def test_sandwich_diagonal(blocks):
    basis = spectrum(blocks)
    inverse = 1 / (basis.variances + 0.2)
    known = dense(blocks)
    expected = (known @ np.linalg.inv(known + 0.2 * np.eye(10)) @ known).diagonal()
    assert sandwich_diagonal(basis, blocks, inverse) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("elements", [4e6, 1.0])  # all variances at once, or one at a time
def test_likelihood_and_coefficients_against_dense_algebra(blocks, monkeypatch, elements):
    monkeypatch.setattr("metaanalysis.engines.gaussian.MOST_ELEMENTS", elements)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(10, 2, 4)), rng.normal(size=10)
    z = np.concatenate([x, np.broadcast_to(y[:, None, None], (10, 1, 4))], axis=1)
    within, between = np.array([0.0, 0.04, 0.5]), np.array([[0.0] * 5, [0.1, 0.2, 0.1, 0.2, 0.3]])
    precision = np.array([4.0, 0.5])
    basis = spectrum(blocks)
    packed, log_det = cross_products(basis, rotate(basis, z), within, between)
    factored = factor(packed, precision)
    found = log_likelihood(factored, log_det, precision, 10)
    owner = np.repeat(np.arange(5), SIZES)
    for w in range(3):
        for b in range(2):
            noise = dense(blocks) + within[w] * np.eye(10)
            noise += (owner[:, None] == owner) * between[b][owner]
            means, covariances = coefficients(factored[w, b])
            for n in range(4):
                full = noise + (x[..., n] / precision) @ x[..., n].T
                sign, log_det_full = np.linalg.slogdet(full)
                expected = -0.5 * (10 * np.log(2 * np.pi) + log_det_full + y @ np.linalg.solve(full, y))
                assert sign == 1
                assert found[w, b, n] == pytest.approx(expected, abs=1e-10)
                spread = np.linalg.inv(x[..., n].T @ np.linalg.solve(noise, x[..., n]) + np.diag(precision))
                assert covariances[n] == pytest.approx(spread, abs=1e-10)
                assert means[n] == pytest.approx(spread @ x[..., n].T @ np.linalg.solve(noise, y), abs=1e-10)


def test_a_coefficient_without_information_or_prior_is_not_a_number(blocks):
    z = np.zeros((10, 2, 1))
    z[:, 1] = 1.0
    basis = spectrum(blocks)
    packed, log_det = cross_products(basis, rotate(basis, z), np.zeros(1), np.zeros((1, 5)))
    precision = np.array([0.0])
    assert np.isnan(log_likelihood(factor(packed, precision), log_det, precision, 10)).all()
