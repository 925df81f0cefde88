"""What must not change a classical result: order, sign, unit, and studies that say nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines.classical import multilevel, q_profile, random_effects, sup_test, threshold_profile

METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")


@st.composite
def effects(draw, most=12):
    k = draw(st.integers(4, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tau = draw(st.sampled_from([0.0, 0.1, 0.5]))
    v = rng.uniform(0.05, 0.4, k) ** 2
    return rng.normal(0.2, np.sqrt(v + tau**2)), v, rng


@st.composite
def tables(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    studies = draw(st.integers(6, 12))
    owner = np.repeat(np.arange(studies), rng.integers(1, 4, studies))
    x = rng.permuted(np.arange(owner.size) % 7).astype(float)
    v = rng.uniform(0.05, 0.2, owner.size) ** 2
    y = 0.3 * (x > 3) + 0.15 * rng.normal(size=studies)[owner] + np.sqrt(v) * rng.normal(size=owner.size)
    return {"y": y, "v": v, "x": x, "study": [f"s{i}" for i in owner]}, rng


def built(data, **changed):
    return table_from_arrays(**{**data, **changed}, rho=0.4, exposure_range=(0.0, 10.0))


@given(effects(), st.sampled_from(METHODS))
@settings(max_examples=60, deadline=None)
def test_sign_unit_and_order(data, method):
    y, v, rng = data
    fit = random_effects(y, v, method=method)
    order = rng.permutation(y.size)
    for other, factor in (
        (random_effects(-y, v, method=method), -1.0),
        (random_effects(10 * y, 100 * v, method=method), 10.0),
        (random_effects(y[order], v[order], method=method), 1.0),
    ):
        assert other.tau2 == pytest.approx(factor**2 * fit.tau2, rel=1e-6, abs=1e-9 * factor**2)
        assert other.beta[0] == pytest.approx(factor * fit.beta[0], rel=1e-5, abs=1e-8)
        assert other.se[0] == pytest.approx(abs(factor) * fit.se[0], rel=1e-5)
        assert other.i2 == pytest.approx(fit.i2, abs=1e-4)


@given(effects(), st.sampled_from(["ML", "REML", "EE"]))
@settings(max_examples=30, deadline=None)
def test_a_study_that_says_nothing_changes_nothing(data, method):
    y, v, _ = data
    fit = random_effects(y, v, method=method)
    more = random_effects(np.append(y, 5.0), np.append(v, 1e12), method=method)
    assert more.tau2 == pytest.approx(fit.tau2, rel=1e-5, abs=1e-8)
    assert more.beta == pytest.approx(fit.beta, rel=1e-6, abs=1e-8)


@given(effects())
@settings(max_examples=30, deadline=None)
def test_interval_of_tau2_contains_the_paule_mandel_estimate(data):
    y, v, _ = data
    low, high = q_profile(y, v)
    assert low <= random_effects(y, v, method="PM").tau2 <= high or high == 0.0


@given(tables())
@settings(max_examples=25, deadline=None)
def test_multilevel_invariances(case):
    data, rng = case
    fit = multilevel(built(data))
    order = rng.permutation(len(data["y"]))
    shuffled = {key: [values[i] for i in order] for key, values in data.items()}
    silent = {
        "y": np.append(data["y"], 3.0),
        "v": np.append(data["v"], 1e12),
        "x": np.append(data["x"], 2.0),
        "study": [*data["study"], "silent"],
    }
    for other, factor in (
        (multilevel(built(data, y=-data["y"])), -1.0),
        (multilevel(built(data, y=10 * data["y"], v=100 * data["v"])), 10.0),
        (multilevel(built(shuffled)), 1.0),
        (multilevel(built(silent)), 1.0),
    ):
        for level, component in fit.sigma2.items():
            assert other.sigma2[level] == pytest.approx(factor**2 * component, rel=1e-4, abs=1e-6 * factor**2)
        assert other.beta[0] == pytest.approx(factor * fit.beta[0], rel=1e-4, abs=1e-6)


@given(tables(), st.sampled_from(["flat", "linear"]), st.sampled_from(["step", "kink"]))
@settings(max_examples=25, deadline=None)
def test_sup_test_invariances(case, null, change):
    data, rng = case
    options = {"null": null, "change": change, "draws": 49}
    test = sup_test(built(data), **options)
    flipped = sup_test(built(data, y=-data["y"]), **options)
    assert flipped.statistic == pytest.approx(test.statistic, rel=1e-4)
    assert flipped.coefficient == pytest.approx(-test.coefficient, rel=1e-4)
    scaled = sup_test(built(data, y=10 * data["y"], v=100 * data["v"]), **options)
    assert scaled.statistic == pytest.approx(test.statistic, rel=1e-4)
    assert change == "kink" or scaled.threshold == test.threshold  # a kink's path can be flat at its top
    order = rng.permutation(len(data["y"]))
    shuffled = sup_test(built({key: [values[i] for i in order] for key, values in data.items()}), **options)
    assert shuffled.statistic == pytest.approx(test.statistic, rel=1e-4)
    assert 0.02 <= test.p_bootstrap <= 1
    assert test.p_naive <= test.p_davies


@given(tables())
@settings(max_examples=15, deadline=None)
def test_threshold_profile_shifts_with_the_exposure(case):
    """Moving the axis moves the threshold and nothing else; the null is never better than the alternative."""
    data, _ = case
    profile = threshold_profile(built(data), null="linear")
    moved = table_from_arrays(
        data["y"], data["v"], data["x"] + 100, study=data["study"], rho=0.4, exposure_range=(100.0, 110.0)
    )
    shifted = threshold_profile(moved, null="linear")
    assert shifted.loglik == pytest.approx(profile.loglik, abs=1e-6)
    assert [low - 100 for low, _ in shifted.confidence_set()] == [low for low, _ in profile.confidence_set()]
    assert profile.sup_lr >= -1e-9
