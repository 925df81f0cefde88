"""Comparison of models: bookkeeping of prior and posterior weights, the grid, and averages over models."""

import numpy as np
import pytest

from metaanalysis import frames
from metaanalysis.compare import (
    compare,
    family_evidence,
    grid_point,
    posterior_probabilities,
    prior_weights,
)
from metaanalysis.effects.table import table_from_arrays
from metaanalysis.errors import InputError
from metaanalysis.models.model import build_model
from metaanalysis.number import Number
from metaanalysis.summarise import summarise

RANGE = (0.0, 10.0)
MEMBERS = ("flat", "linear", "kink", "step", "step_slope", "levels")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(4)
    x = np.array([1, 1, 2, 3, 3, 4, 5, 6, 7, 7, 8, 9], float)
    y = 0.1 + 0.4 * (x > 5) + rng.normal(0, 0.12, x.size)
    return table_from_arrays(
        y, np.full(x.size, 0.01), x, study=list("aabcddefgghi"), rho=0.6, exposure_range=RANGE, name="jumpy"
    )


@pytest.fixture(scope="module")
def comparison(table):
    return compare(table, [build_model(name, exposure_range=RANGE) for name in MEMBERS])


def test_the_default_grid_holds_the_declared_priors(comparison):
    assert [point.scale for point in comparison.grid] == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert comparison.declared.scale == 1.0
    assert comparison.log_bf == comparison.declared.log_bf


def test_the_declared_priors_cannot_be_left_out_of_the_grid(table):
    narrow = compare(table, [build_model("flat", exposure_range=RANGE)], prior_grid=[0.5])
    assert [point.scale for point in narrow.grid] == [0.5, 1.0]
    assert narrow.log_bf is None
    assert narrow.grid_rows() == []


def test_wider_priors_are_fits_of_wider_models(comparison, table):
    wide = compare(table, [comparison.fits["step"].model.widened(4)], prior_grid=[1.0])
    assert comparison.grid[-1].log_evidence["step"].value == pytest.approx(wide.log_evidence["step"].value, abs=2e-6)
    assert comparison.grid[0].log_evidence["flat"] == comparison.log_evidence["flat"]


def test_the_bayes_factor_of_the_sides_averages_their_members(comparison):
    evidence = {name: np.exp(number.value) for name, number in comparison.log_evidence.items()}
    first = (evidence["step"] + evidence["step_slope"]) / 2
    second = (evidence["flat"] + evidence["linear"] + evidence["kink"]) / 3
    assert comparison.log_bf.value == pytest.approx(np.log(first / second))
    assert 0 < comparison.log_bf.error < 2e-6
    assert comparison.declared.probability == pytest.approx(first / (first + second))


def test_probabilities(comparison):
    by_side, equal = comparison.probabilities, comparison.probabilities_equal
    assert sum(by_side.values()) == pytest.approx(1)
    assert sum(equal.values()) == pytest.approx(1)
    assert by_side["levels"] == equal["levels"] == 0
    assert by_side["step"] + by_side["step_slope"] == pytest.approx(comparison.declared.probability)
    ratio = np.exp(comparison.log_bayes_factor("step", "linear").value)
    assert equal["step"] / equal["linear"] == pytest.approx(ratio)
    assert by_side["step"] / by_side["linear"] == pytest.approx(1.5 * ratio)


def test_a_prior_for_the_sides_shifts_the_odds(table, comparison):
    doubtful = compare(table, [fit.model for fit in comparison.fits.values()], prior_grid=[1.0], family_prior=0.2)
    odds = doubtful.declared.probability / (1 - doubtful.declared.probability)
    assert odds == pytest.approx(0.25 * np.exp(comparison.log_bf.value), rel=1e-5)


def test_rows_fit_their_frames(comparison):
    assert len(frames.conform("models", comparison.models())) == len(MEMBERS)
    assert len(frames.conform("grid", comparison.grid_rows())) == 5
    flat = comparison.models()[0]
    assert flat["model"] == "flat"
    assert flat["log_bf"] == 0


