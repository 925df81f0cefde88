"""Threshold tests on effect tables: their size, their power, and what they see of a table."""

import numpy as np
import pytest
from scipy import stats

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines.classical import (
    continuity_test,
    counterpart,
    davies_bound,
    multilevel,
    sup_lr_test,
    sup_test,
    threshold_profile,
)
from metaanalysis.engines.classical.curves import gaps, null_design

STUDIES, REPLICATES = 20, 160
LEVELS = ("study",)


def simulated(seed, *, slope=0.3, jump=0.0, studies=STUDIES):
    """One effect in each study; a linear curve, possibly with a jump between 3 and 4."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 8, studies).astype(float)
    v = rng.uniform(0.03, 0.15, studies) ** 2
    y = 0.1 + slope * x / 7 + jump * (x > 3.5) + np.sqrt(0.1**2 + v) * rng.normal(size=studies)
    return table_from_arrays(y, v, x, exposure_range=(0.0, 10.0))


def share_below(values, level=0.05):
    return int(np.sum(np.array(values) <= level))


@pytest.fixture(scope="module")
def null_tests():
    return [sup_test(simulated(seed), levels=LEVELS, draws=199, seed=seed) for seed in range(REPLICATES)]


@pytest.mark.parametrize("which", ["p_bootstrap", "p_permutation"])
def test_size_under_a_linear_curve(null_tests, which):
    """Rejections at 5 % stay within the 99.9 % binomial limits of the nominal level."""
    rejected = share_below([getattr(test, which) for test in null_tests])
    assert stats.binom(REPLICATES, 0.05).ppf(0.0005) <= rejected <= stats.binom(REPLICATES, 0.05).ppf(0.9995)


def test_ignoring_the_search_rejects_too_often(null_tests):
    assert share_below([test.p_naive for test in null_tests]) > stats.binom(REPLICATES, 0.05).ppf(0.9995)


def test_davies_bound_is_conservative(null_tests):
    assert share_below([test.p_davies for test in null_tests]) <= stats.binom(REPLICATES, 0.05).ppf(0.9995)
    assert all(test.p_davies >= test.p_naive for test in null_tests)


@pytest.mark.parametrize(
    "p_value",
    [
        lambda table, seed: sup_test(table, kind="robust", levels=LEVELS, draws=99, seed=seed).p_bootstrap,
        lambda table, seed: sup_lr_test(table, levels=LEVELS, draws=99, seed=seed)[1],
        lambda table, seed: sup_test(table, change="kink", levels=LEVELS, draws=99, seed=seed).p_bootstrap,
        lambda table, seed: continuity_test(table, levels=LEVELS, draws=99, seed=seed).p,
    ],
    ids=["robust", "sup-LR", "kink", "continuity"],
)
def test_size_of_the_other_tests(p_value):
    """At 10 %, because 99 draws resolve no better; upper limit only."""
    rejected = share_below([p_value(simulated(seed), seed) for seed in range(80)], 0.1)
    assert rejected <= stats.binom(80, 0.1).ppf(0.9995)


def test_power_against_a_large_jump():
    found = [sup_test(simulated(s, slope=0.0, jump=0.5), null="flat", levels=LEVELS, draws=199) for s in range(30)]
    assert share_below([test.p_bootstrap for test in found]) >= 27
    assert share_below([test.p_permutation for test in found]) >= 27
    assert np.median([test.coefficient for test in found]) == pytest.approx(0.5, abs=0.1)


def test_power_of_the_continuity_test():
    found = [continuity_test(simulated(s, slope=0.0, jump=1.5, studies=40), levels=LEVELS, draws=99) for s in range(15)]
    assert share_below([test.p for test in found]) >= 12


def test_confidence_set_covers_the_gap_of_the_jump():
    """Level 95 %; at most the 99.9 % binomial limit of misses, and never the whole axis for so large a jump."""
    profiles = [threshold_profile(simulated(s, slope=0.0, jump=0.6), null="flat", levels=LEVELS) for s in range(60)]
    sets = [profile.confidence_set() for profile in profiles]
    missed = sum(not any(low <= 3 and high >= 4 for low, high in intervals) for intervals in sets)
    assert missed <= stats.binom(60, 0.05).ppf(0.999)
    assert np.median([sum(high - low for low, high in intervals) for intervals in sets]) <= 2


def test_confidence_set_is_the_inverted_likelihood_ratio():
    table = simulated(5, jump=0.2)
    profile = threshold_profile(table, levels=LEVELS)
    assert profile.sup_lr == pytest.approx(2 * (profile.loglik[profile.best] - profile.loglik_null))
    for (low, high), loglik, jump in zip(profile.ends, profile.loglik, profile.coefficient, strict=True):
        column = (table.x > (low + high) / 2).astype(float)
        direct = multilevel(table, np.column_stack([null_design(table, "linear"), column]), levels=LEVELS, method="ML")
        assert direct.loglik == pytest.approx(loglik, abs=1e-8)
        assert direct.beta[-1] == pytest.approx(jump, abs=1e-5)
    critical = -2 * np.log(1 - np.sqrt(0.8))
    inside = [
        end for end, ll in zip(profile.ends, profile.loglik, strict=True) if 2 * (profile.loglik.max() - ll) <= critical
    ]
    assert sum(high - low for low, high in inside) == pytest.approx(
        sum(high - low for low, high in profile.confidence_set(0.8))
    )


def test_confidence_sets_grow_with_their_level():
    profile = threshold_profile(simulated(1, jump=0.2), null="flat", levels=LEVELS)
    lengths = [sum(b - a for a, b in profile.confidence_set(level)) for level in (0.5, 0.8, 0.95, 0.99)]
    assert lengths == sorted(lengths)


def test_statistic_is_the_squared_wald_ratio():
    """With the covariance of the null, the path is that of generalised least squares on the enlarged design."""
    table = simulated(2, jump=0.2)
    test = sup_test(table, levels=LEVELS, draws=9)
    null = multilevel(table, null_design(table, "linear"), levels=LEVELS)
    for c, statistic in zip(test.candidates, test.profile, strict=True):
        wide = np.column_stack([null_design(table, "linear"), table.x > c])
        fit = multilevel(table, wide, levels=LEVELS, sigma2=list(null.sigma2.values()))
        assert (fit.beta[-1] / fit.se[-1]) ** 2 == pytest.approx(statistic, rel=1e-8)
    assert test.statistic == test.profile.max()
    assert test.statistic == pytest.approx((test.coefficient / test.se) ** 2)


def test_contrasts_between_exposed_arms_inform_the_threshold_only():
    """Every reference arm is exposed: the level cancels, and a flat null has no parameter."""
    rng = np.random.default_rng(4)
    x0 = rng.integers(0, 5, 16).astype(float)
    x = x0 + rng.integers(1, 4, 16)
    y = 0.8 * ((x > 3.5).astype(float) - (x0 > 3.5)) + 0.1 * rng.normal(size=16)
    table = table_from_arrays(y, np.full(16, 0.01), x, x0=x0, exposure_range=(0.0, 10.0))
    assert null_design(table, "flat").shape == (16, 0)
    assert null_design(table, "linear")[:, 0] == pytest.approx((x - x0) / 10)
    test = sup_test(table, null="flat", levels=LEVELS, draws=199)
    assert test.threshold == (3.0, 4.0)
    assert test.coefficient == pytest.approx(0.8, abs=0.15)
    assert test.permuted == "residuals"
    assert threshold_profile(table, null="flat", levels=LEVELS).confidence_set() == ((3.0, 4.0),)


def test_gaps_count_studies_not_effects():
    table = table_from_arrays(
        np.zeros(6), np.ones(6), [1.0, 1.0, 2.0, 3.0, 3.0, 4.0], study=list("aabccd"), exposure_range=(0.0, 10.0)
    )
    assert gaps(table) == [(2.0, 3.0)]
    assert gaps(table, min_studies=1) == [(1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]


def test_davies_bound_by_hand():
    root = np.array([0.0, 2.0, -1.0])
    assert davies_bound(root) == pytest.approx(stats.chi2(1).sf(4.0) + 5 * np.exp(-2) / np.sqrt(2 * np.pi))
    assert davies_bound(np.array([0.1, 3.0, 0.1] * 50)) == 1.0


def test_counterpart_is_complete_and_repeatable():
    table = simulated(7, jump=0.3)
    found = counterpart(table, draws=99, seed=3, levels=LEVELS)
    assert found == counterpart(table, draws=99, seed=3, levels=LEVELS)
    assert all(np.isfinite(value) for value in found.values() if isinstance(value, float))
    for null in ("linear", "flat"):
        for p in ("naive", "bootstrap", "permutation", "davies", "robust"):
            assert 0 < found[f"step_over_{null}.p_{p}"] <= 1
        assert 0 < found[f"step_over_{null}.set_share"] <= 1
    assert found["slope.low"] < found["slope.estimate"] < found["slope.high"]
