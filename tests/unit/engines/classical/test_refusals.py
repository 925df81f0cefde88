"""What the classical engine refuses: each with the reason and the remedy, never a traceback or a NaN."""

from dataclasses import replace

import numpy as np
import pytest

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines.classical import (
    cluster_robust,
    component_interval,
    continuity_test,
    counterpart,
    cumulative,
    f_statistics,
    multilevel,
    random_effects,
    segments,
    sign_flip_test,
    sup_lm,
    sup_lr_test,
    sup_test,
    threshold_profile,
    threshold_regression,
)
from metaanalysis.errors import InputError

Y, V, X = np.array([0.1, 0.3, 0.2, 0.5]), np.full(4, 0.02), np.array([1.0, 2.0, 3.0, 4.0])
TABLE = table_from_arrays(Y, V, X, exposure_range=(0.0, 10.0))
LONG = np.linspace(0.0, 1.0, 30)
NOISE = np.random.default_rng(0).normal(size=30)
ONES = np.ones((30, 1))


def refused(match, call):
    with pytest.raises(InputError, match=match) as caught:
        call()
    assert all(fault.remedy for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("match", "call"),
    [
        ("cannot estimate 1 coefficient", lambda: random_effects([0.1], [0.02])),
        ("not positive", lambda: random_effects(Y, [0.02, 0.02, 0.0, 0.02])),
        ("not positive", lambda: random_effects(Y, [0.02, -1.0, 0.02, 0.02])),
        ("not a finite number", lambda: random_effects([0.1, np.nan, 0.2, 0.3], V)),
        ("different lengths", lambda: random_effects(Y, V[:3])),
        ("linearly dependent", lambda: random_effects(Y, V, np.column_stack([X, 2 * X]))),
        ("do not vary", lambda: random_effects(Y, V, np.ones((4, 2)))),
        ("is unknown", lambda: random_effects(Y, V, method="XX")),
        ("another length", lambda: cumulative(Y, V, [1, 2])),
        ("is unknown", lambda: sign_flip_test(Y, V, method="ML")),
        ("too few studies|cannot give robust", lambda: cluster_robust(Y, np.eye(4)[:, :2], Y[:2], [np.eye(2)] * 2)),
        ("different lengths", lambda: cluster_robust(Y, np.eye(4), Y, [np.eye(2)] * 5)),
    ],
)
def test_arrays(match, call):
    refused(match, call)


def one_study():
    return table_from_arrays(Y, V, X, study=["a"] * 4, rho=0.5)


def repeated():
    """An effect entered twice: its known covariance is singular."""
    table = table_from_arrays(Y, V, X, study=["a", "a", "b", "c"])
    return replace(table, blocks=(np.full((2, 2), 0.02), *table.blocks[1:]))


def asymmetric():
    table = table_from_arrays(Y, V, X, study=["a", "a", "b", "c"])
    return replace(table, blocks=(np.array([[0.02, 0.01], [0.0, 0.02]]), *table.blocks[1:]))


@pytest.mark.parametrize(
    ("match", "call"),
    [
        ("1 study.* cannot estimate", lambda: multilevel(one_study())),
        ("not positive definite", lambda: multilevel(repeated())),
        ("not positive definite", lambda: multilevel(asymmetric())),
        ("do not vary", lambda: multilevel(TABLE, np.ones((4, 2)))),
        ("wrong shape", lambda: multilevel(TABLE, np.ones((3, 1)))),
        ("not finite", lambda: multilevel(TABLE, np.full((4, 1), np.nan))),
        ("cannot estimate 4 coefficient", lambda: multilevel(TABLE, np.vander(X))),
        ("unusable", lambda: multilevel(TABLE, levels=("study", "lab"))),
        ("unusable", lambda: multilevel(TABLE, sigma2=[-1.0, 0.0])),
        ("not among the levels", lambda: component_interval(TABLE, component="sample")),
        ("groups of an earlier level", lambda: component_interval(TABLE, component="effect")),
    ],
)
def test_multilevel(match, call):
    refused(match, call)


@pytest.mark.parametrize("test", [sup_test, sup_lr_test, continuity_test, threshold_profile, counterpart])
def test_exposures_all_equal(test):
    table = table_from_arrays(Y, V, np.full(4, 3.0), exposure_range=(0.0, 10.0))
    refused("do not vary|on each side", lambda: test(table))


@pytest.mark.parametrize("test", [sup_test, sup_lr_test, threshold_profile])
def test_exposures_all_equal_against_a_flat_null(test):
    table = table_from_arrays(Y, V, np.full(4, 3.0), exposure_range=(0.0, 10.0))
    refused("no threshold has 2 studies on each side", lambda: test(table, null="flat"))


@pytest.mark.parametrize("test", [sup_test, sup_lr_test, continuity_test])
def test_threshold_tests(test):
    refused("0 draws give no p-value", lambda: test(TABLE, draws=0))
    refused("no threshold has 3 studies", lambda: test(TABLE, min_studies=3))


def test_step_that_is_the_null_curve():
    """With two exposures a step is a slope."""
    table = table_from_arrays(Y, V, [1.0, 1.0, 4.0, 4.0], exposure_range=(0.0, 10.0))
    refused("can be told from the null curve", lambda: sup_test(table))
    assert sup_test(table, null="flat", draws=9).threshold == (1.0, 4.0)


def test_confidence_level():
    refused("no confidence level", lambda: threshold_profile(TABLE, null="flat").confidence_set(1.0))


@pytest.mark.parametrize(
    ("match", "call"),
    [
        ("different numbers of rows", lambda: threshold_regression(NOISE, ONES, LONG[1:])),
        ("not a finite number", lambda: threshold_regression(np.where(LONG > 0.5, np.inf, 1.0), ONES, LONG)),
        ("is impossible", lambda: threshold_regression(NOISE, ONES, LONG, trim=0.5)),
        ("linearly dependent", lambda: threshold_regression(NOISE, np.ones((30, 2)), LONG)),
        ("does not vary", lambda: threshold_regression(NOISE, ONES, np.ones(30))),
        ("no split leaves", lambda: threshold_regression(NOISE[:5], ONES[:5], LONG[:5])),
        ("fits without error", lambda: threshold_regression((LONG > 0.5) * 1.0, ONES, LONG)),
        ("no candidate", lambda: sup_lm(NOISE, ONES, LONG > 0.0, trim=0.4)),
        ("no p-values are tabulated", lambda: f_statistics(NOISE, np.random.default_rng(1).normal(size=(30, 11)))),
        ("not supported", lambda: segments(NOISE, ONES, least=0.01)),
    ],
)
def test_individual_data(match, call):
    refused(match, call)
