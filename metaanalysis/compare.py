"""Comparison of models on one table: evidence, always with the grid of prior widths, and averages over models.

Evidence for a jump depends on how wide the priors of slopes and jumps are, so no log evidence leaves this module
without the Bayes factors over a declared grid of widths. The two sides of the question, discontinuous and continuous,
have a declared prior probability each, split equally among their members; probabilities under equal weights for all
members are given beside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis import frames
from metaanalysis.effects.table import EffectTable
from metaanalysis.engines import exact
from metaanalysis.engines.engine import Curve, Fit, Marginal
from metaanalysis.engines.exact_leave_out import TOLERANCE as PREDICTIVE_TOLERANCE
from metaanalysis.engines.exact_leave_out import LeaveOneStudyOut, leave_one_study_out
from metaanalysis.engines.marginals import AverageMarginal, MixtureMarginal, PointMarginal, band
from metaanalysis.errors import bad
from metaanalysis.models.model import Model
from metaanalysis.number import Number

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
GRID = (0.25, 0.5, 1.0, 2.0, 4.0)
BATCH = 16
SIDES = ("discontinuous", "continuous")


@dataclass(frozen=True, slots=True)
class GridPoint:
    """The comparison under priors `scale` times as wide.

    Attributes
    ----------
    scale : float
        Multiplier of the prior standard deviations of slopes, bends, rises and jumps.
    log_evidence : mapping of str to Number
        Log evidence of each member.
    log_bf : Number or None
        Log Bayes factor of the discontinuous against the continuous members; None if either side is empty.
    probability : float or None
        Posterior probability of the discontinuous side.
    """

    scale: float
    log_evidence: Mapping[str, Number]
    log_bf: Number | None
    probability: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Several models on one table.

    Attributes
    ----------
    table : EffectTable
        The table.
    fits : mapping of str to Fit
        Fits under the declared priors, by member.
    family_prior : float
        Prior probability of the discontinuous side.
    grid : tuple of GridPoint
        The comparison over the prior widths, in increasing order, the declared priors (scale 1) among them.
    """

    table: EffectTable
    fits: Mapping[str, Fit]
    family_prior: float
    grid: tuple[GridPoint, ...]

    @property
    def declared(self) -> GridPoint:
        """The comparison under the declared priors."""
        return next(point for point in self.grid if point.scale == 1.0)

    @property
    def log_evidence(self) -> Mapping[str, Number]:
        """Log evidence of each member under the declared priors."""
        return self.declared.log_evidence

    @property
    def log_bf(self) -> Number | None:
        """Log Bayes factor, discontinuous against continuous, under the declared priors."""
        return self.declared.log_bf

    @property
    def sides(self) -> dict[str, str]:
        """The side of the question that each member is on."""
        return {name: fit.model.family for name, fit in self.fits.items()}

    def log_bayes_factor(self, first: str, second: str) -> Number:
        """Return the log Bayes factor of one member against another."""
        return self.log_evidence[first] - self.log_evidence[second]

    @property
    def probabilities(self) -> dict[str, float]:
        """Posterior probabilities of the members from the prior probabilities of the sides; zero for those apart."""
        return posterior_probabilities(self.log_evidence, prior_weights(self.sides, self.family_prior))

    @property
    def probabilities_equal(self) -> dict[str, float]:
        """Posterior probabilities of the members from equal prior probabilities; zero for those apart."""
        weights = {name: float(side in SIDES) for name, side in self.sides.items()}
        return posterior_probabilities(self.log_evidence, weights)

    def jump(self) -> Marginal:
        """Return the model-averaged jump at the threshold: zero under continuous members, of either sign otherwise."""
        names = [name for name, weight in self.probabilities.items() if weight > 0]
        parts = [self.fits[name].jump or PointMarginal(0.0) for name in names]
        return AverageMarginal(np.array([self.probabilities[name] for name in names]), parts)

    def curve(self, x: ArrayLike, *, x0: ArrayLike | None = None, level: float = 0.95) -> Curve:
        """Return the model-averaged curve at exposures `x` against reference exposures `x0` (default no AI)."""
        at = np.atleast_1d(np.asarray(x, float))
        names = [name for name, weight in self.probabilities.items() if weight > 1e-6]
        total = sum(self.probabilities[name] for name in names)
        weights = [self.probabilities[name] / total for name in names]
        reference = np.full(at.shape, np.nan) if x0 is None else np.broadcast_to(np.asarray(x0, float), at.shape)
        columns = []
        for start in range(0, at.size, BATCH):  # a few points at a time: mixtures have many components
            part = slice(start, start + BATCH)
            members = [self.fits[name].contrast(at[part], x0=reference[part]) for name in names]
            columns += [_average(list(parts), np.array(weights), level) for parts in zip(*members, strict=True)]
        mean, sd, lower, upper = np.array(columns).T
        return Curve(at, mean, sd, lower, upper, level)

    def models(self) -> list[dict[str, str | float]]:
        """Return one row per member, with the columns of ``frames.MODELS``.

        Bayes factors are against the flat member, or the first one if there is no flat member.
        """
        base = self.log_evidence["flat" if "flat" in self.fits else next(iter(self.fits))].value
        by_side, equal = self.probabilities, self.probabilities_equal
        return [
            {
                "model": name,
                "family": fit.model.family,
                "says": fit.model.mean.says,
                "log_evidence": self.log_evidence[name].value,
                "error": self.log_evidence[name].error,
                "log_bf": self.log_evidence[name].value - base,
                "probability": by_side[name],
                "probability_equal": equal[name],
            }
            for name, fit in self.fits.items()
        ]

    def leave_one_study_out(self, *, tolerance: float = PREDICTIVE_TOLERANCE) -> LeaveOneStudyOut:
        """Return the exact log predictive density of each study under every member, and stacking weights.

        Raises
        ------
        InputError
            If the table has a single study.
        """
        members = {name: fit.model for name, fit in self.fits.items()}
        return leave_one_study_out(members, self.table, whole=self.log_evidence, tolerance=tolerance)

    def frame(self) -> "pd.DataFrame":
        """Return `models` as a frame."""
        return frames.conform("models", self.models())

    def grid_rows(self) -> list[dict[str, float]]:
        """Return one row per prior width, with the columns of ``frames.GRID``."""
        return [
            {
                "scale": point.scale,
                "log_bf": point.log_bf.value,
                "error": point.log_bf.error,
                "probability": float(1 / (1 + np.exp(-point.log_bf.value))),
            }
            for point in self.grid
            if point.log_bf is not None
        ]


