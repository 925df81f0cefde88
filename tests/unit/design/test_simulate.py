"""Simulated effects have the mean and covariance that the model says, whatever the order of the tasks."""

import numpy as np
import pytest
from scipy import stats

from metaanalysis.design.simulate import (
    curve_at,
    draw_parameters,
    generator,
    log_likelihood,
    mean_effects,
    priors,
    simulate,
)
from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.errors import UnsupportedError
from metaanalysis.models.model import Model, build_model

RANGE = (0.0, 10.0)


def known(value: float) -> dict[str, object]:
    return {"family": "point", "value": value, "reason": "known"}


def table() -> EffectTable:
    return table_from_arrays(
        np.zeros(6),
        [0.01, 0.04, 0.02, 0.03, 0.05, 0.01],
        [1, 2, 6, 8, 8, 9],
        x0=[np.nan, np.nan, 3, np.nan, 7, np.nan],
        study=["a", "a", "a", "b", "b", "c"],
        sample=["a1", "a1", "a2", "b1", "b2", "c1"],
        rho=0.6,
        exposure_range=RANGE,
        columns={"design": np.array(["rct", "rct", "rct", "other", "other", "rct"]), "date": np.arange(6.0)},
    )


def everything_known() -> Model:
    return build_model(
        "step",
        exposure_range=RANGE,
        priors={"intercept": known(0.2), "jump": known(0.7), "threshold": known(5.0)},
        heterogeneity={
            "between": 0.3,
            "within": 0.2,
            "sample": known(0.25),
            "bias": {"prior": known(0.4), "column": "design", "classes": ["other"]},
        },
        covariates=[{"kind": "numeric", "column": "date", "centre": 1.0, "prior": known(0.1)}],
    )


def covariance_by_hand(design: EffectTable, between: float, sample: float, within: float, bias: float) -> np.ndarray:
    rows = range(len(design))
    total = design.covariance()
    for i in rows:
        for j in rows:
            same_study = design.study[i] == design.study[j]
            other = design.columns["design"][i] == "other"
            total[i, j] += same_study * (between**2 + other * bias**2)
            total[i, j] += (same_study and design.sample[i] == design.sample[j]) * sample**2
            total[i, j] += (i == j) * within**2
    return total


def test_random_numbers_depend_on_seed_and_key_alone() -> None:
    first = generator(1, "posterior/step/3").random(4)
    np.testing.assert_array_equal(first, generator(1, "posterior/step/3").random(4))
    for other in (generator(2, "posterior/step/3"), generator(1, "posterior/step/4")):
        assert not np.any(first == other.random(4))


def test_parameters_follow_their_priors() -> None:
    model = build_model("logistic", exposure_range=RANGE, covariates=[{"kind": "se"}])
    rng = generator(1, "parameters")
    drawn = [draw_parameters(model, table(), rng) for _ in range(400)]
    for name, prior in priors(model, table()).items():
        below = prior.cdf([one[name] for one in drawn])
        assert stats.kstest(below, "uniform").pvalue > 1e-4, name
    assert set(drawn[0]) == {"intercept", "rise", "se", "threshold", "width", "tau_within", "tau_between"}


def test_known_parameters_are_what_they_are() -> None:
    drawn = draw_parameters(everything_known(), table(), generator(1, "known"))
    assert drawn["jump"] == 0.7
    assert drawn["tau_bias"] == 0.4
    assert drawn["date"] == 0.1


def test_improper_priors_are_refused() -> None:
    flat = {"intercept": {"family": "flat", "reason": "improper"}}
    model = build_model("flat", exposure_range=RANGE, priors=flat)
    with pytest.raises(UnsupportedError, match="improper"):
        draw_parameters(model, table(), generator(1, "flat"))


def test_expected_effects_by_hand() -> None:
    model = everything_known()
    # 0.2 + 0.7 1(x > 5), less the same at an exposed reference, plus 0.1 (date - 1)
    wanted = [0.2 - 0.1, 0.2, 0.7 + 0.1, 0.9 + 0.2, 0.0 + 0.3, 0.9 + 0.4]
    drawn = draw_parameters(model, table(), generator(1, "mean"))
    np.testing.assert_allclose(mean_effects(model, table(), drawn), wanted)
    twice = {name: np.array([value, value]) for name, value in drawn.items()}
    np.testing.assert_allclose(mean_effects(model, table(), twice), [wanted, wanted])
    curve = curve_at(model, np.array([5.0, 5.1]), np.array([np.nan, np.nan]), drawn)
    np.testing.assert_allclose(curve, [0.2, 0.9])


def test_simulated_effects_have_the_mean_and_covariance_of_the_model() -> None:
    model, design = everything_known(), table()
    rng = generator(1, "covariance")
    drawn = np.array([simulate(model, design, rng).table.y for _ in range(20_000)])
    wanted = covariance_by_hand(design, 0.3, 0.25, 0.2, 0.4)
    # Monte Carlo: sd of a mean sqrt(v / n); sd of a covariance at most sqrt(2 / n) v; five of each
    np.testing.assert_allclose(
        drawn.mean(axis=0), mean_effects(model, design, draw_parameters(model, design, rng)), atol=5 * 0.7 / 141
    )
    np.testing.assert_allclose(np.cov(drawn.T), wanted, atol=5 * 0.01 * wanted.max())


def test_log_likelihood_is_that_of_a_multivariate_normal() -> None:
    model, design = everything_known(), table()
    drawn = simulate(model, design, generator(1, "likelihood"))
    several = {name: np.array([value, value]) for name, value in drawn.parameters.items()}
    several["tau_between"] = np.array([0.3, 0.05])
    for found, between in zip(log_likelihood(model, drawn.table, several), (0.3, 0.05), strict=True):
        wanted = stats.multivariate_normal(
            mean_effects(model, design, drawn.parameters), covariance_by_hand(design, between, 0.25, 0.2, 0.4)
        ).logpdf(drawn.table.y)
        assert found == pytest.approx(wanted, abs=1e-9)
