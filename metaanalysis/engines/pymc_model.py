"""The PyMC model: priors, curve, non-centred random effects and the likelihood of each departure from normality.

Effects of one study deviate from each other independently (tau_within), which adds to their sampling variance and is
integrated out in closed form; the effects of studies and of samples are sampled, in units of their standard deviation.
Everything that depends on a summed-out threshold has a leading axis over the gaps, of length one without.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.pymc_gaps import POSITION
from metaanalysis.engines.pymc_latent import LatentArms, latent_arms, latent_variable
from metaanalysis.engines.pymc_likelihoods import Binomial, LatentExposure, Selection, StudentT, TwoGroups
from metaanalysis.engines.pymc_means import contrast_rows
from metaanalysis.engines.pymc_priors import distribution, variable
from metaanalysis.engines.pymc_problem import Problem, study_means
from metaanalysis.models.design import contrast

Array = NDArray[np.float64]
Tensor = Any  # PyTensor is not imported before it is needed
Values = Mapping[str, Tensor]
GAP_LOG_WEIGHT = "gap_log_weight"
GROUP_LOG_ODDS = "group_log_odds"


def build(problem: Problem) -> Any:
    """Return the PyMC model of a problem.

    Its joint density over all parameters but the summed-out thresholds includes every constant.
    """
    import pymc as pm

    table = problem.table
    coords = {"study": list(table.studies), "row": np.arange(len(table))}
    with pm.Model(coords=coords) as model:
        values = {name: variable(name, prior) for name, prior in problem.priors.items()}
        curve = _curve(problem, values)
        total = _study_log_likelihood(problem, values, curve, _random_effects(problem, values)).sum(axis=1)
        if problem.gaps is not None:
            weights = pm.Deterministic(GAP_LOG_WEIGHT, total + _gap_log_prior(problem, values))
            pm.Potential("log_likelihood", pm.math.logsumexp(weights))
        else:
            pm.Potential("log_likelihood", total[0])
    return model


def _curve(problem: Problem, values: Values) -> Tensor:
    """Return the mean effects (n, K), random effects apart."""
    import pytensor.tensor as pt

    model, table = problem.model, problem.table
    beta = pt.stack([pt.as_tensor(values[name]).astype("float64") for name in problem.coefficients])
    count = len(model.coefficients)
    exposed = np.isfinite(table.x0)
    if isinstance(problem.likelihood, LatentExposure):
        arms = latent_arms(table, problem.likelihood)
        x, x0 = _latent_exposures(arms, problem.likelihood)
        shape = {name: pt.as_tensor(values[name]).reshape((1, 1)) for name in model.shapes}
        rows = contrast_rows(model, x, x0, exposed.astype(float), shape)
    elif problem.gaps is None and all(prior.fixed for prior in model.shapes.values()):
        fixed = {name: np.array([prior["value"]]) for name, prior in model.shapes.items()}
        rows = pt.as_tensor(contrast(model, table.x, table.x0, fixed))
    elif problem.gaps is not None and not problem.gaps.moving:
        middle = problem.gaps.middle
        others = {n: np.full(len(problem.gaps.lower), p["value"]) for n, p in model.shapes.items() if n not in middle}
        rows = pt.as_tensor(contrast(model, table.x, table.x0, {**middle, **others}))
    else:
        shape = {n: pt.as_tensor(values[n]).reshape((1, 1)) for n in model.shapes if n in values}
        if problem.gaps is not None:
            shape[problem.gaps.names[0]] = _threshold(problem, values)[:, None]
        x0 = np.where(exposed, table.x0, model.exposure_range[0])
        rows = contrast_rows(model, table.x, x0, exposed.astype(float), shape)
    return rows @ beta[:count] + (problem.covariates @ beta[count:])[None]


def _latent_exposures(arms: LatentArms, likelihood: LatentExposure) -> tuple[Tensor, Tensor]:
    """Return the exposures (K,) of both arms of every row, latent ones as variables."""
    import pytensor.tensor as pt

    known = pt.as_tensor(arms.known)
    if len(arms.low) == 0:
        return known[0], known[1]
    latent = latent_variable(arms, likelihood)
    spread = pt.where(arms.arm >= 0, latent[np.maximum(arms.arm, 0)], known)
    return spread[0], spread[1]


def _threshold(problem: Problem, values: Values) -> Tensor:
    """Return the threshold in each gap, (G,), at the sampled position."""
    gaps = problem.gaps
    assert gaps is not None
    return gaps.lower[:, 0] + values[POSITION] * (gaps.upper - gaps.lower)[:, 0]


def _gap_log_prior(problem: Problem, values: Values) -> Tensor:
    """Return the log prior weight of each gap, (G,)."""
    import pymc as pm

    gaps = problem.gaps
    assert gaps is not None
    if not gaps.moving:
        return gaps.log_prior
    prior = distribution(problem.model.shapes[gaps.names[0]])
    return np.log((gaps.upper - gaps.lower)[:, 0]) + pm.logp(prior, _threshold(problem, values))


def between_sd(problem: Problem, values: Values) -> Tensor:
    """Return the standard deviation (or scale) of each study's effect, (S,)."""
    import pytensor.tensor as pt

    own = pt.as_tensor(values["tau_between"])
    if problem.absent("tau_bias"):
        return own * np.ones(len(problem.biased))
    return pt.sqrt(own**2 + problem.biased * values["tau_bias"] ** 2)