def compare(
    table: EffectTable,
    models: Sequence[Model] | Mapping[str, Model],
    *,
    prior_grid: Sequence[float] | None = None,
    family_prior: float = 0.5,
    tolerance: float = exact.TOLERANCE,
) -> Comparison:
    """Fit every model with the exact engine and compare them, over a grid of prior widths.

    Parameters
    ----------
    table : EffectTable
        Effects with their known covariance.
    models : sequence of Model, or mapping of str to Model
        The members; a sequence is named by mean function, and each may then occur once.
    prior_grid : sequence of float, optional
        Multipliers of the prior widths; default 0.25, 0.5, 1, 2, 4. The declared priors (1) are always included.
    family_prior : float
        Prior probability of the discontinuous side, split equally among its members.
    tolerance : float
        Numerical error accepted for each log evidence.

    Raises
    ------
    InputError
        If members have the same name, a multiplier is not positive, or a prior is improper.
    NumericalError
        If the tolerance is not reached.
    """
    members = _named(models, table.name)
    scales = sorted({1.0, *(GRID if prior_grid is None else prior_grid)})
    if scales[0] <= 0 or not np.isfinite(scales[-1]):
        raise bad(table.name, "prior_grid", f"{scales[0]:g} is not a multiplier", "Give positive numbers.")
    if not 0 < family_prior < 1:
        raise bad(table.name, "family_prior", f"{family_prior:g} is not between 0 and 1", "Give a probability.")
    for model in members.values():
        if not model.proper:
            raise exact.improper(model, table)
    fits = {name: exact.fit(model, table, tolerance=tolerance) for name, model in members.items()}
    grid = []
    for scale in scales:
        evidence = {name: _evidence(fits[name], model, scale, tolerance) for name, model in members.items()}
        grid.append(grid_point(scale, evidence, {n: m.family for n, m in members.items()}, family_prior))
    return Comparison(table, fits, family_prior, tuple(grid))


