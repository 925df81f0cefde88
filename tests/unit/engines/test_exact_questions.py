"""Leave-one-study-out, sharpness, errors in the exposure, and tables of ten thousand effects."""

import time
from dataclasses import replace

import numpy as np
import pytest

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.engines.exact_exposure import (
    average_over_exposures,
    draw_exposures,
    expectation,
    log_average,
)
from metaanalysis.engines.exact_leave_out import leave_one_study_out, stacking_weights
from metaanalysis.engines.sharpness import (
    INFORMATION,
    TRANSITION,
    information,
    sharpness,
    smallest_width,
    step_limit,
)
from metaanalysis.errors import InputError
from metaanalysis.models.model import build_model

RANGE = (0.0, 10.0)


def table(**columns) -> EffectTable:
    rng = np.random.default_rng(7)
    x = np.array([1, 1, 2, 3, 4, 4, 6, 6, 7, 8], float)
    y = 0.1 + 0.4 * (x > 5) + rng.normal(0, 0.1, x.size)
    return table_from_arrays(
        y, np.full(x.size, 0.01), x, study=list("aabbcdefgh"), rho=0.5, exposure_range=RANGE, name="table",
        columns=columns,
    )  # fmt: skip


def model(name: str):
    return build_model(name, exposure_range=RANGE, heterogeneity={"between": 0.1, "within": 0.05})


# Leave one study out -------------------------------------------------------------------------------------------


def test_predictive_densities_against_the_joint_normal():
    """With heterogeneity known the effects are jointly normal: condition by hand."""
    data = table()
    x = np.stack([np.ones(len(data)), data.x / 10], axis=1)
    owner = np.array(data.study)
    cov = data.covariance() + 0.25 * x @ x.T + 0.01 * (owner[:, None] == owner) + 0.0025 * np.eye(len(data))
    found = leave_one_study_out({"linear": model("linear")}, data)
    for s, study in enumerate(data.studies):
        out = owner == study
        gain = cov[np.ix_(out, ~out)] @ np.linalg.inv(cov[np.ix_(~out, ~out)])
        left = data.y[out] - gain @ data.y[~out]
        spread = cov[np.ix_(out, out)] - gain @ cov[np.ix_(~out, out)]
        expected = -0.5 * (
            out.sum() * np.log(2 * np.pi) + np.linalg.slogdet(spread)[1] + left @ np.linalg.solve(spread, left)
        )
        assert found.log_density[0, s] == pytest.approx(expected, abs=1e-9)
    assert found.elpd["linear"].value == pytest.approx(found.log_density.sum())


def test_leave_one_out_rows_and_weights():
    models = {name: model(name) for name in ("flat", "linear", "step")}
    found = leave_one_study_out(models, table())
    rows = {row["model"]: row for row in found.rows()}
    best = max(rows.values(), key=lambda row: row["elpd"])
    assert best["model"] == "step"
    assert (best["difference"], best["se"]) == (0, 0)
    assert rows["flat"]["difference"] < 0 < rows["flat"]["se"]
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.weights["step"] > 0.8


def test_a_single_study_cannot_be_left_out():
    single = table().take([0, 1])
    with pytest.raises(InputError, match="single study"):
        leave_one_study_out({"flat": model("flat")}, single)


def test_stacking_weights_maximise_the_score():
    rng = np.random.default_rng(2)
    density = rng.normal(size=(2, 30))
    weights = stacking_weights(density)
    grid = np.linspace(0, 1, 2001)
    scores = [np.log(w * np.exp(density[0]) + (1 - w) * np.exp(density[1])).sum() for w in grid]
    assert weights[0] == pytest.approx(grid[int(np.argmax(scores))], abs=1e-3)
    assert stacking_weights(np.array([[0.0] * 5, [-50.0] * 5])) == pytest.approx([1, 0], abs=1e-8)


# Sharpness -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sharp():
    return sharpness(table(), model("logistic"))


def test_the_jump_is_weighed_against_every_width(sharp):
    ratio = sharp.step.log_evidence.value - sharp.logistic.log_evidence.value
    assert sharp.log_bf.value == pytest.approx(ratio)
    assert sharp.jump_probability.value == pytest.approx(1 / (1 + np.exp(-ratio)))
    certain = sharpness(table(), model("logistic"), jump_prior=0.9)
    assert certain.jump_probability.value == pytest.approx(1 / (1 + np.exp(-ratio) / 9))


