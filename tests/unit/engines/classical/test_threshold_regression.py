"""Threshold regression on individual data: against plain least squares at every split."""

from importlib import import_module

import numpy as np
import pytest
from scipy import special

from metaanalysis.engines.classical import segments, sup_lm, threshold_regression
from metaanalysis.engines.classical.f_statistics import hansen_p

RNG = np.random.default_rng(8)
N = 90
Q = np.round(RNG.normal(size=N), 1)  # with ties
X = np.column_stack([np.ones(N), 1000 + RNG.normal(size=N), RNG.normal(size=N)])  # badly conditioned on purpose
Y = 3 + 0.5 * X[:, 1] + 0.8 * (Q > 0.2) + 0.4 * RNG.normal(size=N)


def residual_sum(x, y):
    return np.sum((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2)


def split_sum(c):
    low = c >= Q
    return residual_sum(X[low], Y[low]) + residual_sum(X[~low], Y[~low])


@pytest.mark.parametrize("cells", [40, 2_000_000])
def test_every_split_by_plain_least_squares(monkeypatch, cells):
    """Also when the running sums are cut into chunks of a few rows."""
    monkeypatch.setattr(import_module(threshold_regression.__module__), "CELLS", cells)
    fit = threshold_regression(Y, X, Q)
    assert fit.profile == pytest.approx([split_sum(c) for c in fit.candidates], rel=1e-8)
    assert fit.threshold == fit.candidates[np.argmin(fit.profile)]
    assert fit.sse_linear == pytest.approx(residual_sum(X, Y))
    assert (fit.n_low, fit.n_high) == (np.sum(fit.threshold >= Q), np.sum(fit.threshold < Q))
    assert np.all(fit.ends > fit.candidates)


def test_regressor_that_does_not_vary_in_one_regime():
    indicator = ((Q > 1.0) & (np.arange(N) % 2 == 0)).astype(float)
    x = np.column_stack([np.ones(N), indicator])
    fit = threshold_regression(Y - 0.5 * X[:, 1], x, Q, trim=0.1)
    direct = [
        residual_sum(x[c >= Q], (Y - 0.5 * X[:, 1])[c >= Q]) + residual_sum(x[c < Q], (Y - 0.5 * X[:, 1])[c < Q])
        for c in fit.candidates
    ]
    assert fit.profile == pytest.approx(direct, rel=1e-7)


def test_confidence_set_does_not_depend_on_the_unit_of_the_threshold():
    fit, scaled = threshold_regression(Y, X, Q), threshold_regression(Y, X, 1000 * Q)
    for level in (0.8, 0.9, 0.99):
        assert np.array(scaled.confidence_set(level)) == pytest.approx(1000 * np.array(fit.confidence_set(level)))
    assert scaled.eta2["kernel"] == pytest.approx(fit.eta2["kernel"])


def test_confidence_set_contains_the_estimate_and_grows():
    fit = threshold_regression(Y, X, Q)
    sets = [fit.confidence_set(level, scale=s) for s in ("none", "kernel") for level in (0.5, 0.9, 0.99)]
    assert all(low <= fit.threshold <= high for low, high in sets)
    assert sets[0][0] >= sets[1][0] >= sets[2][0]


def test_homoskedastic_errors_have_a_ratio_near_one():
    rng = np.random.default_rng(1)
    q = rng.uniform(size=20_000)
    y = (q > 0.4) + rng.normal(size=q.size)
    fit = threshold_regression(y, np.ones((q.size, 1)), q)
    assert fit.threshold == pytest.approx(0.4, abs=0.002)
    assert fit.eta2["kernel"] == pytest.approx(1.0, abs=0.15)


def test_sup_lm_by_hand():
    """The score statistic at each candidate with White's variance, written out."""
    statistic, where, p = sup_lm(Y, X, Q, draws=199, seed=2)
    bread = np.linalg.inv(X.T @ X)
    e = Y - X @ bread @ X.T @ Y
    found = {}
    for c in np.unique(Q):
        low = c >= Q
        if np.floor(0.15 * N) <= low.sum() <= np.floor(0.85 * N):
            influence = X * low[:, None] - X @ bread @ (X[low].T @ X[low])
            score = influence.T @ e
            found[c] = score @ np.linalg.solve((influence * e[:, None]).T @ (influence * e[:, None]), score)
    assert where == max(found, key=found.get)
    assert statistic == pytest.approx(max(found.values()), rel=1e-6)
    assert p < 0.05


def test_two_breaks_are_found():
    rng = np.random.default_rng(5)
    time = np.arange(120)
    y = 2.0 * (time >= 40) - 3.0 * (time >= 85) + 0.5 * rng.normal(size=120)
    parts = segments(y, np.ones((120, 1)), most=4)
    best = min(parts, key=lambda part: part.bic)
    assert best.breaks == (40, 85)
    direct = sum(np.sum((part - part.mean()) ** 2) for part in np.split(y, best.breaks))
    assert best.rss == pytest.approx(direct)


@pytest.mark.parametrize(("k", "statistic"), [(1, 8.7), (1, 12.0), (2, 11.7), (4, 16.4), (8, 25.0)])
def test_hansen_p_values_meet_the_tail_formula(k, statistic):
    """First terms of the tail of the largest normalised Bessel process (De Long 1981; Estrella 2003), trimming .15.

    Hansen's surfaces were fitted to simulations on a grid, which misses some of the maximum: up to .006 at p = .05.
    """
    density = np.exp(0.5 * k * np.log(statistic / 2) - statistic / 2 - special.gammaln(k / 2))
    tail = density * (2 * np.log(0.85 / 0.15) * (1 - k / statistic) + 2 / statistic)
    assert hansen_p("sup", statistic, k, 0.15) == pytest.approx(tail, abs=0.006)


def test_hansen_p_values_without_a_search():
    assert hansen_p("sup", 3.84, 1, 0.4999) == pytest.approx(0.05, abs=0.003)
