"""Thresholds summed out: a model with a jump becomes a finite mixture over the gaps between observed exposures.

Between neighbouring exposures the likelihood of a step does not depend on the threshold at all, and that of a cliff
depends on it smoothly. So the threshold splits into the gap, which is summed out exactly, and the position inside the
gap, on which nothing depends (step) or which is sampled like any other parameter (cliff).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import observed_exposures
from metaanalysis.models.model import Model

Array = NDArray[np.float64]
POSITION = "position"  # parameter: where in its gap the threshold of a cliff lies, 0 to 1


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """The gaps in which the thresholds of a model may lie.

    Attributes
    ----------
    names : tuple of str, length m
        The thresholds, in increasing order.
    lower, upper : (G, m) array
        Ends of the gap of each threshold, for each of the G combinations.
    log_prior : (G,) array
        Log prior probability of each combination.
    moving : bool
        Whether the likelihood depends on the position inside the gap.
    """

    names: tuple[str, ...]
    lower: Array
    upper: Array
    log_prior: Array
    moving: bool

    @property
    def middle(self) -> dict[str, Array]:
        """A value of each threshold inside each gap, (G,)."""
        return dict(zip(self.names, ((self.lower + self.upper) / 2).T, strict=True))


def needs_gaps(model: Model) -> bool:
    """Return whether the likelihood jumps in a threshold of the model that is not fixed."""
    mean = model.mean
    free = any(not model.shapes[shape.name].fixed for shape in mean.thresholds)
    return free and (mean.between_breaks == "constant" or mean.jump is not None)


def find_gaps(model: Model, table: EffectTable) -> Gaps | None:
    """Return the gaps of the free thresholds of `model`; None if it is continuous in them."""
    if not needs_gaps(model):
        return None
    names = tuple(shape.name for shape in model.mean.thresholds if not model.shapes[shape.name].fixed)
    exposures = observed_exposures(table)
    single = []
    for name in names:
        prior = model.shapes[name]
        low, high = prior.support
        edges = np.concatenate([[low], exposures[(exposures > low) & (exposures < high)], [high]])
        mass = np.diff(prior.cdf(edges))
        finite = np.clip(edges, *prior.quantile([1e-12, 1 - 1e-12]))
        single.append([(finite[i], finite[i + 1], mass[i]) for i in range(len(mass)) if mass[i] > 0])
    combined = [combination for combination in product(*single) if _ordered(combination)]
    cells = np.array(combined)
    log_prior = np.log(cells[:, :, 2]).sum(axis=1) + [_log_share_in_order(combination) for combination in combined]
    log_prior -= np.logaddexp.reduce(log_prior)
    moving = model.mean.between_breaks != "constant"
    return Gaps(names, cells[:, :, 0], cells[:, :, 1], log_prior, moving)


def _ordered(combination: tuple[tuple[float, float, float], ...]) -> bool:
    """Return whether thresholds in these gaps can be in increasing order."""
    lows = [low for low, _, _ in combination]
    return lows == sorted(lows)


def _log_share_in_order(combination: tuple[tuple[float, float, float], ...]) -> float:
    """Return the log probability of increasing order: of m thresholds in one gap, one ordering in m! is."""
    _, counts = np.unique([low for low, _, _ in combination], return_counts=True)
    return -float(sum(np.log(np.arange(1, count + 1)).sum() for count in counts))


def draw_thresholds(
    gaps: Gaps, model: Model, log_weights: Array, position: Array | None, rng: np.random.Generator
) -> dict[str, Array]:
    """Return thresholds drawn from their posterior given everything else.

    Parameters
    ----------
    gaps : Gaps
        The gaps.
    model : Model
        The model, for the priors inside the gaps.
    log_weights : (N, G) array
        Log of prior probability times likelihood of each gap at each draw.
    position : (N,) array or None
        Position inside the gap; None if the likelihood does not depend on it.
    rng : Generator
        Source of randomness.

    Returns
    -------
    mapping of str to (N,) array
    """
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    cumulative = np.cumsum(weights, axis=1)
    chosen = (rng.random((len(weights), 1)) * cumulative[:, -1:] > cumulative).sum(axis=1)
    low, high = gaps.lower[chosen], gaps.upper[chosen]
    if position is not None:
        return {gaps.names[0]: (low + position[:, None] * (high - low))[:, 0]}
    drawn = np.empty_like(low)
    for j, name in enumerate(gaps.names):
        prior = model.shapes[name]
        ends = prior.cdf(np.stack([low[:, j], high[:, j]]))
        drawn[:, j] = prior.quantile(ends[0] + rng.random(len(low)) * (ends[1] - ends[0]))
    return dict(zip(gaps.names, np.sort(drawn, axis=1).T, strict=True))
