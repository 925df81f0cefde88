"""From Bayes factors to words: fixed evidence bands, and the one place where a conclusion is worded.

The bands are Jeffreys' (1961, appendix B) in the wording of Lee and Wagenmakers (2013). Three rules keep the words
from saying more than the numbers:

1. a Bayes factor within its numerical error of a boundary falls into the weaker band;
2. the weakest band reached anywhere on the declared grid of prior scales decides, and if the grid reaches both
   directions the verdict is that the evidence does not tell;
3. whether a change is *sharp* is a question apart from *where* it is: it is answered by the step against the
   logistic member and by how far the data narrowed the prior of the transition width, never by how precisely a
   threshold is located.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from metaanalysis.results import Value

Direction = Literal["discontinuous", "continuous", "neither"]
Sharpness = Literal["sharp", "gradual", "not identified"]


@dataclass(frozen=True, slots=True)
class Band:
    """One evidence band.

    Attributes
    ----------
    name : str
        Name of the band.
    low : float
        Smallest Bayes factor, in the favoured direction, that belongs to it.
    words : str
        The adjective the prose uses.
    """

    name: str
    low: float
    words: str


BANDS: Final = (
    Band("inconclusive", 1.0, "inconclusive"),
    Band("moderate", 3.0, "moderate"),
    Band("strong", 10.0, "strong"),
    Band("very strong", 30.0, "very strong"),
    Band("extreme", 100.0, "extreme"),
)
NARROWED: Final = 0.5
"""A transition width counts as informed by the data only if the log-length of its posterior interval is at most
this share of its prior's."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A Bayes factor in words.

    Attributes
    ----------
    band : Band
        The evidence band.
    direction : str
        The favoured family, or ``"neither"`` in the weakest band.
    """

    band: Band
    direction: Direction


def band(log_bf: float, *, error: float = 0.0) -> Band:
    """Return the band of a log Bayes factor, the weaker one where the numerical error spans a boundary.

    Parameters
    ----------
    log_bf : float
        Natural log of the Bayes factor; the sign is ignored.
    error : float
        Absolute numerical error of `log_bf`.

    Raises
    ------
    ValueError
        If the Bayes factor or its error is not a number: no words can be put on it.
    """
    if math.isnan(log_bf) or not error >= 0:
        raise ValueError(f"no evidence band for log Bayes factor {log_bf} with error {error}")
    size = max(abs(log_bf) - error, 0.0)
    # a Bayes factor printed as exactly 3 or 10 belongs to the band it opens, whatever log and exp round to
    return next(b for b in reversed(BANDS) if size >= math.log(b.low) - 1e-12)


def evidence(log_bf: float, *, error: float = 0.0) -> Evidence:
    """Return band and direction of the Bayes factor of the discontinuous against the continuous family."""
    found = band(log_bf, error=error)
    if found is BANDS[0]:
        return Evidence(found, "neither")
    return Evidence(found, "discontinuous" if log_bf > 0 else "continuous")


def weakest(found: Iterable[Evidence]) -> Evidence:
    """Return the weakest evidence of a grid; ``neither`` as soon as two points disagree in direction.

    Raises
    ------
    ValueError
        If the grid is empty.
    """
    grid = list(found)
    if not grid:
        raise ValueError("no evidence to weigh: the grid of prior scales is empty")
    if len({e.direction for e in grid}) > 1:
        return Evidence(BANDS[0], "neither")
    return min(grid, key=lambda e: e.band.low)


def sharpness(log_bf: float, ratio: float | None, *, error: float = 0.0) -> Sharpness:
    """Say whether the evidence tells an abrupt change from a gradual one.

    Parameters
    ----------
    log_bf : float
        Log Bayes factor of the step against the logistic member.
    ratio : float or None
        Log-length of the posterior interval of the transition width over that of its prior; None if it was not
        estimated, in which case nothing is identified.
    error : float
        Numerical error of `log_bf`.
    """
    if band(log_bf, error=error) is BANDS[0] or ratio is None or ratio > NARROWED:
        return "not identified"
    return "sharp" if log_bf > 0 else "gradual"


def width_ratio(numbers: Mapping[str, Value]) -> float | None:
    """Return the posterior-to-prior ratio of the log-lengths of the width's intervals, None if not estimated."""
    ends = [numbers.get(name) for name in ("width.lower", "width.upper", "width.prior.lower", "width.prior.upper")]
    values = [float(v) for v in ends if isinstance(v, int | float) and not isinstance(v, bool) and v > 0]
    if len(values) < len(ends) or values[3] <= values[2]:
        return None
    return math.log(values[1] / values[0]) / math.log(values[3] / values[2])


def odds(log_bf: float, sides: tuple[str, str] = ("a discontinuity", "a continuous curve")) -> str:
    """Return a Bayes factor as the odds a reader can check, e.g. ``2.3 to 1 for a continuous curve``.

    Parameters
    ----------
    log_bf : float
        Natural log of the Bayes factor.
    sides : (str, str)
        What a positive and what a negative value favours.
    """
    size = math.exp(min(abs(log_bf), 700.0))
    shown = f"{size:.0f}" if size >= 10 else f"{size:.1f}"
    if size >= 1000:
        shown = "more than 1000"
    if shown == "1.0":
        return "even"
    return f"{shown} to 1 for {sides[0] if log_bf > 0 else sides[1]}"


