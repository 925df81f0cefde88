"""The exact engine and the PyMC engine agree, within Monte Carlo error, on every model that both support.

Tolerance: four Monte Carlo standard errors of each mean, standard deviation and quantile, which about 6 of 100 000
comparisons miss by chance; the exact engine's own error is smaller by orders of magnitude. Log evidence: four standard
errors of the bridge sampler. Seeds are fixed.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact, pymc
from metaanalysis.engines.engine import Fit
from metaanalysis.engines.pymc_likelihoods import NORMAL, Likelihood, Selection, StudentT
from metaanalysis.engines.pymc_marginals import DrawMarginal
from metaanalysis.models.model import Model, build_model
from metaanalysis.models.priors import point, student_t

pytestmark = pytest.mark.pymc
ERRORS = 4.0
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
DRAWS = {"step_slope": 3000, "cliff": 2000}  # their posteriors have several modes
NAN = np.nan


def small_table() -> EffectTable:
    """Twelve studies, 17 effects; correlated effects, contrasts between two exposed arms, two samples in one study."""
    study = list("aabcddeffghijjkkl")
    sample = [*study[:13], "j, second", *study[14:]]
    x = [1, 1, 3, 2, 4, 6, 5, 2, 3, 7, 8, 0, 6, 9, 9, 4, 5]
    x0 = [NAN, NAN, NAN, 1, NAN, NAN, NAN, NAN, NAN, 3, NAN, NAN, 2, NAN, NAN, NAN, NAN]
    y = [0.14, -0.05, 0.06, -0.02, 0.34, 0.55, 0.12, 0.02, -0.11, 0.31, 0.38, 0.2, 0.17, 0.41, 0.62, -0.04, 0.29]
    se = [0.09, 0.14, 0.16, 0.12, 0.08, 0.19, 0.11, 0.13, 0.1, 0.17, 0.14, 0.12, 0.09, 0.15, 0.18, 0.1, 0.13]
    panel = set("ceghjk")
    columns = {
        "year": 2022.0 + np.array([0, 0, 1, 1, 2, 2, 3, 0, 0, 3, 3, 1, 2, 3, 3, 2, 1]),
        "design": np.array(["panel" if name in panel else "rct" for name in study]),
    }
    return table_from_arrays(
        y,
        np.square(se),
        x,
        x0=x0,
        study=study,
        sample=sample,
        rho=0.6,
        exposure_range=(0.0, 10.0),
        name="small",
        columns=columns,
    )


def everything() -> Model:
    """Covariates, a third level, extra variance of one design class, and a heavy-tailed prior."""
    wide = student_t(4, 0, 0.5, reason="heavy tails")
    half = {"family": "half_normal", "scale": 0.2, "reason": "a class of its own"}
    return build_model(
        "linear",
        exposure_range=(0.0, 10.0),
        priors={"slope": wide},
        heterogeneity={
            "between": {"family": "half_cauchy", "scale": 0.1, "reason": "heavy tail"},
            "within": {"family": "gamma", "shape": 2.0, "rate": 20.0, "reason": "away from zero"},
            "sample": {"family": "half_t", "df": 3.0, "scale": 0.1, "reason": "third level"},
            "bias": {"prior": half, "column": "design", "classes": ["panel"]},
        },
        covariates=[
            {"kind": "numeric", "column": "year", "centre": 2024.0},
            {"kind": "categorical", "column": "design"},
        ],
    )


MODELS: dict[str, Callable[[], Model]] = {
    **{
        name: (lambda name=name: build_model(name, exposure_range=(0.0, 10.0)))  # type: ignore[misc]
        for name in ("flat", "linear", "logistic", "saturating", "kink", "step", "step_slope", "cliff")
    },
    "everything": everything,
}


@cache
def fits(name: str) -> tuple[Fit, Fit]:
    model, table = MODELS[name](), small_table()
    return exact.fit(model, table), pymc.fit(model, table, draws=DRAWS.get(name, 1000), seed=3)


@cache
def limit(name: str, likelihood: Likelihood) -> Fit:
    return pymc.fit(MODELS[name](), small_table(), likelihood=likelihood, seed=3)


def same(drawn: object, value: float, number: Callable[[DrawMarginal], object]) -> None:
    """Hold a number of a drawn marginal to the exact value."""
    assert isinstance(drawn, DrawMarginal)
    found = number(drawn)
    assert abs(found.value - value) <= ERRORS * found.error + 1e-9, f"{found} against {value}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", MODELS)
def test_parameters(name: str) -> None:
    reference, drawn = fits(name)
    assert drawn.parameters == reference.parameters
    for parameter in reference.parameters:
        known, found = reference.marginal(parameter), drawn.marginal(parameter)
        same(found, known.mean, lambda m: m.mean_number)
        same(found, known.sd, lambda m: m.sd_number)
        for p in QUANTILES:
            same(found, float(known.quantile(p)), lambda m, p=p: m.quantile_number(p))  # type: ignore[misc]


@pytest.mark.parametrize("name", MODELS)
def test_evidence(name: str) -> None:
    reference, drawn = fits(name)
    assert reference.log_evidence is not None
    assert drawn.log_evidence is not None
    assert drawn.log_evidence.error < 0.05
    assert abs(drawn.log_evidence.value - reference.log_evidence.value) < ERRORS * drawn.log_evidence.error


@pytest.mark.parametrize("name", ["linear", "logistic", "step", "cliff", "everything"])
def test_curve_contrasts_and_random_effects(name: str) -> None:
    reference, drawn = fits(name)
    # Observed exposures: there the curve of a step model depends on the gap only, not on the place inside it.
    x, x0 = [2.0, 5.0, 8.0, 7.0], [NAN, NAN, NAN, 3.0]
    for known, found in zip(reference.contrast(x, x0=x0), drawn.contrast(x, x0=x0), strict=True):
        same(found, known.mean, lambda m: m.mean_number)
        same(found, float(known.quantile(0.1)), lambda m: m.quantile_number(0.1))
    for known, found in zip(reference.predictive(x, x0=x0), drawn.predictive(x, x0=x0), strict=True):
        below = float(known.probability_below(0.2))
        assert abs(float(found.probability_below(0.2)) - below) < ERRORS * found.error
    size = min(drawn.diagnostics["ess_bulk_min"], drawn.diagnostics["ess_tail_min"])
    for known, found in (
        (reference.study_effects(), drawn.study_effects()),
        (reference.effects(), drawn.effects()),
        (reference.curve(x), drawn.curve(x)),
    ):
        assert np.all(np.abs(found.mean - known.mean) < ERRORS * known.sd / np.sqrt(size))
        assert np.all(np.abs(found.sd / known.sd - 1) < ERRORS / np.sqrt(size))


@pytest.mark.parametrize("name", ["kink", "step", "step_slope", "cliff"])
def test_probability_of_each_gap(name: str) -> None:
    reference, drawn = fits(name)
    for known, found in zip(reference.threshold_gaps(), drawn.threshold_gaps(), strict=True):
        assert found["prior"] == pytest.approx(known["prior"])
        assert abs(found["probability"] - known["probability"]) < ERRORS * drawn.marginal("threshold").error


def test_student_t_effects_become_normal() -> None:
    """With a million degrees of freedom Student's t differs from the normal by less than a millionth."""
    reference, _ = fits("linear")
    drawn = limit("linear", StudentT(point(1e6, reason="normal limit")))
    for parameter in reference.parameters:
        known, found = reference.marginal(parameter), drawn.marginal(parameter)
        same(found, known.mean, lambda m: m.mean_number)
        same(found, known.sd, lambda m: m.sd_number)
    assert drawn.log_evidence is not None
    assert reference.log_evidence is not None
    assert abs(drawn.log_evidence.value - reference.log_evidence.value) < ERRORS * drawn.log_evidence.error


def test_equal_weights_are_no_selection() -> None:
    reference, _ = fits("step")
    drawn = limit("step", Selection((0.025, 0.5), weights=point(1.0, reason="all published")))
    for parameter in reference.parameters:
        same(drawn.marginal(parameter), reference.marginal(parameter).mean, lambda m: m.mean_number)
    assert drawn.log_evidence is not None
    assert reference.log_evidence is not None
    assert abs(drawn.log_evidence.value - reference.log_evidence.value) < ERRORS * drawn.log_evidence.error


def test_fits_that_did_not_converge_are_refused() -> None:
    """A hundred draws are too few for these effective sample sizes: the message names a parameter and a remedy."""
    with pytest.raises(pymc.ConvergenceError, match=r"small: linear: .* ESS of .* Raise draws"):
        pymc.fit(MODELS["linear"](), small_table(), likelihood=NORMAL, draws=100, tune=300, seed=3)
