"""Errors in the exposure: Monte Carlo over the exposures that the coding allows, the exact engine inside.

An exposure drawn from its plausible range replaces the coded one; the evidence is the average over draws, because
which exposure is right does not depend on the effects. All members see the same draws, so that Bayes factors are more
exact than the evidence itself. The Monte Carlo standard error is stated with every number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines import exact
from metaanalysis.engines.engine import Fit
from metaanalysis.errors import bad
from metaanalysis.models.model import Model
from metaanalysis.number import Number

Array = NDArray[np.float64]
TOLERANCE = 1e-4
STEP = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class ExposureAverage:
    """Log evidence of every member at every draw of the exposures.

    Attributes
    ----------
    members : tuple of str
        Members (M).
    sides : tuple of str
        The side of the question that each is on.
    log_evidence : (M, D) array
        Log evidence at each of D draws.
    numerical_error : float
        Bound on the numerical error of each entry.
    """

    members: tuple[str, ...]
    sides: tuple[str, ...]
    log_evidence: Array
    numerical_error: float

    @property
    def averages(self) -> dict[str, Number]:
        """Log of the average evidence of each member, with its Monte Carlo and numerical error."""
        numbers = [log_average(row) for row in self.log_evidence]
        return {
            name: Number(number.value, number.error + self.numerical_error)
            for name, number in zip(self.members, numbers, strict=True)
        }

    @property
    def log_bf(self) -> Number | None:
        """Log Bayes factor, discontinuous against continuous members, equal weights within each side.

        The error is the Monte Carlo standard error (delta method, the draws being common to both sides) plus the
        numerical error; None if either side has no member.
        """
        top = self.log_evidence.max()
        scaled = np.exp(self.log_evidence - top)
        chosen = {side: np.array([own == side for own in self.sides]) for side in ("discontinuous", "continuous")}
        if not all(mask.any() for mask in chosen.values()):
            return None
        first, second = (scaled[mask].mean(axis=0) for mask in chosen.values())
        spread = first / first.mean() - second / second.mean()
        error = float(spread.std(ddof=1) / np.sqrt(spread.size)) if spread.size > 1 else np.inf
        return Number(float(np.log(first.mean() / second.mean())), error + 2 * self.numerical_error)


def log_average(values: Array) -> Number:
    """Return the log of the average of exp(values) with its Monte Carlo standard error."""
    top = float(values.max())
    scaled = np.exp(values - top)
    error = float(scaled.std(ddof=1) / scaled.mean() / np.sqrt(scaled.size)) if scaled.size > 1 else np.inf
    return Number(top + float(np.log(scaled.mean())), error)


def draw_exposures(table: EffectTable, draws: int, *, seed: int, step: float = STEP) -> list[EffectTable]:
    """Return the table with exposures drawn from their plausible ranges.

    Each exposure is equally likely to be any multiple of `step` between its lowest and highest plausible value. Rows
    of a study whose arm is coded the same share the draw: it is the same way of using the tool.

    Parameters
    ----------
    table : EffectTable
        With columns ``x_low`` and ``x_high`` (and ``x0_low``, ``x0_high`` where reference arms are exposed).
    draws : int
        Number of tables.
    seed : int
        Seed of the draws.
    step : float
        Grid of the exposures, in their unit.

    Raises
    ------
    InputError
        If the columns are missing or a range does not hold its exposure.
    """
    rng = np.random.default_rng(seed)
    arms = {"x": _arm(table, "x", table.x), "x0": _arm(table, "x0", table.x0)}
    tables = []
    for _ in range(draws):
        drawn = {}
        for name, (value, low, high, group) in arms.items():
            share = rng.random(int(group.max()) + 1)[group]
            count = np.floor((high - low) / step + 1e-9) + 1
            drawn[name] = np.where(high > low, np.minimum(low + np.floor(share * count) * step, high), value)
        tables.append(replace(table, x=drawn["x"], x0=drawn["x0"]))
    return tables


def _arm(table: EffectTable, name: str, value: Array) -> tuple[Array, Array, Array, NDArray[np.intp]]:
    """Return exposures of one arm, their plausible ranges, and groups of rows that share a draw."""
    low, high = (_range_column(table, f"{name}_{end}", value) for end in ("low", "high"))
    exposed = np.isfinite(value)
    wrong = np.flatnonzero(exposed & ~((low <= value + 1e-9) & (value <= high + 1e-9)))
    if wrong.size:
        row = int(wrong[0])
        raise bad(
            table.name,
            f"{name}_low",
            f"row {row + 1} ({table.effect[row]}) has {value[row]:g} outside its range {low[row]:g} to {high[row]:g}",
            "Correct the range.",
        )
    keys = [(study, *ends) for study, *ends in zip(table.study, value, low, high, strict=True)]
    order = {key: i for i, key in enumerate(dict.fromkeys(map(repr, keys)))}
    return value, low, high, np.array([order[repr(key)] for key in keys], dtype=np.intp)


def _range_column(table: EffectTable, name: str, value: Array) -> Array:
    """Return one end of the plausible ranges; needed only where an arm is exposed."""
    if name in table.columns:
        return np.asarray(table.columns[name], float)
    if not np.isfinite(value).any():
        return value
    raise bad(
        table.name,
        name,
        "the table does not say how uncertain its exposures are",
        "Add the columns x_low and x_high (x0_low and x0_high for exposed reference arms).",
    )


def average_over_exposures(
    models: Mapping[str, Model],
    table: EffectTable,
    *,
    draws: int = 100,
    seed: int,
    step: float = STEP,
    tolerance: float = TOLERANCE,
) -> ExposureAverage:
    """Return the evidence of every member averaged over the plausible exposures.

    Parameters
    ----------
    models : mapping of str to Model
        Members.
    table : EffectTable
        With the columns that `draw_exposures` needs.
    draws, seed : int
        Number and seed of the draws.
    step : float
        Grid of the exposures.
    tolerance : float
        Numerical error accepted for each log evidence; far below the Monte Carlo error by default.

    Raises
    ------
    InputError, UnsupportedError, NumericalError
        As `draw_exposures` and `exact.log_evidence` do.
    """
    tables = draw_exposures(table, draws, seed=seed, step=step)
    numbers = [
        [exact.log_evidence(model, drawn, tolerance=tolerance, allow_unidentified=True) for drawn in tables]
        for model in models.values()
    ]
    values = np.array([[number.value for number in row] for row in numbers])
    error = max(number.error for row in numbers for number in row)
    return ExposureAverage(tuple(models), tuple(m.family for m in models.values()), values, error)


def expectation(
    model: Model,
    table: EffectTable,
    quantity: Callable[[Fit], float],
    *,
    draws: int = 100,
    seed: int,
    step: float = STEP,
    tolerance: float = TOLERANCE,
) -> Number:
    """Return a posterior expectation averaged over the plausible exposures, with its Monte Carlo error.

    Draws count in proportion to their evidence.

    Parameters
    ----------
    model, table : Model, EffectTable
        What is fitted to what.
    quantity : callable
        Fit to a posterior expectation, such as the mean of the jump or a probability.
    draws, seed, step, tolerance
        As in `average_over_exposures`.
    """
    fits = [
        exact.fit(model, drawn, tolerance=tolerance, allow_unidentified=True)
        for drawn in draw_exposures(table, draws, seed=seed, step=step)
    ]
    evidence = np.array([fit.log_evidence.value if fit.log_evidence else np.nan for fit in fits])
    if np.isnan(evidence).any():
        raise exact.improper(model, table)
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    values = np.array([quantity(fit) for fit in fits])
    mean = float(weights @ values)
    return Number(mean, float(np.sqrt((weights**2) @ (values - mean) ** 2)))
