"""Whether estimate, standard error, interval, p-value and arms' means agree with one another.

Every comparison allows for the rounding of the printed digits and is made under every reading a printed interval
can have: on its own scale, and on the log scale where the scale has one. Only what fits no reading is reported,
with the factor by which the nearest one is missed.
"""

from collections.abc import Iterator
from math import inf, log

from metaanalysis.studies.schema import Printed
from metaanalysis.studies.uncertainty import CONVENTIONAL, from_p, from_rounded_p, half_unit, quantile

FACTOR = 1.25
"""Standard errors within this factor agree."""

Disagreement = tuple[str, str, float]
"""Rule, problem in words, and the factor by which the nearest reading is missed."""

Span = tuple[float, float]
"""Smallest and largest standard error that printed digits allow."""


def disagreements(printed: Printed) -> Iterator[Disagreement]:
    """Yield the disagreements among one effect's printed numbers.

    Parameters
    ----------
    printed : Printed
        The numbers as printed.

    Yields
    ------
    (rule, problem, factor)
    """
    yield from _tests(printed)
    yield from _means(printed)
    yield from _curated(printed)


def is_odds_ratio(printed: Printed) -> bool:
    """Return whether a printed ratio is one of odds: its unit, or the kind printed beside it, says so."""
    kind = f"{printed.unit or ''} {printed.also.get('ratio_kind', '')}".lower()
    return printed.scale == "ratio" and "odds" in kind


def log_value(printed: Printed, value: float) -> float | None:
    """Return a printed value as log points, or None where its scale has none or the value is impossible."""
    base = printed.mean_reference
    match printed.scale:
        case "log_points":
            return value
        case "percent_change":
            ratio = 1 + value / 100
        case "ratio":
            ratio = value
        case "difference" if base is not None and base > 0:
            ratio = (base + value) / base
        case _:
            return None
    return log(ratio) if ratio > 0 else None


def _null(printed: Printed) -> float:
    """Return the value of no effect on the printed scale."""
    return 1.0 if printed.scale == "ratio" else 0.0


def _readings(printed: Printed) -> list[tuple[float, float, Span | None, Span | None]]:
    """Return, by reading: effect, half its rounding, and the spans of standard error and interval."""
    estimate = printed.estimate
    if estimate is None:
        return []
    own = (
        estimate - _null(printed),
        half_unit(estimate),
        _scaled(printed.se, 1.0),
        _width(printed, printed.lower, printed.upper, None),
    )
    y = log_value(printed, estimate)
    if y is None or printed.scale == "log_points":
        return [own]
    near = log_value(printed, estimate + half_unit(estimate))
    rounding = abs(near - y) if near is not None else 0.0
    step = 1e-6 * max(1.0, abs(estimate))
    ahead = log_value(printed, estimate + step)
    slope = abs(ahead - y) / step if ahead is not None else 0.0
    return [own, (y, rounding, _scaled(printed.se, slope), _width(printed, printed.lower, printed.upper, y))]


def _scaled(se: float | None, slope: float) -> Span | None:
    """Return the span of a printed standard error times a slope."""
    return None if se is None else (slope * max(se - half_unit(se), 0.0), slope * (se + half_unit(se)))


def _width(printed: Printed, low: float | None, high: float | None, y: float | None) -> Span | None:
    """Return the span of standard errors an interval allows, on its own scale or (`y` given) in log points."""
    if low is None or high is None or low >= high:
        return None
    inner, outer = (low + half_unit(low), high - half_unit(high)), (low - half_unit(low), high + half_unit(high))
    spans = []
    for a, b in (inner, outer):
        ends = (a, b) if y is None else (log_value(printed, a), log_value(printed, b))
        spans.append(inf if ends[0] is None or ends[1] is None else max(ends[1] - ends[0], 0.0))
    z = 2 * quantile(printed.level)
    return spans[0] / z, spans[1] / z


def _gap(a: Span, b: Span) -> float:
    """Return the factor between two spans, 1 where they meet."""
    (low_a, high_a), (low_b, high_b) = a, b
    if high_a < low_b:
        return low_b / high_a if high_a > 0 else inf
    if high_b < low_a:
        return low_a / high_b if high_b > 0 else inf
    return 1.0


