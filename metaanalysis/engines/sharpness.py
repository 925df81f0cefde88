"""How sharp a transition is, and how sharp the design could tell it to be.

The step is the logistic of width zero. With a point mass on the step and the rest of the prior on logistics of every
width, one posterior answers "jump or curve"; its prior stands beside it, because where no exposures lie near
the threshold the data only return the prior.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines import exact
from metaanalysis.engines.engine import Fit
from metaanalysis.engines.exact_problem import Problem, prepare
from metaanalysis.engines.threads import one_thread
from metaanalysis.errors import bad
from metaanalysis.models.design import contrast
from metaanalysis.models.mean_function import mean_function
from metaanalysis.models.model import Model
from metaanalysis.number import Number

Array = NDArray[np.float64]
TRANSITION = float(2 * np.log(9))  # 10 to 90 % of a logistic rise takes this many widths
INFORMATION = float(2 * np.log(10))  # expected log likelihood ratio of log 10


@dataclass(frozen=True, slots=True, eq=False)
class Sharpness:
    """The posterior of the width of the transition, a jump included.

    Attributes
    ----------
    logistic, step : Fit
        The two fits, with the same priors.
    jump_prior : float
        Prior probability of the jump (width zero).
    jump_probability : Number
        Its posterior probability.
    log_bf : Number
        Log Bayes factor of the step against the logistic.
    """

    logistic: Fit
    step: Fit
    jump_prior: float
    jump_probability: Number
    log_bf: Number

    def transition(self, p: ArrayLike) -> tuple[Array, Array]:
        """Return prior and posterior quantiles of the 10–90 % width of the logistic member, in units of exposure."""
        prior = self.logistic.model.shapes["width"].quantile(p)
        return TRANSITION * prior, TRANSITION * self.logistic.marginal("width").quantile(p)

    def narrower_than(self, width: float, *, nested: bool = True) -> tuple[float, float]:
        """Return prior and posterior probability that the 10–90 % width is below `width`.

        Parameters
        ----------
        width : float
            In units of exposure.
        nested : bool
            With the jump as a transition of width zero, or within the logistic member alone.
        """
        prior = float(self.logistic.model.shapes["width"].cdf(width / TRANSITION))
        posterior = float(self.logistic.marginal("width").probability_below(width / TRANSITION))
        if not nested:
            return prior, posterior
        before, after = self.jump_prior, self.jump_probability.value
        return before + (1 - before) * prior, after + (1 - after) * posterior


def sharpness(
    table: EffectTable, model: Model, *, jump_prior: float = 0.5, tolerance: float = exact.TOLERANCE
) -> Sharpness:
    """Return the posterior of the transition width, with a point mass on the jump.

    Parameters
    ----------
    table : EffectTable
        The table.
    model : Model
        A logistic model; the step gets its priors, the jump that of the rise.
    jump_prior : float
        Prior probability of the jump.
    tolerance : float
        Numerical error accepted for each log evidence.

    Raises
    ------
    InputError
        If the model is not logistic or the probability not between 0 and 1.
    """
    if not 0 < jump_prior < 1:
        raise bad(table.name, "jump_prior", f"{jump_prior:g} is not between 0 and 1", "Give a probability.")
    if not model.proper:
        raise exact.improper(model, table)
    step = exact.fit(step_limit(model), table, tolerance=tolerance)
    logistic = exact.fit(model, table, tolerance=tolerance)
    assert logistic.log_evidence is not None
    assert step.log_evidence is not None
    log_bf = step.log_evidence - logistic.log_evidence
    probability = float(1 / (1 + (1 - jump_prior) / jump_prior * np.exp(-log_bf.value)))
    return Sharpness(
        logistic, step, jump_prior, Number(probability, probability * (1 - probability) * log_bf.error), log_bf
    )


def step_limit(model: Model) -> Model:
    """Return the step that a logistic model becomes as its width goes to zero, with the same priors.

    Raises
    ------
    InputError
        If the model is not logistic.
    """
    if model.name != "logistic":
        raise bad("sharpness", "model", f"{model.name} has no width", "Give a logistic model.")
    coefficients = {"intercept": model.coefficients["intercept"], "jump": model.coefficients["rise"]}
    return replace(model, name="step", coefficients=coefficients, shapes={"threshold": model.shapes["threshold"]})


@one_thread()
def information(fit: Fit, widths: ArrayLike, *, jump: float) -> Array:
    """Return the information of the design about each logistic width, against a jump that may be refitted.

    For a threshold c and a width w it is the squared distance, in the metric of the covariance of the effects, between
    the logistic curve and the nearest step: intercept, jump, covariates and threshold are all refitted. Half of it is
    the expected log likelihood ratio. It is averaged over the posterior of the threshold under the step; heterogeneity
    is held at its posterior medians. Seen from very wide curves it falls again: a step fits them no worse than a line.

    Parameters
    ----------
    fit : Fit
        A fit of the step by the exact engine.
    widths : array_like
        Logistic widths, in units of exposure.
    jump : float
        Size of the transition.

    Returns
    -------
    (W,) array
    """
    problem = prepare(fit.model, fit.table)
    root = _whitener(problem, fit)
    gaps = fit.threshold_gaps()
    middles = np.array([(float(gap["low"]) + float(gap["high"])) / 2 for gap in gaps])
    chance = np.array([float(gap["probability"]) for gap in gaps])
    table, span = fit.table, fit.model.exposure_range
    steps = contrast(fit.model, table.x, table.x0, {"threshold": middles})
    bases = [np.linalg.svd(root @ np.hstack([step, problem.covariates]), full_matrices=False) for step in steps]
    spaces = [u[:, s > 1e-9 * s.max()] for u, s, _ in bases]
    columns = mean_function("logistic").columns
    found = []
    for width in np.atleast_1d(np.asarray(widths, float)):
        shape = {"threshold": middles, "width": np.full(middles.shape, width)}
        curve = columns(table.x, shape, span)[..., 1]
        exposed = np.isfinite(table.x0)
        curve[:, exposed] -= columns(table.x0[exposed], shape, span)[..., 1]
        white = jump * curve @ root.T
        left = [(white**2).sum(axis=1) - ((white @ space) ** 2).sum(axis=1) for space in spaces]
        found.append(float(chance @ np.min(left, axis=0)))
    return np.array(found)


def smallest_width(
    fit: Fit, *, jump: float | None = None, threshold: float = INFORMATION, points: int = 200
) -> float | None:
    """Return the smallest 10–90 % width that the design can tell from a jump, in units of exposure.

    Parameters
    ----------
    fit : Fit
        A fit of the step by the exact engine.
    jump : float, optional
        Size of the transition; default one prior standard deviation of the jump.
    threshold : float
        Information that is enough; the default, 4.6, is an expected likelihood ratio of 10.
    points : int
        Widths tried, from a thousandth of the exposure range to the whole, equally spaced in the logarithm.

    Returns
    -------
    float or None
        None if no width up to the whole range can be told from a jump.
    """
    low, high = fit.model.exposure_range
    widths = (high - low) * np.logspace(-3, 0, points) / TRANSITION
    size = float(fit.model.coefficients["jump"]["sd"]) if jump is None else jump
    enough = np.flatnonzero(information(fit, widths, jump=size) >= threshold)
    return float(TRANSITION * widths[enough[0]]) if enough.size else None


def _whitener(problem: Problem, fit: Fit) -> Array:
    """Return the inverse Cholesky factor (K, K) of the covariance of the effects at posterior median heterogeneity."""
    table = problem.table
    medians = {name: float(fit.marginal(name).quantile(0.5)) for name in fit.model.heterogeneity.priors}
    owner = table.study_index
    same = owner[:, None] == owner
    covariance = table.covariance() + medians["tau_within"] ** 2 * np.eye(len(table))
    covariance += (medians["tau_between"] ** 2 + medians.get("tau_bias", 0.0) ** 2 * problem.biased[owner]) * same
    samples = np.array(table.sample)
    covariance += medians.get("tau_sample", 0.0) ** 2 * (same & (samples[:, None] == samples))
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))