def test_leave_one_study_out_is_a_question_to_the_comparison(comparison):
    found = comparison.leave_one_study_out()
    assert found.members == MEMBERS
    assert found.studies == comparison.table.studies
    assert found.elpd["step"].value > found.elpd["flat"].value
    assert list(comparison.frame()["model"]) == list(MEMBERS)


def test_the_averaged_jump_has_a_point_mass_at_zero(comparison):
    jump = comparison.jump()
    below, at = jump.probability_below([-1e-12, 0.0])
    assert at - below == pytest.approx(1 - comparison.declared.probability, abs=1e-6)
    members = {name: comparison.fits[name].jump.mean for name in ("step", "step_slope")}
    weights = comparison.probabilities
    assert jump.mean == pytest.approx(sum(weights[name] * mean for name, mean in members.items()))


def test_the_averaged_curve_lies_among_its_members(comparison):
    x = np.linspace(0, 10, 11)
    curve = comparison.curve(x)
    weights = comparison.probabilities
    expected = sum(weights[name] * fit.curve(x).mean for name, fit in comparison.fits.items())
    assert curve.mean == pytest.approx(expected, abs=1e-4)
    assert np.all(curve.lower < curve.mean)
    assert np.all(curve.mean < curve.upper)
    inside = sum(
        weights[name] * (fit.contrast([5.0])[0].probability_below([curve.lower[5], curve.upper[5]]))
        for name, fit in comparison.fits.items()
    )
    assert inside == pytest.approx([0.025, 0.975], abs=1e-3)


def test_a_contrast_of_an_exposure_with_itself_is_zero(comparison):
    curve = comparison.curve([3.0], x0=[3.0])
    assert (curve.mean[0], curve.lower[0], curve.upper[0]) == pytest.approx((0, 0, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "no model"),
        ({"models": ["flat", "flat"]}, "same mean function"),
        ({"models": ["flat"], "prior_grid": [0.0, 1.0]}, "not a multiplier"),
        ({"models": ["flat"], "family_prior": 1.0}, "not between 0 and 1"),
    ],
)
def test_impossible_comparisons_are_refused(table, arguments, message):
    models = [build_model(name, exposure_range=RANGE) for name in arguments.pop("models")]
    with pytest.raises(InputError, match=message):
        compare(table, models, **arguments)


def test_members_may_be_named(table):
    models = {f"linear {scale}": build_model("linear", exposure_range=RANGE).widened(scale) for scale in (1, 2)}
    named = compare(table, models, prior_grid=[1.0])
    assert list(named.fits) == ["linear 1", "linear 2"]
    assert named.models()[1]["log_bf"] != 0


def test_arithmetic_of_evidence():
    assert family_evidence([]) is None
    average = family_evidence([Number(0.0, 1e-6), Number(np.log(3), 1e-6)])
    assert average.value == pytest.approx(np.log(2))
    assert average.error == pytest.approx(1e-6)
    weights = prior_weights({"a": "discontinuous", "b": "continuous", "c": "continuous", "d": "apart"}, 0.5)
    assert weights == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25, "d": 0})
    found = posterior_probabilities({name: Number(900.0, 0.0) for name in weights}, weights)
    assert found == pytest.approx(weights)
    point = grid_point(1.0, {"a": Number(-1.0, 0.1)}, {"a": "discontinuous"}, 0.5)
    assert point.log_bf is None


def test_summaries(comparison):
    rows = {row["parameter"]: row for row in summarise(comparison.fits["step"], level=0.9)}
    assert list(rows) == ["intercept", "jump", "threshold", "tau_within", "tau_between"]
    jump = rows["jump"]
    assert jump["lower"] < jump["median"] < jump["upper"]
    assert (jump["prior_lower"], jump["prior_median"]) == pytest.approx((-0.5 * 1.6448536, 0.0))
    assert 0 < jump["numerical_error"] < 1e-2
    within = summarise(comparison.fits["flat"])
    assert all(row["model"] == "flat" for row in within)