def _named(models: Sequence[Model] | Mapping[str, Model], where: str) -> dict[str, Model]:
    """Return the members by name."""
    if isinstance(models, Mapping):
        members = dict(models)
    else:
        members = {model.name: model for model in models}
        if len(members) < len(models):
            raise bad(where, "models", "two members have the same mean function", "Give a mapping of names to models.")
    if not members:
        raise bad(where, "models", "there is no model", "Give at least one.")
    return members


def _evidence(fit: Fit, model: Model, scale: float, tolerance: float) -> Number:
    """Return the log evidence of a model under priors `scale` times as wide."""
    wider = model.widened(scale)
    if fit.log_evidence is not None and wider.fingerprint == model.fingerprint:
        return fit.log_evidence
    return exact.log_evidence(wider, fit.table, tolerance=tolerance)


def grid_point(
    scale: float, evidence: Mapping[str, Number], sides: Mapping[str, str], family_prior: float
) -> GridPoint:
    """Return the comparison of the two sides from the log evidence of their members."""
    averages = {side: family_evidence([evidence[n] for n, s in sides.items() if s == side]) for side in SIDES}
    first, second = averages["discontinuous"], averages["continuous"]
    if first is None or second is None:
        return GridPoint(scale, evidence, None, None)
    log_bf = first - second
    odds = log_bf.value + np.log(family_prior / (1 - family_prior))
    return GridPoint(scale, evidence, log_bf, float(1 / (1 + np.exp(-odds))))


def family_evidence(members: Sequence[Number]) -> Number | None:
    """Return the log of the average evidence of equally weighted members; None without members."""
    if not members:
        return None
    values = np.array([member.value for member in members])
    top = values.max()
    shares = np.exp(values - top)
    errors = np.array([member.error for member in members])
    return Number(float(top + np.log(shares.mean())), float(shares @ errors / shares.sum()))


def prior_weights(sides: Mapping[str, str], family_prior: float) -> dict[str, float]:
    """Return prior probabilities of members: those of the sides split equally, one side taking all if alone."""
    counts = {side: sum(s == side for s in sides.values()) for side in SIDES}
    share = {"discontinuous": family_prior, "continuous": 1 - family_prior, "apart": 0.0}
    return {name: share[side] / max(counts.get(side, 1), 1) for name, side in sides.items()}


def posterior_probabilities(evidence: Mapping[str, Number], weights: Mapping[str, float]) -> dict[str, float]:
    """Return posterior probabilities from log evidence and (relative) prior weights."""
    top = max(evidence[name].value for name, weight in weights.items() if weight > 0)
    masses = {name: w * np.exp(evidence[name].value - top) if w > 0 else 0.0 for name, w in weights.items()}
    total = sum(masses.values())
    return {name: float(mass / total) for name, mass in masses.items()}


def _average(parts: Sequence[Marginal], weights: Array, level: float) -> tuple[float, float, float, float]:
    """Return mean, sd and interval of an average of distributions."""
    average = AverageMarginal(weights, parts)
    few = [part.compressed() for part in parts if isinstance(part, MixtureMarginal)]
    if len(few) < len(parts):
        lower, upper = average.quantile([(1 - level) / 2, (1 + level) / 2])
        return average.mean, average.sd, float(lower), float(upper)
    shares = np.concatenate([w * part.weights for w, part in zip(weights, few, strict=True)])
    means = np.concatenate([part.means for part in few])
    sds = np.concatenate([part.sds for part in few])
    low, high = band(shares, means[:, None], sds[:, None], level)
    return average.mean, average.sd, float(low[0]), float(high[0])
