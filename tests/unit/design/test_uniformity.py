"""Tests of uniformity against hand-worked cases, SciPy and simulation."""

import numpy as np
import pytest
from scipy import stats

from metaanalysis.design.uniformity import chi_square, ecdf_limits, ecdf_p_value, histogram, poisson_binomial
from metaanalysis.errors import InputError


def test_histogram_counts_ends() -> None:
    np.testing.assert_array_equal(histogram([0.0, 0.05, 0.5, 0.99, 1.0], bins=4), [2, 0, 1, 2])


@pytest.mark.parametrize("counts", [[3, 7, 5, 5], [10, 10], [0, 40, 3]])
def test_chi_square_is_pearsons(counts: list[int]) -> None:
    assert chi_square(counts) == pytest.approx(stats.chisquare(counts).pvalue, rel=1e-10)


@pytest.mark.parametrize(
    ("values", "p"),
    # One inner point at a half: the counts 0, 1, 2 have the probabilities 1/4, 1/2, 1/4.
    [([0.6, 0.7], 0.5), ([0.1, 0.2], 0.5), ([0.1, 0.9], 1.0)],
)
def test_ecdf_p_value_by_hand(values: list[float], p: float) -> None:
    assert ecdf_p_value(values, points=2) == pytest.approx(p, abs=1e-12)


def test_ecdf_p_value_by_enumeration() -> None:
    """Three values, inner points at a third and two thirds: all 27 placements in thirds are equally likely."""
    centres = np.array([1, 3, 5]) / 6
    placements = [centres[[a, b, c]] for a in range(3) for b in range(3) for c in range(3)]

    def departure(values: np.ndarray) -> float:
        counts = [(int((values <= z).sum()), z) for z in (1 / 3, 2 / 3)]
        return min(2 * min(stats.binom.cdf(k, 3, z), stats.binom.sf(k - 1, 3, z)) for k, z in counts)

    departures = np.array([departure(values) for values in placements])
    for values, own in zip(placements, departures, strict=True):
        assert ecdf_p_value(values, points=3) == pytest.approx(np.mean(departures <= own + 1e-9), abs=1e-9)


def test_ecdf_test_keeps_its_level_and_has_power() -> None:
    rng = np.random.default_rng(1)
    uniform = np.array([ecdf_p_value(rng.random(60)) for _ in range(600)])
    # Exact but discrete, so never above the level; five binomial standard errors
    assert np.mean(uniform <= 0.05) < 0.05 + 5 * np.sqrt(0.05 * 0.95 / 600)
    assert np.mean(uniform <= 0.05) > 0.01
    assert ecdf_p_value(rng.beta(1.5, 1.5, 300)) < 1e-3  # posteriors too wide
    assert ecdf_p_value(rng.beta(0.7, 0.7, 300)) < 1e-3  # posteriors too narrow
    assert ecdf_p_value(rng.beta(1.4, 1.0, 300)) < 1e-3  # posteriors too low


def test_simultaneous_limits_hold_together() -> None:
    lower, upper = ecdf_limits(100, level=0.95)
    z = np.arange(1, 20) / 20
    rng = np.random.default_rng(2)
    shares = np.array([np.searchsorted(np.sort(rng.random(100)), z, side="right") / 100 for _ in range(4000)])
    held = np.mean(np.all((shares >= lower - 1e-9) & (shares <= upper + 1e-9), axis=1))
    assert 0.95 - 4 * 0.0035 < held < 0.98
    # Narrower than the Dvoretzky–Kiefer–Wolfowitz band, which covers all of (0, 1)
    assert np.max(upper - lower) / 2 < np.sqrt(np.log(2 / 0.05) / 200)


def test_poisson_binomial_against_the_binomial() -> None:
    for hits in (0, 2, 5, 10):
        tails = stats.binom.cdf(hits, 10, 0.3), stats.binom.sf(hits - 1, 10, 0.3)
        assert poisson_binomial([0.3] * 10, hits) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-9)
    # 0.9 and 0.2: none 0.08, one 0.74, both 0.18
    assert poisson_binomial([0.9, 0.2], 0) == pytest.approx(0.16)
    assert poisson_binomial([0.9, 0.2], 2) == pytest.approx(0.36)


@pytest.mark.parametrize("values", [[], [0.5, 1.5], [float("nan")]])
def test_values_that_are_not_probabilities_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        ecdf_p_value(values)