def odds_range(low: float, high: float) -> str:
    """Return a range of log Bayes factors as odds, e.g. ``between 1.1 and 1.7 to 1 for a continuous curve``."""
    ends = sorted((low, high), key=abs)
    nearer, further = odds(ends[0]), odds(ends[1])
    if "even" in (nearer, further) or (low > 0) != (high > 0):
        return nearer if nearer == further else f"from {odds(low)} to {odds(high)}"
    first = nearer.split(" to 1")[0]
    return nearer if nearer == further else f"between {first} and {further}"


def answer(found: Evidence | None) -> str:
    """Return the answer to the question in one plain sentence; None if no families were compared."""
    if found is None:
        return "This analysis compares no discontinuous with continuous curves and says nothing about a threshold."
    if found.direction == "neither":
        return "The evidence does not tell whether effects jump at a threshold of exposure or change continuously."
    side = (
        "a discontinuous jump in effects over a continuous curve"
        if found.direction == "discontinuous"
        else "a continuous curve over a discontinuous jump in effects"
    )
    return f"The evidence favours {side}; at its weakest prior setting it is {found.band.words}."


def about_sharpness(found: Sharpness | None) -> str:
    """Return what may be said about how sharp the change is, in one sentence; None if it was not tested."""
    if found is None:
        return "Whether a change is sharp was not tested."
    return {
        "sharp": "The data narrow the transition width and favour an abrupt change over a smooth transition.",
        "gradual": "The data narrow the transition width and favour a gradual transition over an abrupt change.",
        "not identified": (
            "Sharpness is not identified: these data cannot tell an abrupt change from a smooth transition, "
            "however precisely a threshold seems to be located."
        ),
    }[found]


def texts(numbers: Mapping[str, Value], grid: Iterable[tuple[float, float]]) -> dict[str, Value]:
    """Return the worded conclusion as numbers by name, all under ``verdict.``.

    Parameters
    ----------
    numbers : mapping
        Numbers of the analysis; `bf.discontinuous`, `bf.error`, `sharp.log_bf`, `sharp.error` and the interval
        ends of the width are read where present.
    grid : iterable of (log_bf, error)
        The log Bayes factor and its numerical error at every declared prior scale; empty if the analysis compared
        no families.
    """
    points = list(grid)
    over_grid = weakest(evidence(value, error=error) for value, error in points) if points else None
    declared = _positive(numbers.get("bf.discontinuous"))
    log_declared = None if declared is None else math.log(declared)
    at_declared = None if log_declared is None else evidence(log_declared, error=_log_error(numbers, declared))
    return {
        "verdict.band": over_grid.band.name if over_grid else "not tested",
        "verdict.direction": over_grid.direction if over_grid else "neither",
        "verdict.answer": answer(over_grid),
        "verdict.odds.low": odds(min(value for value, _ in points)) if points else None,
        "verdict.odds.high": odds(max(value for value, _ in points)) if points else None,
        "verdict.odds.range": odds_range(min(points)[0], max(points)[0]) if points else None,
        "verdict.declared.band": at_declared.band.name if at_declared else None,
        "verdict.declared.direction": at_declared.direction if at_declared else None,
        "verdict.odds.declared": None if log_declared is None else odds(log_declared),
        **_sharpness_texts(numbers),
    }


def over_variants(variants: Iterable[tuple[str, float, float]]) -> dict[str, Value]:
    """Count and name the sensitivity analyses whose evidence would be worded otherwise than the declared one.

    Parameters
    ----------
    variants : iterable of (name, log_bf, error)
        The declared analysis first, then its variants.
    """
    found = [(name, evidence(value, error=error)) for name, value, error in variants]
    changed = [name for name, other in found[1:] if other != found[0][1]]
    return {
        "verdict.variants": max(len(found) - 1, 0),
        "verdict.variants.changed": len(changed),
        "verdict.variants.names": "; ".join(changed) if changed else None,
    }


def _sharpness_texts(numbers: Mapping[str, Value]) -> dict[str, Value]:
    log_bf, ratio = numbers.get("sharp.log_bf"), width_ratio(numbers)
    found = shown = None
    if isinstance(log_bf, int | float) and not math.isnan(log_bf):
        found = sharpness(float(log_bf), ratio, error=_positive(numbers.get("sharp.error")) or 0.0)
        shown = odds(float(log_bf), ("the step", "the logistic curve"))
    return {
        "verdict.sharpness": found or "not tested",
        "verdict.sharpness.answer": about_sharpness(found),
        "verdict.sharpness.odds": shown,
        "verdict.sharpness.ratio": ratio,
        "verdict.sharpness.needed": NARROWED,
    }


def _positive(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _log_error(numbers: Mapping[str, Value], declared: float | None) -> float:
    error = _positive(numbers.get("bf.error"))
    return error / declared if error and declared else 0.0