def test_prior_and_posterior_of_the_width_stand_side_by_side(sharp):
    prior, posterior = sharp.transition([0.05, 0.5, 0.95])
    width = sharp.logistic.model.shapes["width"]
    assert prior == pytest.approx(TRANSITION * width.quantile([0.05, 0.5, 0.95]))
    assert np.all(np.diff(posterior) > 0)
    alone_before, alone_after = sharp.narrower_than(1.0, nested=False)
    before, after = sharp.narrower_than(1.0)
    assert alone_before == pytest.approx(float(width.cdf(1 / TRANSITION)))
    assert before == pytest.approx(0.5 + 0.5 * alone_before)
    chance = sharp.jump_probability.value
    assert after == pytest.approx(chance + (1 - chance) * alone_after)


def test_only_a_logistic_has_a_width():
    with pytest.raises(InputError, match="linear has no width"):
        step_limit(model("linear"))
    with pytest.raises(InputError, match="not between 0 and 1"):
        sharpness(table(), model("logistic"), jump_prior=0.0)


def test_information_about_the_width_by_brute_force(sharp):
    """The nearest step by least squares over every gap, for one threshold at a time."""
    data, step = table(), sharp.step
    owner = np.array(data.study)
    cov = data.covariance() + 0.01 * (owner[:, None] == owner) + 0.0025 * np.eye(len(data))
    root = np.linalg.inv(np.linalg.cholesky(cov))
    width, expected = 0.8, 0.0
    for gap in step.threshold_gaps():
        c = (gap["low"] + gap["high"]) / 2
        curve = root @ (0.5 / (1 + np.exp(-(data.x - c) / width)))
        left = []
        for other in step.threshold_gaps():
            columns = root @ np.stack([np.ones(10), data.x > (other["low"] + other["high"]) / 2], axis=1)
            fitted = columns @ np.linalg.lstsq(columns, curve, rcond=1e-9)[0]
            left.append(float(((curve - fitted) ** 2).sum()))
        expected += gap["probability"] * min(left)
    assert information(step, [width], jump=0.5)[0] == pytest.approx(expected, rel=1e-9)


def test_information_grows_with_the_jump_and_vanishes_with_the_width(sharp):
    small, large = (information(sharp.step, [1e-3, 0.5], jump=size) for size in (0.5, 1.0))
    assert small[0] == pytest.approx(0, abs=1e-9)
    assert large[1] == pytest.approx(4 * small[1])


def test_the_smallest_width_that_can_be_told_from_a_jump(sharp):
    found = smallest_width(sharp.step, jump=1.0)
    assert found is not None
    below, at = information(sharp.step, [0.97 * found / TRANSITION, found / TRANSITION], jump=1.0)
    assert below < INFORMATION <= at * (1 + 1e-9)
    assert smallest_width(sharp.step, jump=0.01) is None
    assert smallest_width(sharp.step) == smallest_width(sharp.step, jump=0.5)


# Errors in the exposure ----------------------------------------------------------------------------------------


def uncertain(reach: float) -> EffectTable:
    exact_table = table()
    return replace(
        exact_table,
        columns={
            "x_low": np.maximum(exact_table.x - reach, 0),
            "x_high": np.minimum(exact_table.x + reach, 10),
            "x0_low": np.full(10, np.nan),
            "x0_high": np.full(10, np.nan),
        },
    )


def test_drawn_exposures_stay_in_their_ranges_and_are_shared_within_a_study():
    drawn = draw_exposures(uncertain(1.0), 200, seed=3)
    values = np.array([one.x for one in drawn])
    assert np.all(np.abs(values - table().x) <= 1.0)
    assert np.all(values % 0.5 == 0)
    assert np.all(values[:, 0] == values[:, 1])  # the same study, coded the same
    assert np.any(values[:, 4] != values[:, 5])  # different studies, coded the same
    shares = np.array([(values[:, 6] == v).mean() for v in (5, 5.5, 6, 6.5, 7)])
    assert shares == pytest.approx(0.2, abs=0.1)
    again = draw_exposures(uncertain(1.0), 200, seed=3)
    assert np.all(np.array([one.x for one in again]) == values)


