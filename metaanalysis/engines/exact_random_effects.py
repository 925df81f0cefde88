"""Random effects under the exact posterior: study effects and shrunken estimates of every row.

Given a node and the coefficients, the effect of study s has mean g a_s'(y - X beta) and variance g, with
g = tau^2 / (1 + tau^2 c_s) and a_s, c_s as in `gaussian`; the true effects are y - S V^-1 (y - X beta). Averaging over
the coefficients and the nodes is exact.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.engine import EffectEstimates
from metaanalysis.engines.exact_problem import basis, columns
from metaanalysis.engines.gaussian import rotate, sandwich_diagonal, unrotate
from metaanalysis.engines.marginals import average, band

if TYPE_CHECKING:
    from metaanalysis.engines.exact_posterior import ExactPosterior

Array = NDArray[np.float64]
EFFECTS_DROPPED = 1e-4  # mass left out of shrunken estimates, for speed


def _groups(posterior: "ExactPosterior", count: int) -> list[NDArray[np.intp]]:
    """Return the heaviest nodes grouped by the inner variances (sample, within) and shape that they share."""
    keys = np.stack([posterior.at[0, :count], posterior.at[-4, :count], posterior.at[-1, :count]])
    _, owner = np.unique(keys, axis=1, return_inverse=True)
    order = np.argsort(owner.reshape(-1), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(owner.reshape(-1)[order])) + 1)


def _between(posterior: "ExactPosterior", index: NDArray[np.intp]) -> Array:
    """Return the between-study variance (n, S) at some nodes."""
    main = posterior.axis_values("tau_between")[index] ** 2
    bias = posterior.axis_values("tau_bias")[index] ** 2
    return main[:, None] + bias[:, None] * posterior.problem.biased


def study_deviations(posterior: "ExactPosterior") -> tuple[Array, Array]:
    """Return posterior means and standard deviations (S,) of the study effects."""
    problem, count = posterior.problem, posterior.heaviest(EFFECTS_DROPPED)
    weights = posterior.weights[:count] / posterior.weights[:count].sum()
    first = np.zeros(len(problem.table.blocks))
    second = np.zeros_like(first)
    for index in _groups(posterior, min(count, len(posterior.weights))):
        rotated = basis(problem, float(posterior.axis_values("tau_sample")[index[0]]))
        free, residual = columns(problem, _shape(posterior, index[0]))
        z = rotate(rotated, np.concatenate([free, residual[:, None]], axis=1)[..., 0])
        weight = rotated.ones / (rotated.variances + posterior.axis_values("tau_within")[index[0]] ** 2)
        totals = np.add.reduceat(weight[:, None] * z, rotated.starts, axis=0)
        precision = np.add.reduceat(weight * rotated.ones, rotated.starts)
        tau2 = _between(posterior, index)
        gain = tau2 / (1 + tau2 * precision)
        deviation = posterior.means[index] - problem.prior_mean
        mean = gain * (totals[:, -1] - deviation @ totals[:, :-1].T)
        along = np.einsum("sp,npq,sq->ns", totals[:, :-1], posterior.covariances[index], totals[:, :-1])
        first += weights[index] @ mean
        second += weights[index] @ (gain + gain**2 * along + mean**2)
    return first, np.sqrt(np.maximum(second - first**2, 0.0))


def _shape(posterior: "ExactPosterior", node: int) -> dict[str, Array]:
    """Return the shape parameters of one node, as arrays of length one."""
    at = posterior.at[-1, node]
    return {name: value[at : at + 1] for name, value in posterior.shapes.values.items()}


def row_effects(posterior: "ExactPosterior", *, level: float) -> EffectEstimates:
    """Return the posterior of the true effect of each row."""
    problem = posterior.problem
    count = min(posterior.heaviest(EFFECTS_DROPPED), len(posterior.weights))
    means = np.empty((count, len(problem.table)))
    variances = np.empty_like(means)
    for index in _groups(posterior, count):
        means[index], variances[index] = _row_moments(posterior, index)
    weights = posterior.weights[:count] / posterior.weights[:count].sum()
    sds = np.sqrt(np.maximum(variances, 0.0))
    mean = average(weights, means)
    sd = np.sqrt(average(weights, variances + (means - mean) ** 2))
    lower, upper = band(weights, means, sds, level)
    return EffectEstimates(mean, sd, lower, upper)


def _row_moments(posterior: "ExactPosterior", index: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return means and variances (n, K) of the true effects at nodes that share their inner variances and shape."""
    problem = posterior.problem
    table = problem.table
    rotated = basis(problem, float(posterior.axis_values("tau_sample")[index[0]]))
    free, residual = columns(problem, _shape(posterior, index[0]))
    z = np.concatenate([free[..., 0], residual], axis=1)
    inverse = 1.0 / (rotated.variances + posterior.axis_values("tau_within")[index[0]] ** 2)
    tau2 = _between(posterior, index)
    whole = np.add.reduceat(inverse * rotated.ones**2, rotated.starts)
    gain = (tau2 / (1 + tau2 * whole))[:, table.study_index]
    # S W z and S W 1, in the original rows, and diag(S W S)
    weighted = _times_blocks(problem.table.blocks, unrotate(rotated, inverse[:, None] * rotate(rotated, z)))
    along = _times_blocks(table.blocks, unrotate(rotated, (inverse * rotated.ones)[:, None]))[:, 0]
    totals = np.add.reduceat((inverse * rotated.ones)[:, None] * rotate(rotated, z), rotated.starts, axis=0)
    diagonal = sandwich_diagonal(rotated, table.blocks, inverse)
    own = weighted[None] - (gain * along)[:, :, None] * totals[table.study_index]
    deviation = posterior.means[index] - problem.prior_mean
    shrink = own[:, :, -1] - np.einsum("nkp,np->nk", own[:, :, :-1], deviation)
    spread = np.einsum("nkp,npq,nkq->nk", own[:, :, :-1], posterior.covariances[index], own[:, :, :-1])
    return table.y - shrink, table.v - (diagonal - gain * along**2) + spread


def _times_blocks(blocks: tuple[Array, ...], values: Array) -> Array:
    """Return the known covariance times columns (K, m)."""
    starts = np.cumsum([0, *[len(block) for block in blocks]])
    parts = [block @ values[a:b] for block, a, b in zip(blocks, starts[:-1], starts[1:], strict=True)]
    return np.concatenate(parts)
