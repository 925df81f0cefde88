"""The marginal model in NumPy: random effects integrated out, few parameters left, for bridge sampling.

Given the mean, the covariance of a study's estimates is its sampling covariance plus within-study and sample variance
plus the study effect's variance in all entries. The last is taken out by a rank-one update, so that a study effect that
is a mixture of normals (Student's t over its mixing variable, two groups over both) costs no further factorisation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, log_ndtr, logsumexp, ndtr, ndtri

from metaanalysis.engines.pymc_gaps import POSITION
from metaanalysis.engines.pymc_likelihoods import Binomial, LatentExposure, Selection, StudentT, TwoGroups
from metaanalysis.engines.pymc_problem import Problem, StudyMeans, study_means
from metaanalysis.models.design import contrast
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]
Values = dict[str, Array]
REACH, NODES = 3.2, 65  # of the double-exponential rule over the mixing variable of Student's t
CHUNK = 500
FAR = 8.0  # standard deviations


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """One study's residuals and the vector of ones under their covariance C without the study effect.

    Attributes
    ----------
    size : int
        Number of effects.
    log_det, ones : (n, 1) array
        log det C, and 1'C⁻¹1.
    cross, square : (n, G) array
        1'C⁻¹r and r'C⁻¹r in each gap.
    """

    size: int
    log_det: Array
    ones: Array
    cross: Array
    square: Array

    def shifted(self, by: Array) -> "Projected":
        """Return the residuals less a constant (n, 1)."""
        square = self.square - 2 * by * self.cross + by**2 * self.ones
        return Projected(self.size, self.log_det, self.ones, self.cross - by * self.ones, square)

    def log_density(self, variance: Array) -> Array:
        """Return the log density (n, G) for a normal study effect of the given variance."""
        inflated = 1 + variance * self.ones
        square = self.square - variance * self.cross**2 / inflated
        return np.asarray(-0.5 * (self.size * np.log(2 * np.pi) + self.log_det + np.log(inflated) + square))


def no_evidence(problem: Problem) -> str:
    """Return why the random effects cannot be integrated out and evidence is not given; empty if it can."""
    if not all(prior.proper for prior in problem.priors.values()):
        return "a prior is improper"
    likelihood = problem.likelihood
    if isinstance(likelihood, Binomial | LatentExposure) or (
        isinstance(likelihood, TwoGroups) and likelihood.level == "effect"
    ):
        return f"the random effects of the likelihood ({likelihood.name}) do not integrate out in closed form"
    return ""


def log_posterior(problem: Problem) -> Callable[[Array], Array]:
    """Return the unnormalised log posterior density of points (n, d) of unconstrained coordinates.

    The coordinates are those of `to_coordinates`, in the order of ``problem.free``.
    """
    priors = problem.free

    def part(points: Array) -> Array:
        values: Values = {
            name: np.full(len(points), prior["value"]) for name, prior in problem.priors.items() if prior.fixed
        }
        total = np.zeros(len(points))
        for j, (name, prior) in enumerate(priors.items()):
            values[name], log_prior = from_coordinates(points[:, j], prior)
            total += log_prior
        return total + log_likelihood(problem, values)

    def density(points: Array) -> Array:
        return np.concatenate([part(points[i : i + CHUNK]) for i in range(0, len(points), CHUNK)])

    return density


def to_coordinates(values: Array, prior: Prior) -> Array:
    """Return values of a parameter on the whole real line.

    A parameter with bounds becomes the normal deviate of its prior probability, so that its prior is standard normal;
    its posterior is then close to normal both where the data say little and where they say much.
    """
    return values if np.isinf(prior.support).all() else np.clip(ndtri(prior.cdf(values)), -FAR, FAR)


def from_coordinates(points: Array, prior: Prior) -> tuple[Array, Array]:
    """Return the values of a parameter and the log prior density of its coordinate."""
    if np.isinf(prior.support).all():
        return points, prior.log_density(points)
    return prior.quantile(ndtr(np.clip(points, -FAR, FAR))), -0.5 * (points**2 + np.log(2 * np.pi))


def log_likelihood(problem: Problem, values: Values) -> Array:
    """Return the log likelihood (n,) with random effects and thresholds integrated out.

    Parameters
    ----------
    problem : Problem
        A problem with `no_evidence` empty.
    values : mapping of str to (n,) array
        All parameters of ``problem.priors``.
    """
    curve, log_weight = _curve(problem, values)
    variance = values["tau_between"][:, None] ** 2 + np.zeros((1, len(problem.biased)))
    if "tau_bias" in values:
        variance = variance + problem.biased * values["tau_bias"][:, None] ** 2
    nodes = _mixing(values["nu"]) if isinstance(problem.likelihood, StudentT) else None
    total = log_weight
    for s, start in enumerate(problem.table.starts):
        study = _project(problem, values, curve, s, int(start))
        own = variance[:, s : s + 1]
        if nodes is not None:
            each = [np.log(w) + study.log_density(own * scale) for scale, w in nodes]
            total = total + logsumexp(each, axis=0)
        elif isinstance(problem.likelihood, TwoGroups):
            share, separation = values["share"][:, None], values["separation"][:, None]
            lower = np.log1p(-share) + study.shifted(-share * separation).log_density(own)
            total = total + np.logaddexp(
                lower, np.log(share) + study.shifted((1 - share) * separation).log_density(own)
            )
        else:
            total = total + study.log_density(own)
    if isinstance(problem.likelihood, Selection):
        total = total + _selection(problem, problem.likelihood, values, curve, variance)
    return np.asarray(logsumexp(total, axis=1))


def _curve(problem: Problem, values: Values) -> tuple[Array, Array]:
    """Return the mean effects (n, G, K) and the log prior weights of the gaps (n, G)."""
    model, table, gaps = problem.model, problem.table, problem.gaps
    beta = np.stack([values[name] for name in problem.coefficients], axis=1)
    split = len(model.coefficients)
    n = len(beta)
    if gaps is None:
        rows = contrast(model, table.x, table.x0, {name: values[name] for name in model.shapes})
        mean, log_weight = _times(rows, beta[:, :split])[:, None], np.zeros((n, 1))
    elif gaps.moving:
        threshold = gaps.lower[:, 0] + values[POSITION][:, None] * (gaps.upper - gaps.lower)[:, 0]
        rows = contrast(model, table.x, table.x0, {gaps.names[0]: threshold.reshape(-1)})
        repeated = np.repeat(beta[:, :split], len(gaps.lower), axis=0)
        mean = _times(rows, repeated).reshape(n, len(gaps.lower), -1)
        log_weight = np.log((gaps.upper - gaps.lower)[:, 0]) + model.shapes[gaps.names[0]].log_density(threshold)
    else:
        others = {name: np.full(len(gaps.lower), p["value"]) for name, p in model.shapes.items() if p.fixed}
        rows = contrast(model, table.x, table.x0, {**gaps.middle, **others})
        mean, log_weight = np.einsum("gkp,np->ngk", rows, beta[:, :split]), np.tile(gaps.log_prior, (n, 1))
    return mean + (beta[:, split:] @ problem.covariates.T)[:, None], log_weight


def _times(rows: Array, beta: Array) -> Array:
    """Return rows (n or 1, K, p) times coefficients (n, p) as (n, K)."""
    return np.asarray(np.einsum("nkp,np->nk", np.broadcast_to(rows, (len(beta), *rows.shape[1:])), beta))


def _project(problem: Problem, values: Values, curve: Array, s: int, start: int) -> Projected:
    """Return the projections of one study."""
    block = problem.table.blocks[s]
    k = len(block)
    part = slice(start, start + k)
    covariance = block + values["tau_within"][:, None, None] ** 2 * np.eye(k)
    if "tau_sample" in values:
        same = problem.sample[part, None] == problem.sample[None, part]
        covariance = covariance + values["tau_sample"][:, None, None] ** 2 * same
    root = np.linalg.cholesky(covariance)
    residual = problem.table.y[part] - curve[..., part]
    columns = np.concatenate([np.ones((len(curve), 1, k)), residual], axis=1).swapaxes(1, 2)
    white = np.linalg.solve(root, columns)
    ones, rest = white[:, :, :1], white[:, :, 1:]
    log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    return Projected(k, log_det[:, None], (ones**2).sum(axis=1), (ones * rest).sum(axis=1), (rest**2).sum(axis=1))


def _mixing(nu: Array) -> list[tuple[Array, Array]]:
    """Return variances (n, 1) and weights (n, 1) whose mixture of normals is Student's t with unit scale.

    The mixing precision has a gamma distribution with shape and rate nu / 2. Its quantiles are taken at the nodes of a
    double-exponential rule over probabilities, which the long tail of the variances does not disturb.
    """
    t = np.linspace(-REACH, REACH, NODES)
    tilt = np.pi / 2 * np.sinh(t)
    probability = np.exp(-np.logaddexp(0, -2 * tilt))
    weight = (np.pi / 4) * np.cosh(t) / np.cosh(tilt) ** 2
    weight /= weight.sum()
    half = nu[:, None] / 2
    nodes = []
    for p, w in zip(probability, weight, strict=True):
        precision = np.maximum(gammaincinv(half, p) / half, 1e-200)
        nodes.append((1 / precision, np.full_like(half, w)))
    return nodes


def _selection(problem: Problem, likelihood: Selection, values: Values, curve: Array, variance: Array) -> Array:
    """Return the log of publication weights over their expectations, summed over studies, (n, G)."""
    means = study_means(problem.table, likelihood)
    centre = curve @ means.weights
    sd = np.sqrt(_mean_variance(problem, values, means) + variance)[:, None]
    weights = np.stack([np.ones(len(curve)), *(values[name] for name in likelihood.priors)], axis=1)
    total = np.zeros((len(curve), centre.shape[1], len(problem.biased)))
    edges = [np.inf, *means.bounds, -np.inf] if likelihood.sides == 1 else [np.inf, *means.bounds, 0.0]
    for j in range(weights.shape[1]):
        inside = _between(edges[j + 1] * means.se, edges[j] * means.se, centre, sd)
        if likelihood.sides == 2:
            inside = inside + _between(edges[j + 1] * means.se, edges[j] * means.se, -centre, sd)
        total += weights[:, j, None, None] * inside
    published = np.log(weights)[:, means.interval]
    return np.asarray((published[:, None] - np.log(total)).sum(axis=2))


def _between(low: Array, high: Array, centre: Array, sd: Array) -> Array:
    """Return the normal probability of an interval."""
    upper, lower = log_ndtr((high - centre) / sd), log_ndtr((low - centre) / sd)
    return np.exp(upper) * -np.expm1(np.minimum(lower - upper, 0.0))


def _mean_variance(problem: Problem, values: Values, means: StudyMeans) -> Array:
    """Return the variance (n, S) of each study's weighted mean, the study effect apart."""
    total = means.se**2 + values["tau_within"][:, None] ** 2 * (means.weights**2).sum(axis=0)
    if "tau_sample" in values:
        samples = np.zeros((int(problem.sample.max()) + 1, means.weights.shape[1]))
        np.add.at(samples, problem.sample, means.weights)
        total = total + values["tau_sample"][:, None] ** 2 * (samples**2).sum(axis=0)
    return total