def _p_span(printed: Printed, y: float, rounding: float) -> Span | None:
    """Return the span of standard errors that the printed p-value, or bound of it, allows."""
    if printed.p is not None and 0 < printed.p < 1:
        low, high = from_rounded_p(y, printed.p, slack=rounding)
        return (0.0, high) if printed.p in CONVENTIONAL else (low, high)
    if printed.p_below is not None:
        bound = from_p(abs(y) + rounding, printed.p_below)
        return None if bound is None else (0.0, bound)
    return None


def _tests(printed: Printed) -> Iterator[Disagreement]:
    """Compare standard error, interval and p-value, two by two."""
    readings = _readings(printed)
    interval_se = [_gap(se, width) for _, _, se, width in readings if se and width]
    se_p, interval_p = [], []
    for y, rounding, se, width in readings:
        by_p = _p_span(printed, y, rounding)
        if by_p is not None and se is not None:
            se_p.append(_gap(se, by_p))
        if by_p is not None and width is not None:
            interval_p.append(_gap(width, by_p))
    p = f"p = {printed.p:g}" if printed.p is not None else f"p < {printed.p_below or 1:g}"
    interval = f"the {printed.level:g} % interval {printed.lower} to {printed.upper}"
    for rule, gaps, problem in (
        ("se_interval", interval_se, f"the standard error {printed.se} and {interval} differ"),
        ("se_p", se_p, f"the standard error {printed.se} and {p} differ"),
        ("interval_p", interval_p, f"{interval} and {p} differ"),
    ):
        if gaps and min(gaps) > FACTOR:
            yield rule, f"{problem} by a factor of {min(gaps):.3g}", min(gaps)


def _means(printed: Printed) -> Iterator[Disagreement]:
    """Compare the estimate with the ratio or difference of the arms' means."""
    treated, reference, estimate = printed.mean_treated, printed.mean_reference, printed.estimate
    if treated is None or reference is None or estimate is None or printed.scale in ("level", "none", "standardised"):
        return
    difference = treated - reference
    rounding = half_unit(treated) + half_unit(reference)
    effect = estimate - _null(printed)
    share = printed.scale in ("proportion", "percent")
    if share and abs(estimate - treated) <= half_unit(treated) + half_unit(estimate):
        return
    if abs(difference) > rounding and abs(effect) > half_unit(estimate) and difference * effect < 0:
        problem = f"the estimate {estimate:g} contradicts the means {treated:g} and {reference:g}"
        yield "sign_of_means", problem, 1.0
        return
    y = log_value(printed, estimate)
    if y is not None and treated > 0 and reference > 0 and not is_odds_ratio(printed):
        of_means = log(treated) - log(reference)
        gap = abs(y - of_means)
        allowed = 0.1 + 0.25 * abs(y) + half_unit(treated) / treated + half_unit(reference) / reference
        if gap > allowed:
            problem = f"the estimate is {y:.3f} in log points, the ratio of means {of_means:.3f}"
            yield "means_estimate", problem, 1.0


def _curated(printed: Printed) -> Iterator[Disagreement]:
    """Compare the curator's own log ratio and standard error with what is printed."""
    y = log_value(printed, printed.estimate) if printed.estimate is not None else None
    if y is None:
        return
    _, rounding, se, width = _readings(printed)[-1]
    if printed.log_estimate is not None and abs(printed.log_estimate - y) > 0.02 + 0.1 * abs(y) + rounding:
        problem = f"log_estimate {printed.log_estimate:g} is not the {y:.4f} that the estimate gives"
        yield "curated", problem, 1.0
    if printed.log_se is None:
        return
    own = (printed.log_se - half_unit(printed.log_se), printed.log_se + half_unit(printed.log_se))
    gaps = [_gap(own, span) for span in (se, width, _p_span(printed, y, rounding)) if span is not None]
    if gaps and min(gaps) > FACTOR:
        problem = f"log_se {printed.log_se:g} follows from none of the printed numbers"
        yield "curated", f"{problem}, nearest by a factor of {min(gaps):.3g}", min(gaps)
