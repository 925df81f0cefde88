"""Fits as tidy rows: one row per parameter, the prior beside the posterior."""

from collections.abc import Mapping

import numpy as np

from metaanalysis.engines.engine import Fit, Marginal
from metaanalysis.models.design import design
from metaanalysis.models.priors import Prior

Row = dict[str, str | float]


def summarise(fit: Fit, *, level: float = 0.95) -> list[Row]:
    """Return one row per parameter of a fit.

    Parameters
    ----------
    fit : Fit
        Any engine's fit.
    level : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    list of dict
        ``model``, ``parameter``, ``mean``, ``sd``, ``median``, ``lower``, ``upper``, ``level``, ``prior_lower``,
        ``prior_median``, ``prior_upper`` and ``numerical_error`` (of the quantiles, on the scale of the parameter).
    """
    priors = parameter_priors(fit)
    return [_row(fit, name, fit.marginal(name), priors[name], level) for name in fit.parameters]


def parameter_priors(fit: Fit) -> Mapping[str, Prior]:
    """Return the prior of every parameter of a fit, covariates included."""
    plan = design(fit.model, fit.table)
    return {**fit.model.priors, **dict(zip(plan.names, plan.priors, strict=True))}


def _row(fit: Fit, name: str, marginal: Marginal, prior: Prior, level: float) -> Row:
    """Return the row of one parameter."""
    tails = np.array([(1 - level) / 2, 0.5, (1 + level) / 2])
    lower, median, upper = marginal.quantile(tails)
    before = prior.quantile(tails)
    return {
        "model": fit.model.name,
        "parameter": name,
        "mean": marginal.mean,
        "sd": marginal.sd,
        "median": float(median),
        "lower": float(lower),
        "upper": float(upper),
        "level": level,
        "prior_lower": float(before[0]),
        "prior_median": float(before[1]),
        "prior_upper": float(before[2]),
        "numerical_error": quantile_error(marginal, np.array([lower, median, upper])),
    }


def quantile_error(marginal: Marginal, values: np.ndarray) -> float:
    """Return the largest numerical error of some quantiles: that of a probability over the density there."""
    if marginal.error == 0 or marginal.sd == 0:
        return 0.0
    # Where the density is (nearly) zero a quantile is known no better than the spread of the distribution.
    density = np.maximum(marginal.density(values), marginal.error / marginal.sd)
    return float((marginal.error / density).max())