def test_without_uncertainty_nothing_changes():
    models = {name: model(name) for name in ("linear", "step")}
    found = average_over_exposures(models, uncertain(0.0), draws=3, seed=1)
    for name in models:
        whole = exact.log_evidence(models[name], table())
        assert found.averages[name].value == pytest.approx(whole.value, abs=1e-4)
    assert found.log_bf.error <= 3e-4


def test_averages_over_exposures_by_enumeration():
    """One uncertain row with three plausible exposures: the average is over three tables."""
    data = uncertain(0.0)
    low, high = data.columns["x_low"].copy(), data.columns["x_high"].copy()
    low[6], high[6] = 4.5, 7.5
    data = replace(data, columns={**data.columns, "x_low": low, "x_high": high})
    found = average_over_exposures({"step": model("step")}, data, draws=200, seed=5, step=1.5)
    values = []
    for x in (4.5, 6.0, 7.5):
        moved = data.x.copy()
        moved[6] = x
        values.append(exact.log_evidence(model("step"), replace(data, x=moved)).value)
    number = found.averages["step"]
    assert number.error < 0.1
    assert number.value == pytest.approx(np.log(np.mean(np.exp(values))), abs=4 * number.error)
    assert found.log_bf is None


def test_expectations_weigh_draws_by_their_evidence():
    data = uncertain(1.0)
    jump = expectation(model("step"), data, lambda fit: fit.jump.mean, draws=40, seed=2)
    assert 0 < jump.error < 0.1
    certain = exact.fit(model("step"), table()).jump.mean
    assert jump.value == pytest.approx(certain, abs=0.2)


def test_the_average_of_evidence_and_its_error():
    assert log_average(np.array([1.0, 1.0])).value == pytest.approx(1.0)
    assert log_average(np.array([1000.0, 1000.0])).error == 0
    spread = log_average(np.log(np.array([1.0, 3.0])))
    assert spread.value == pytest.approx(np.log(2))
    assert spread.error == pytest.approx(np.sqrt(2) / 2 / np.sqrt(2))
    assert log_average(np.array([1.0])).error == np.inf


def test_unknown_or_impossible_ranges_are_refused():
    with pytest.raises(InputError, match="does not say how uncertain"):
        draw_exposures(table(), 1, seed=1)
    wrong = replace(uncertain(0.0), columns={**uncertain(0.0).columns, "x_low": np.full(10, 5.0)})
    with pytest.raises(InputError, match="outside its range"):
        draw_exposures(wrong, 1, seed=1)


# Size ----------------------------------------------------------------------------------------------------------


def large(effects: int) -> EffectTable:
    rng = np.random.default_rng(1)
    owner = np.sort(rng.integers(0, effects * 2 // 5, effects))
    x = rng.integers(0, 11, effects).astype(float)
    v = (rng.gamma(3, 0.03, effects) + 0.02) ** 2
    y = 0.1 + 0.3 * x / 10 + rng.normal(0, 0.15, effects)[owner] + rng.normal(0, np.sqrt(v + 0.01))
    return table_from_arrays(y, v, x, study=[f"s{i}" for i in owner], exposure_range=RANGE)


def test_ten_thousand_effects_cost_ten_times_a_thousand():
    """Linear in the number of effects: ten times as many may take thirty times as long on a busy machine."""
    linear = build_model("linear", exposure_range=RANGE)
    seconds = {}
    for effects in (1_000, 10_000):
        data = large(effects)
        started = time.perf_counter()
        fit = exact.fit(linear, data)
        seconds[effects] = time.perf_counter() - started
    slope, tau = fit.marginal("slope"), fit.marginal("tau_between")
    assert slope.mean == pytest.approx(0.3, abs=4 * slope.sd)
    assert tau.mean == pytest.approx(0.15, abs=4 * tau.sd)
    assert fit.log_evidence.error <= 1e-6
    assert seconds[10_000] < 30 * seconds[1_000] + 1


def test_a_step_in_a_thousand_effects_is_found():
    data = large(1_000)
    jumped = replace(data, y=data.y + 0.4 * (data.x > 6))
    fit = exact.fit(build_model("step_slope", exposure_range=RANGE), jumped)
    gaps = {gap["low"]: gap["probability"] for gap in fit.threshold_gaps()}
    assert gaps[6.0] > 0.999
    assert fit.jump.mean == pytest.approx(0.4, abs=4 * fit.jump.sd)
