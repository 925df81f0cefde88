"""Distributions of single quantities against SciPy and against known closed forms."""

import numpy as np
import pytest
from scipy import stats

from metaanalysis.engines.densities import panel_marginal, sinc_marginal
from metaanalysis.engines.marginals import (
    AverageMarginal,
    MixtureMarginal,
    PointMarginal,
    band,
    compress,
    mixture_quantiles,
)
from metaanalysis.engines.quadrature import linear_coordinate, log_coordinate, panel_nodes, sinh_coordinate

P = np.array([0.001, 0.025, 0.5, 0.9, 0.999])


def random_mixture(count: int, seed: int = 1) -> MixtureMarginal:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(count, 0.3))
    return MixtureMarginal(weights, rng.normal(size=count), rng.uniform(0.1, 1.0, count), 0.0)


def test_a_single_component_is_a_normal():
    one = MixtureMarginal(np.ones(1), np.array([0.3]), np.array([0.2]), 0.0)
    normal = stats.norm(0.3, 0.2)
    assert one.quantile(P) == pytest.approx(normal.ppf(P), abs=1e-9)
    assert one.density([0.1, 0.3]) == pytest.approx(normal.pdf([0.1, 0.3]))
    assert one.probability_below([[0.1], [0.4]]) == pytest.approx(normal.cdf([[0.1], [0.4]]))
    assert (one.mean, one.sd) == pytest.approx((0.3, 0.2))


def test_mixture_quantiles_invert_probabilities():
    mixture = random_mixture(40)
    assert mixture.probability_below(mixture.quantile(P)) == pytest.approx(P, abs=1e-10)
    assert mixture.quantile([0, 1]) == pytest.approx([-np.inf, np.inf])


def test_quantiles_between_separate_modes():
    mixture = MixtureMarginal(np.array([0.5, 0.5]), np.array([-10.0, 10.0]), np.array([0.01, 0.01]), 0.0)
    assert mixture.quantile([0.25, 0.75]) == pytest.approx([-10, 10], abs=1e-6)


def test_components_without_spread():
    mixture = MixtureMarginal(np.array([0.3, 0.7]), np.array([0.0, 1.0]), np.array([0.0, 0.5]), 0.0)
    below, at = mixture.probability_below([-1e-9, 0.0])
    assert at - below == pytest.approx(0.3, abs=1e-6)


def test_compression_keeps_weight_moments_and_quantiles():
    rng = np.random.default_rng(5)
    sds = rng.uniform(0.1, 0.2, 50_000)
    mixture = MixtureMarginal(rng.dirichlet(np.full(50_000, 0.3)), rng.normal(size=50_000), sds, 0.0)
    few, means, sds = compress(mixture.weights, mixture.means, mixture.sds**2)
    assert len(few) < 25_000
    assert few.sum() == pytest.approx(1)
    assert few @ means == pytest.approx(mixture.mean, abs=1e-9)
    assert few @ (sds**2 + means**2) == pytest.approx(mixture.sd**2 + mixture.mean**2, rel=1e-4)
    found = mixture_quantiles(few, means[:, None], sds[:, None], P)[:, 0]
    assert found == pytest.approx(mixture.quantile(P), abs=1e-3 * mixture.sd)
    low, high = band(mixture.weights, mixture.means[:, None], mixture.sds[:, None], 0.95)
    assert (low[0], high[0]) == pytest.approx(tuple(mixture.quantile([0.025, 0.975])), abs=2e-4 * mixture.sd)
    assert mixture.compressed().quantile(0.5) == pytest.approx(float(mixture.quantile(0.5)), abs=1e-4)


def test_an_average_with_a_point_mass():
    half = AverageMarginal(np.array([0.5, 0.5]), [PointMarginal(0.0), random_mixture(3)])
    assert half.probability_below(0.0) - half.probability_below(-1e-9) == pytest.approx(0.5, abs=1e-6)
    assert half.quantile(0.5) == pytest.approx(0.0, abs=1e-6)
    assert half.mean == pytest.approx(random_mixture(3).mean / 2)
    second = (random_mixture(3).sd ** 2 + random_mixture(3).mean ** 2) / 2
    assert half.sd == pytest.approx(np.sqrt(second - half.mean**2))


def test_a_point():
    point = PointMarginal(0.4)
    assert point.quantile([0.1, 0.9]) == pytest.approx(0.4)
    assert point.probability_below([0.3, 0.4]) == pytest.approx([0, 1])
    assert point.density([0.3, 0.4]) == pytest.approx([0, np.inf])


def test_panels_recover_a_gamma_through_the_logarithm():
    gamma = stats.gamma(3, scale=0.5)
    ends = np.linspace(np.log(1e-4), np.log(20), 9)
    t, weight = panel_nodes(ends[:-1], ends[1:], 16)
    mass = weight * gamma.pdf(np.exp(t)) * np.exp(t)
    found = panel_marginal(ends[:-1], ends[1:], mass, log_coordinate(), 0.0)
    assert found.quantile(P) == pytest.approx(gamma.ppf(P), rel=1e-6)
    assert found.density([0.5, 1.5]) == pytest.approx(gamma.pdf([0.5, 1.5]), rel=1e-6)
    assert (found.mean, found.sd) == pytest.approx((gamma.mean(), gamma.std()), rel=1e-6)


def test_overlapping_panels_add_up():
    lower, upper = np.array([0.0, 0.0]), np.array([1.0, 2.0])
    mass = np.array([[0.25, 0.25], [0.25, 0.25]])  # half uniform on (0, 1), half on (0, 2)
    found = panel_marginal(lower, upper, mass, linear_coordinate(), 0.0)
    assert found.probability_below([0.5, 1.0, 1.5]) == pytest.approx([0.375, 0.75, 0.875])
    assert found.density([0.5, 1.5]) == pytest.approx([0.75, 0.25])
    assert found.mean == pytest.approx(0.75)


@pytest.mark.parametrize(("centre", "mirror"), [(0.0, True), (0.6, True)])
def test_sinc_interpolation_recovers_a_folded_normal(centre, mirror):
    """A folded normal is even around zero, as posteriors of heterogeneity are under even priors."""
    coordinate = sinh_coordinate(0.1)
    folded = stats.foldnorm(centre / 0.3, scale=0.3)
    t = np.linspace(0, float(coordinate.forward(np.array(4.0))), 40)
    tau = coordinate.backward(t)
    mass = folded.pdf(tau) * np.exp(coordinate.log_slope(t)) * (t[1] - t[0])
    mass[0] /= 2
    found = sinc_marginal(t, mass, coordinate, mirror=mirror, error=0.0)
    assert found.quantile(P) == pytest.approx(folded.ppf(P), rel=1e-4)
    assert found.mean == pytest.approx(folded.mean(), rel=1e-6)
    assert found.sd == pytest.approx(folded.std(), rel=1e-6)
    assert found.density([0.0, 0.2, 0.5]) == pytest.approx(folded.pdf([0.0, 0.2, 0.5]), rel=1e-4)
