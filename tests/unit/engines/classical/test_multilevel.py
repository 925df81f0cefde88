"""Multilevel fits and robust errors: identities that hold whatever the data."""

import numpy as np
import pytest
from scipy import linalg, stats

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines.classical import cluster_robust, component_interval, multilevel, random_effects


def made_up(studies=12, seed=3):
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(studies), rng.integers(1, 5, studies))
    x = rng.integers(0, 9, owner.size).astype(float)
    v = rng.uniform(0.05, 0.2, owner.size) ** 2
    y = 0.1 + 0.03 * x + 0.2 * rng.normal(size=studies)[owner] + 0.1 * rng.normal(size=owner.size)
    table = table_from_arrays(y, v, x, study=[f"s{i}" for i in owner], rho=0.5, exposure_range=(0.0, 10.0))
    return table, np.stack([np.ones(len(table)), table.x], axis=1)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_likelihood_is_the_dense_normal_density(method):
    table, x = made_up()
    fit = multilevel(table, x, method=method)
    v = linalg.block_diag(*fit.blocks)
    dense = stats.multivariate_normal(x @ fit.beta, v).logpdf(table.y)
    if method == "REML":
        information = x.T @ np.linalg.solve(v, x)
        dense += np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(information)[1] + 0.5 * np.linalg.slogdet(x.T @ x)[1]
    assert fit.loglik == pytest.approx(dense, abs=1e-9)
    same_study = table.study_index[:, None] == table.study_index
    rebuilt = table.covariance() + fit.sigma2["study"] * same_study + fit.sigma2["effect"] * np.eye(len(table))
    assert v == pytest.approx(rebuilt)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_no_better_variance_components_nearby(method):
    table, x = made_up()
    fit = multilevel(table, x, method=method)
    best = np.array(list(fit.sigma2.values()))
    for move in ([1.02, 1.0], [0.98, 1.0], [1.0, 1.02], [1.0, 0.98], [1.01, 0.99], [0.99, 1.01]):
        assert multilevel(table, x, method=method, sigma2=best * move).loglik < fit.loglik


def test_one_effect_in_each_study_is_the_univariate_model():
    table, _ = made_up()
    alone = table_from_arrays(table.y, table.v, table.x)
    x = np.stack([np.ones(len(table)), table.x], axis=1)
    for method in ("ML", "REML"):
        fit, single = (
            multilevel(alone, x, levels=("study",), method=method),
            random_effects(table.y, table.v, x, method=method),
        )
        both = multilevel(alone, x, method=method)
        assert both.sigma2 == {"study": pytest.approx(single.tau2, rel=1e-8), "effect": 0.0}
        assert fit.sigma2["study"] == pytest.approx(single.tau2, rel=1e-8)
        assert fit.beta == pytest.approx(single.beta, rel=1e-8)
        assert fit.loglik == pytest.approx(single.loglik, abs=1e-9)


def test_interval_of_a_component_has_the_likelihood_of_its_level():
    table, x = made_up()
    best = multilevel(table, x)
    low, high = component_interval(table, x, component="effect")
    assert low < best.sigma2["effect"] < high
    grid = best.sigma2["study"] * np.linspace(0.5, 1.6, 221)
    for end in (low, high):
        profile = max(multilevel(table, x, sigma2=[between, end]).loglik for between in grid)
        assert 2 * (best.loglik - profile) == pytest.approx(stats.chi2(1).ppf(0.95), abs=1e-3)


def test_cr2_is_unbiased_under_the_working_model():
    """Its expectation there is the model-based covariance, which is what the correction is for."""
    table, x = made_up()
    fit = multilevel(table, x)
    robust = cluster_robust(fit.residual, x, fit.beta, fit.blocks)
    mean = np.sum(robust.own - robust.shared @ robust.shared.transpose(0, 2, 1), axis=0)
    assert mean == pytest.approx(fit.vcov, rel=1e-9)


def test_degrees_of_freedom_match_simulated_moments():
    """2 E(V)²/var(V) over draws from the working model, each refitted by the same weights."""
    table, x = made_up()
    fit = multilevel(table, x)
    robust = cluster_robust(fit.residual, x, fit.beta, fit.blocks)
    v = linalg.block_diag(*fit.blocks)
    rng = np.random.default_rng(0)
    hat = x @ fit.vcov @ x.T @ np.linalg.inv(v)
    draws = np.linalg.cholesky(v) @ rng.standard_normal((len(table), 3000))
    variances = np.array([np.diag(cluster_robust(e, x, fit.beta, fit.blocks).vcov) for e in (draws - hat @ draws).T])
    simulated = 2 * variances.mean(axis=0) ** 2 / variances.var(axis=0)
    assert robust.df == pytest.approx(simulated, rel=0.15)  # about four standard errors of a variance from 3000 draws


def test_joint_test_of_one_coefficient_is_its_t_test():
    table, x = made_up()
    fit = multilevel(table, x)
    robust = cluster_robust(fit.residual, x, fit.beta, fit.blocks)
    f, df1, df2, p = robust.wald([1])
    assert (f, df1, df2) == pytest.approx(((robust.beta[1] / robust.se[1]) ** 2, 1, robust.df[1]))
    assert p == pytest.approx(robust.p_values()[1])


def test_prediction_is_wider_than_confidence():
    table, x = made_up()
    fit = multilevel(table, x)
    mean, low, high = fit.predict(x[0])
    narrow = fit.vcov[0, 0] + 2 * x[0, 1] * fit.vcov[0, 1] + x[0, 1] ** 2 * fit.vcov[1, 1]
    assert mean == pytest.approx(x[0] @ fit.beta)
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(narrow + sum(fit.sigma2.values())), rel=1e-6)
