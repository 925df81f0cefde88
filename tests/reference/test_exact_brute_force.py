"""The exact engine against dense normal densities integrated by other rules, on small tables with everything at once.

The reference shares no code with the engine: the full marginal covariance of the effects is written down, its density
by dense linear algebra, and the hyperparameters integrated by Gauss–Legendre rules in the parameters themselves (80
nodes each, good to about 1e-8 here: 90 nodes move the log evidence by less). Tolerance 1e-7 where the engine states
no more, 1e-6 otherwise, its own stated bound.
"""

import numpy as np
import pytest

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.models import priors
from metaanalysis.models.model import build_model

RANGE = (0.0, 10.0)
TAU = {"between": (0.4, 4.0), "within": (0.25, 2.5)}


def small_table() -> EffectTable:
    """Nine effects of four studies, correlated within studies, two of them contrasts between exposures."""
    nan = np.nan
    return table_from_arrays(
        [0.10, 0.22, 0.05, 0.41, 0.38, 0.70, 0.15, 0.30, 0.55],
        np.array([0.08, 0.10, 0.06, 0.15, 0.12, 0.20, 0.09, 0.07, 0.11]) ** 2,
        [1, 2, 2, 5, 5, 8, 3, 6, 8],
        x0=[nan, nan, nan, nan, nan, nan, 1, nan, 3],
        study=list("aaabbcddd"),
        rho=0.6,
        exposure_range=RANGE,
    )


def heterogeneity():
    return {
        "between": priors.half_normal(TAU["between"][0], reason="test"),
        "within": priors.half_normal(TAU["within"][0], reason="test"),
    }


def rule(low: float, high: float, order: int) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return (low + high) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights


def half_normal(tau: np.ndarray, scale: float) -> np.ndarray:
    return np.sqrt(2 / np.pi) / scale * np.exp(-0.5 * (tau / scale) ** 2)


def columns(name: str, x: float, c: float) -> list[float]:
    """The columns of a mean function at one exposure, written out again."""
    share, beyond = x / 10, float(x > c)
    return {
        "linear": [1, share],
        "step": [1, beyond],
        "kink": [1, share, max(x - c, 0) / 10],
        "cliff": [1, share, beyond, max(x - c, 0) / 10],
    }[name]


def design(name: str, table: EffectTable, c: float) -> np.ndarray:
    rows = []
    for x, x0 in zip(table.x, table.x0, strict=True):
        row = np.array(columns(name, x, c))
        rows.append(row if np.isnan(x0) else row - np.array(columns(name, x0, c)))
    return np.array(rows)


def log_normal(y: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Log density of y under normals with mean zero and a stack of dense covariances."""
    _, log_det = np.linalg.slogdet(cov)
    quadratic = np.squeeze(y @ np.linalg.solve(cov, np.broadcast_to(y[:, None], (*cov.shape[:-1], 1))), -1)
    return -0.5 * (len(y) * np.log(2 * np.pi) + log_det + quadratic)


def grid(table: EffectTable, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Nodes of both heterogeneities, prior weights, and the covariance without the coefficients at each pair."""
    owner = np.array(table.study)
    same = (owner[:, None] == owner[None, :]).astype(float)
    between, wb = rule(0, TAU["between"][1], order)
    within, ww = rule(0, TAU["within"][1], order)
    weights = np.outer(wb * half_normal(between, 0.4), ww * half_normal(within, 0.25)).ravel()
    between, within = np.repeat(between, order), np.tile(within, order)
    noise = table.covariance() + between[:, None, None] ** 2 * same
    return between, within, weights, noise + within[:, None, None] ** 2 * np.eye(len(table))


def density(name: str, table: EffectTable, c: float, order: int = 80) -> float:
    """The marginal likelihood for one threshold: dense covariance, two heterogeneities by quadrature."""
    x = design(name, table, c)
    _, _, weights, noise = grid(table, order)
    return float(weights @ np.exp(log_normal(table.y, noise + 0.25 * x @ x.T)))


def test_linear_with_two_heterogeneities():
    table = small_table()
    model = build_model("linear", exposure_range=RANGE, heterogeneity=heterogeneity())
    found = exact.fit(model, table).log_evidence
    assert found.value == pytest.approx(np.log(density("linear", table, 0.0)), abs=1e-7)


def test_step_over_the_gaps():
    table = small_table()
    model = build_model("step", exposure_range=RANGE, heterogeneity=heterogeneity())
    ends = np.array([0, 1, 2, 3, 5, 6, 8, 10])
    masses = np.array([density("step", table, c) for c in (ends[1:] + ends[:-1]) / 2]) * np.diff(ends) / 10
    fit = exact.fit(model, table)
    assert fit.log_evidence.value == pytest.approx(np.log(masses.sum()), abs=1e-7)
    found = [gap["probability"] for gap in fit.threshold_gaps()]
    assert found == pytest.approx(masses / masses.sum(), abs=1e-5)
    assert fit.threshold_beyond() == pytest.approx((masses[0] + masses[-1]) / masses.sum(), abs=1e-5)


@pytest.mark.parametrize("name", ["kink", "cliff"])
def test_threshold_integrated_between_exposures(name):
    table = small_table()
    # Small fixed heterogeneities: the integral over the threshold is what is tested.
    fixed = {"between": 0.2, "within": 0.1}
    owner = np.array(table.study)
    noise = table.covariance() + 0.04 * (owner[:, None] == owner[None, :]) + 0.01 * np.eye(len(table))
    total = 0.0
    for low, high in zip([0, 1, 2, 3, 5, 6, 8], [1, 2, 3, 5, 6, 8, 10], strict=True):
        thresholds, weights = rule(low, high, 30)
        covariances = np.array([noise + 0.25 * (x := design(name, table, c)) @ x.T for c in thresholds])
        total += float(weights / 10 @ np.exp(log_normal(table.y, covariances)))
    model = build_model(name, exposure_range=RANGE, heterogeneity=fixed)
    found = exact.fit(model, table).log_evidence
    assert found.value == pytest.approx(np.log(total), abs=1e-6)


def test_posterior_moments_of_coefficients_and_heterogeneity():
    """Posterior means and spreads of the linear member from the same dense grid, weighted."""
    table = small_table()
    model = build_model("linear", exposure_range=RANGE, heterogeneity=heterogeneity())
    fit = exact.fit(model, table)
    x = design("linear", table, 0.0)
    between, within, prior, noise = grid(table, 80)
    covariances = noise + 0.25 * x @ x.T
    weights = prior * np.exp(log_normal(table.y, covariances))
    weights /= weights.sum()
    solved = np.linalg.inv(covariances)
    gain = 0.25 * x.T @ solved
    means = gain @ table.y
    seconds = 0.25 - np.einsum("nij,ji->ni", gain, x) * 0.25 + means**2
    first = np.array([study == "a" for study in table.study], float)
    effects = between**2 * (solved @ table.y @ first)  # posterior mean of the first study's effect
    moments = weights @ np.column_stack([np.ones_like(between), means, seconds, between, within, effects])
    slope = fit.marginal("slope")
    assert fit.marginal("intercept").mean == pytest.approx(moments[1], abs=1e-5)
    assert slope.mean == pytest.approx(moments[2], abs=1e-5)
    assert slope.sd == pytest.approx(np.sqrt(moments[4] - moments[2] ** 2), abs=1e-5)
    assert fit.marginal("tau_between").mean == pytest.approx(moments[5], abs=1e-5)
    assert fit.marginal("tau_within").mean == pytest.approx(moments[6], abs=1e-5)
    assert fit.study_effects().mean[0] == pytest.approx(moments[7], abs=1e-4)