def _random_effects(problem: Problem, values: Values) -> Tensor:
    """Return the effects of study and sample on each row, (K,)."""
    import pymc as pm
    import pytensor.tensor as pt

    total = pt.zeros(len(problem.table))
    if not (problem.absent("tau_between") and problem.absent("tau_bias")):
        if isinstance(problem.likelihood, StudentT):
            raw = pm.StudentT("study_raw", nu=values["nu"], mu=0.0, sigma=1.0, dims="study")
        else:
            raw = pm.Normal("study_raw", 0.0, 1.0, dims="study")
        own = pm.Deterministic("study_effect", between_sd(problem, values) * raw, dims="study")
        total = total + own[problem.study]
    if not problem.absent("tau_sample"):
        raw = pm.Normal("sample_raw", 0.0, 1.0, shape=int(problem.sample.max()) + 1)
        total = total + (values["tau_sample"] * raw)[problem.sample]
    return total


def _study_log_likelihood(problem: Problem, values: Values, curve: Tensor, effects: Tensor) -> Tensor:
    """Return the log likelihood of each study in each gap, (n, S)."""
    likelihood, mean = problem.likelihood, curve + effects
    if isinstance(likelihood, Binomial):
        return _by_study(problem, _binomial(problem, likelihood, values, mean))
    if isinstance(likelihood, TwoGroups):
        return _two_groups(problem, likelihood, values, mean)
    found = _by_study(problem, _normal(problem, values, mean))
    return found + _selection(problem, likelihood, values, curve) if isinstance(likelihood, Selection) else found


def _two_groups(problem: Problem, likelihood: TwoGroups, values: Values, mean: Tensor) -> Tensor:
    """Return the log likelihood of each study, (n, S), summed over the groups its rows may belong to."""
    import pymc as pm
    import pytensor.tensor as pt

    share, separation = pt.as_tensor(values["share"]), pt.as_tensor(values["separation"])
    lower = _normal(problem, values, mean - share * separation)
    upper = _normal(problem, values, mean + (1 - share) * separation)
    if likelihood.level == "study":
        lower, upper = _by_study(problem, lower), _by_study(problem, upper)
    odds = pm.Deterministic(GROUP_LOG_ODDS, upper + pt.log(share) - lower - pt.log1p(-share))
    mixed = lower + pt.log1p(-share) + pt.softplus(odds)
    return mixed if likelihood.level == "study" else _by_study(problem, mixed)


def _by_study(problem: Problem, rows: Tensor) -> Tensor:
    """Return the sums of rows (n, K) over the rows of each study, (n, S)."""
    members = np.zeros((len(problem.table), len(problem.biased)))
    members[np.arange(len(problem.table)), problem.study] = 1.0
    return rows @ members


def _normal(problem: Problem, values: Values, mean: Tensor) -> Tensor:
    """Return the log density of each rotated estimate, (n, K); its sum is that of the estimates."""
    import pytensor.tensor as pt

    residual = problem.table.y - mean
    if problem.rotation is not None:
        residual = residual @ problem.rotation
    variance = problem.variances + pt.as_tensor(values["tau_within"]) ** 2
    return -0.5 * (pt.log(2 * np.pi * variance) + residual**2 / variance)


def _binomial(problem: Problem, likelihood: Binomial, values: Values, mean: Tensor) -> Tensor:
    """Return the log probability of the counts of each row, (n, K)."""
    import pymc as pm
    import pytensor.tensor as pt
    from scipy.special import gammaln

    columns = problem.table.columns
    a, n1, c, n2 = (np.asarray(columns[name], float) for name in likelihood.columns)
    prior = likelihood.baseline
    base = pm.Normal("baseline", prior["mean"], prior["sd"], dims="row")
    if not problem.absent("tau_within"):
        raw = pm.Normal("row_raw", 0.0, 1.0, dims="row")
        mean = mean + values["tau_within"] * raw
    ways = sum(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) for k, n in ((a, n1), (c, n2)))
    odds = base + mean
    return ways + a * odds - n1 * pt.softplus(odds) + c * base - n2 * pt.softplus(base)


def _selection(problem: Problem, likelihood: Selection, values: Values, curve: Tensor) -> Tensor:
    """Return the log of publication weight over its expectation for each study, (n, S).

    The expectation is over the marginal normal distribution of the study's mean, random effects included.
    """
    import pytensor.tensor as pt

    means = study_means(problem.table, likelihood)
    weights = [pt.as_tensor(1.0), *(pt.as_tensor(values[name]) for name in likelihood.priors)]
    centre = curve @ means.weights
    sd = pt.sqrt(means.se**2 + _added_variance(problem, values, means.weights))
    expected = weights[-1]
    for before, after, bound in zip(weights[:-1], weights[1:], means.bounds, strict=True):
        beyond = _upper_tail((bound * means.se - centre) / sd)
        if likelihood.sides == 2:
            beyond = beyond + _upper_tail((bound * means.se + centre) / sd)
        expected = expected + (before - after) * beyond
    return pt.log(pt.stack(weights))[means.interval] - pt.log(expected)


def _added_variance(problem: Problem, values: Values, weights: Array) -> Tensor:
    """Return what the random effects add to the variance of each study's weighted mean, (S,)."""
    import pytensor.tensor as pt

    squares = (weights**2).sum(axis=0)
    added = between_sd(problem, values) ** 2 + pt.as_tensor(values["tau_within"]) ** 2 * squares
    if problem.absent("tau_sample"):
        return added
    samples = np.zeros((int(problem.sample.max()) + 1, weights.shape[1]))
    np.add.at(samples, problem.sample, weights)
    return added + values["tau_sample"] ** 2 * (samples**2).sum(axis=0)


def _upper_tail(z: Tensor) -> Tensor:
    """Return the standard normal probability above z."""
    import pytensor.tensor as pt

    return 0.5 * pt.erfc(z / np.sqrt(2))
