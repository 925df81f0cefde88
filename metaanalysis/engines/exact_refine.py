"""Refinement of the quadrature, one direction at a time, until the log evidence no longer moves.

Heterogeneity, scales and thresholds are refined in turn, the others held at a moderate level, until twice the last
change is small enough. The moves are added up (the combination technique of sparse grids: Griebel, Schneider & Zenger
1992). What that leaves out is of the order of the product of two moves; a multiple of it is part of the stated error,
beside twice the last changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

from metaanalysis.errors import NumericalError

Point = Mapping[str, int]
MIXED = 4.0  # multiple of the products of moves that is counted as error
SAFETY = 2.0  # times the last change
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Refined:
    """The log evidence after refinement.

    Attributes
    ----------
    value, error : float
        Log evidence and bound on its numerical error.
    posterior : mapping of str to int
        Levels at which the posterior is good enough to be kept.
    posterior_error : float
        Bound on the error of the log evidence at those levels.
    last : mapping of str to int
        Levels that the refinement ended at.
    """

    value: float
    error: float
    posterior: dict[str, int]
    posterior_error: float
    last: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Path:
    """Refinement along one direction: first level, and values from there on."""

    first: int
    values: tuple[float, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.values) - 1

    @property
    def error(self) -> float:
        return SAFETY * abs(self.values[-1] - self.values[-2])

    @property
    def move(self) -> float:
        return self.values[-1] - self.values[0]

    def good_enough(self, tolerance: float) -> int:
        """Return the first level whose value differs from the last by less than the tolerance."""
        near = (k for k, value in enumerate(self.values) if abs(value - self.values[-1]) <= tolerance)
        return self.first + next(near)


def refine(
    total: Callable[[Point], float],
    finest: Mapping[str, int],
    *,
    start: Mapping[str, int],
    tolerance: float,
    posterior_tolerance: float,
    where: str,
    remedy: str,
) -> Refined:
    """Return the log evidence and the levels that it needs.

    Parameters
    ----------
    total : callable
        Log evidence at given levels of every direction.
    finest : mapping of str to int
        Directions to refine, with their finest levels.
    start : mapping of str to int
        Levels at which the other directions are held, raised if the moves are too large to be added up.
    tolerance : float
        Largest accepted error of the log evidence.
    posterior_tolerance : float
        Largest accepted error of the log evidence on the grid that is kept for the posterior.
    where, remedy : str
        Table and model, and what to do if the tolerance is not reached, for messages.

    Raises
    ------
    NumericalError
        If the tolerance is not reached.
    """
    start = dict(start)
    known: dict[tuple[int, ...], float] = {}

    def value(point: Point) -> float:
        key = tuple(point.values())
        if key not in known:
            known[key] = total(point)
        return known[key]

    if not finest:
        return Refined(total({}), ROUNDING, {}, ROUNDING, {})
    while True:
        share = 0.8 * tolerance / len(finest)
        paths = {name: _follow(value, start, name, finest[name], share, f"{where}: {{}}. {remedy}") for name in finest}
        mixed = MIXED * sum(abs(a.move * b.move) for a, b in combinations(paths.values(), 2))
        if mixed <= 0.2 * tolerance:
            break
        largest = max(paths, key=lambda name: abs(paths[name].move))
        start[largest] = min(start[largest] + 1, finest[largest] - 1)
        if all(start[name] == paths[name].last for name in paths):
            raise NumericalError(f"{where}: the directions of the quadrature cannot be separated. {remedy}")
    error = sum(path.error for path in paths.values()) + mixed + ROUNDING
    base = value(start)
    kept = {name: path.good_enough(posterior_tolerance) for name, path in paths.items()}
    left = sum(abs(path.values[kept[name] - path.first] - path.values[-1]) for name, path in paths.items())
    last = {name: path.last for name, path in paths.items()}
    return Refined(base + sum(path.move for path in paths.values()), error, kept, left + error, last)


def _follow(
    value: Callable[[Point], float], start: Point, name: str, finest: int, tolerance: float, message: str
) -> _Path:
    """Refine one direction until its error is below the tolerance."""
    values = [value(start)]
    change = float("inf")
    for level in range(start[name] + 1, finest + 1):
        values.append(value({**start, name: level}))
        change = abs(values[-1] - values[-2])
        if SAFETY * change <= tolerance:
            return _Path(start[name], tuple(values))
    problem = f"the quadrature over {name} still moves the log evidence by {change:.1g} at its finest level"
    raise NumericalError(message.format(problem))
