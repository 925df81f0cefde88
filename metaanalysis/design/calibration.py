"""Simulation-based calibration of posteriors and of posterior model probabilities, on the design of a table.

Two kinds of task. ``posterior/MEMBER/i`` draws parameters and effects from one member, fits that member, and notes
the posterior probability below each true value: over many draws these are uniform if the posterior is right.
``models/i`` draws a member by its prior probability, then parameters and effects, and compares the whole family: the
posterior probabilities must then come true as often as they say. Thresholds beyond the data are drawn like all
others, so statements about them are tested too.

References
----------
Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv:1804.06788; Modrák, Moon, Kim, Bürkner, Huurre, Faltejsková,
Gelman & Vehtari (2023), Bayesian Analysis (test quantities that depend on the data, such as the log likelihood);
Schad, Nicenboim, Bürkner, Betancourt & Vasishth (2023), Psychol Methods 28:1404 (calibration of Bayes factors).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaanalysis.compare import Comparison, compare, prior_weights
from metaanalysis.design.simulate import Simulation, curve_at, generator, log_likelihood, priors, simulate
from metaanalysis.effects.table import EffectTable
from metaanalysis.engines import exact
from metaanalysis.engines.engine import Fit, observed_exposures
from metaanalysis.errors import MetaAnalysisError, bad
from metaanalysis.models.model import Model

Array = NDArray[np.float64]
DRAWS = 99
"""Posterior draws that the true log likelihood is ranked among."""
SHARES = (0.25, 0.75)
"""Where on the exposure scale the curve is tested, as shares of its range."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is calibrated.

    Attributes
    ----------
    table : EffectTable
        The design; its effects are replaced by simulated ones.
    models : mapping of str to Model
        Members of the family.
    seed : int
        Seed of all tasks.
    tolerance, compare_tolerance : float
        Numerical error accepted for log evidence in the two kinds of task.
    family_prior : float
        Prior probability of the discontinuous members together.
    """

    table: EffectTable
    models: Mapping[str, Model]
    seed: int
    tolerance: float = exact.TOLERANCE
    compare_tolerance: float = 1e-5
    family_prior: float = 0.5

    @property
    def prior(self) -> dict[str, float]:
        """Prior probability of each member."""
        return prior_weights({name: model.family for name, model in self.models.items()}, self.family_prior)

    @property
    def points(self) -> Array:
        """Exposures at which the curve is tested."""
        low, high = self.table.exposure_range
        return low + np.array(SHARES) * (high - low)


def keys(models: Sequence[str], simulations: int) -> list[str]:
    """Return the tasks of so many simulations of every member and of the family, shuffled together evenly."""
    if simulations < 1:
        raise bad("--simulations", "", f"{simulations} simulations show nothing", "Give a positive number.")
    return [key for i in range(simulations) for key in (*(f"posterior/{name}/{i}" for name in models), f"models/{i}")]


def run_task(key: str, *, plan: Plan) -> dict[str, Any]:
    """Do one task. A fit that fails is noted, not dropped: leaving it out would bias the calibration.

    Parameters
    ----------
    key : str
        ``posterior/MEMBER/i`` or ``models/i``.
    plan : Plan
        What is calibrated.

    Returns
    -------
    dict
        ``pit`` (probability below the true value, by quantity), ``seconds``, and what the kind of task adds; or
        ``failed`` with the reason.
    """
    started = time.perf_counter()
    kind, *member, _ = key.split("/")
    rng = generator(plan.seed, key)
    try:
        found = posterior_task(plan, member[0], rng) if kind == "posterior" else models_task(plan, rng)
    except MetaAnalysisError as error:
        found = {"failed": str(error)}
    return {**found, "seconds": round(time.perf_counter() - started, 4)}


def posterior_task(plan: Plan, member: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return the probability below each true value for one data set drawn from a member, with its numerical error."""
    drawn = simulate(plan.models[member], plan.table, rng)
    fit = exact.fit(drawn.model, drawn.table, tolerance=plan.tolerance)
    pit = {name: _below(fit, name, drawn) for name, prior in priors(drawn.model, plan.table).items() if not prior.fixed}
    if len(drawn.model.coefficients) > 1:
        true = curve_at(drawn.model, plan.points, np.full(plan.points.shape, np.nan), drawn.parameters)
        for x, value, marginal in zip(plan.points, true, fit.contrast(plan.points), strict=True):
            pit[f"curve({x:g})"] = float(marginal.probability_below(value))
    pit["log_likelihood"] = _likelihood_rank(fit, drawn, rng)
    found = {"pit": pit, "error": fit.diagnostics["posterior_error"]}
    beyond = fit.threshold_beyond()
    if beyond is None:
        return found
    exposures = observed_exposures(plan.table)
    outside = not exposures[0] <= drawn.parameters["threshold"] < exposures[-1]
    return {**found, "beyond": {"probability": beyond, "true": outside}}


def models_task(plan: Plan, rng: np.random.Generator) -> dict[str, Any]:
    """Return the posterior probabilities of all members for one data set drawn from one of them."""
    names = sorted(plan.models)
    truth = names[int(rng.choice(len(names), p=[plan.prior[name] for name in names]))]
    drawn = simulate(plan.models[truth], plan.table, rng)
    comparison = compare(
        drawn.table, plan.models, prior_grid=[1.0], family_prior=plan.family_prior, tolerance=plan.compare_tolerance
    )
    return {
        "truth": truth,
        "probabilities": comparison.probabilities,
        "pit": {
            "jump": _average_jump(comparison, drawn, rng),
            **{f"curve({x:g})": _average_curve(comparison, drawn, float(x)) for x in plan.points},
        },
    }


def _below(fit: Fit, name: str, drawn: Simulation) -> float:
    return float(fit.marginal(name).probability_below(drawn.parameters[name]))


def _likelihood_rank(fit: Fit, drawn: Simulation, rng: np.random.Generator) -> float:
    """Return the rank of the true log likelihood among those of posterior draws, spread evenly within its step."""
    draws = fit.draws(DRAWS, seed=int(rng.integers(2**32)))
    true = {name: np.array([value]) for name, value in drawn.parameters.items()}
    below = log_likelihood(fit.model, drawn.table, draws) < log_likelihood(fit.model, drawn.table, true)
    return float((below.sum() + rng.random()) / (DRAWS + 1))


def _average_jump(comparison: Comparison, drawn: Simulation, rng: np.random.Generator) -> float:
    """Return the probability below the true jump, spread evenly over the mass at zero where that is the truth."""
    name = drawn.model.mean.jump
    true = 0.0 if name is None else drawn.parameters[name]
    below = float(comparison.jump().probability_below(true))
    if true != 0.0:
        return below
    members = comparison.probabilities.items()
    at_zero = sum(p for member, p in members if comparison.fits[member].model.mean.jump is None)
    return min(max(below - float(rng.random()) * at_zero, 0.0), 1.0)


def _average_curve(comparison: Comparison, drawn: Simulation, x: float) -> float:
    """Return the model-averaged probability that the curve at `x` lies below its true value."""
    true = curve_at(drawn.model, np.array([x]), np.array([np.nan]), drawn.parameters)[0]
    parts = [
        p * float(comparison.fits[member].contrast([x])[0].probability_below(true))
        for member, p in comparison.probabilities.items()
        if p > 0
    ]
    return min(float(sum(parts)), 1.0)
