"""Routes that any measure has from an estimate with its standard error, interval or p-value.

A measure gives a `Reading`: how a number on the printed scale becomes a number on its own scale, and the slope of
that function. The routes follow from it, in order of preference:

1. the printed standard error, by the delta method (exact where the printed scale is the measure's own);
2. the interval with both ends transformed: the ends of a valid interval stay the ends of a valid interval under
   any monotone transformation, and for a logarithm the result is never narrower than the delta method's;
3. the interval by the delta method;
4. the two-sided p-value;
5. a bound of p, which bounds the standard error from above and is no standard error.
"""

from collections.abc import Callable
from dataclasses import dataclass

from metaanalysis.effects.derived import Route
from metaanalysis.studies.schema import Printed
from metaanalysis.studies.uncertainty import CONVENTIONAL, from_interval, from_p, from_rounded_p, half_unit

P_IMPRECISE = 1.5
"""A p-value whose rounding leaves standard errors a factor of this apart gives none."""

DELTA_CRUDE = 0.4
"""Relative standard error above which a first-order expansion of a logarithm is flagged."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How printed numbers are read on the scale of a measure.

    Attributes
    ----------
    scale : str
        Name of the printed scale, the beginning of each route's name.
    value : callable
        A printed number to the measure's scale; None where impossible (a percent change of -100 or less).
    slope : callable
        Derivative of `value` at the estimate, for the delta method.
    words : str
        The transformation in words.
    same : bool
        Whether the printed scale is the measure's own, so that nothing is approximated.
    ends : bool
        Whether the ends of an interval may be transformed one by one.
    flags : tuple of str
        Flags that every route by this reading carries.
    """

    scale: str
    value: Callable[[float], float | None]
    slope: Callable[[float], float]
    words: str
    same: bool = False
    ends: bool = True
    flags: tuple[str, ...] = ()


def printed_routes(printed: Printed, reading: Reading) -> tuple[Route, ...]:
    """Return all routes from estimate, standard error, interval and p-value, in order of preference.

    Parameters
    ----------
    printed : Printed
        The numbers as printed; the estimate must be there and `reading.value` of it defined.
    reading : Reading
        The scale.
    """
    estimate = printed.estimate
    y = reading.value(estimate) if estimate is not None else None
    if estimate is None or y is None:
        return ()
    slope = abs(reading.slope(estimate))
    found: list[Route] = []
    if printed.se is not None:
        how = "standard error as printed" if reading.same else "printed standard error by the delta method"
        found.append(_delta(reading, "se", "se", y, slope * printed.se, how))
    found += _interval_routes(printed, reading, y, slope)
    if printed.p is not None:
        found += _p_routes(reading, estimate, y, printed.p)
    if printed.p_below is not None and (bound := from_p(y, printed.p_below)) is not None:
        how = f"upper bound of the standard error from p < {printed.p_below:g}"
        found.append(Route(f"{reading.scale}_p_below", "bound", y, bound, (*reading.flags, "p_bound_only"), how))
    found.append(Route(f"{reading.scale}_estimate", "point", y, None, reading.flags, reading.words))
    return tuple(found)


def _delta(reading: Reading, suffix: str, kind: str, y: float, se: float, how: str) -> Route:
    """Return a route by the delta method, flagged where the expansion is crude."""
    crude = ("delta_crude",) if not reading.same and se > DELTA_CRUDE else ()
    name = f"{reading.scale}_{suffix}"
    words = f"{reading.words}; {how}"
    return Route(name, "se" if kind == "se" else "interval", y, se, (*reading.flags, *crude), words)


def _interval_routes(printed: Printed, reading: Reading, y: float, slope: float) -> list[Route]:
    """Return the readings of a printed interval: ends transformed, then delta method."""
    if printed.lower is None or printed.upper is None or printed.upper <= printed.lower:
        return []
    found = []
    low, high = reading.value(printed.lower), reading.value(printed.upper)
    if reading.ends and low is not None and high is not None:
        se = abs(from_interval(low, high, printed.level))
        how = f"{printed.level:g} % interval, both ends transformed"
        found.append(Route(f"{reading.scale}_interval", "interval", y, se, reading.flags, f"{reading.words}; {how}"))
    if not reading.same:
        se = slope * from_interval(printed.lower, printed.upper, printed.level)
        how = f"{printed.level:g} % interval by the delta method"
        found.append(_delta(reading, "interval_linear", "interval", y, se, how))
    return found


def _p_routes(reading: Reading, estimate: float, y: float, p: float) -> list[Route]:
    """Return the route from a two-sided p-value, flagged where the printed digits do not give one."""
    se = from_p(y, p)
    if se is None:
        return []
    smallest, largest = from_rounded_p(y, p, slack=slack(reading, estimate))
    imprecise = smallest == 0 or largest > P_IMPRECISE * smallest
    flags = (*reading.flags, *(("p_imprecise",) if imprecise else ()))
    flags = (*flags, "p_may_be_bound") if p in CONVENTIONAL else flags
    how = f"{reading.words}; standard error that reproduces p = {p:g}"
    return [Route(f"{reading.scale}_p", "p", y, se, flags, how)]


def slack(reading: Reading, estimate: float) -> float:
    """Return half a printed unit of the estimate on the measure's scale."""
    return abs(reading.slope(estimate)) * half_unit(estimate)
