"""Log odds ratio: for success rates, from counts, shares, differences of shares, or a printed odds ratio.

Routes in order of preference, raw direction:

1. counts of both arms (Woolf 1955), with one half added to every cell where one is empty (Haldane, Anscombe 1956);
2. a printed odds ratio, or difference of log odds, with its standard error, interval or p-value;
3. both arms' shares with their sizes, as counts; or with their standard errors, by the delta method;
4. a difference of shares with the reference arm's share, by the delta method, the variance being shared between the
   arms as binomial variances of equal arms are: SE(d) / sqrt(p₁(1 − p₁) p₀(1 − p₀));
5. shares alone: an estimate without a standard error.

References
----------
Woolf (1955), Annals of Human Genetics 19(4), 251-253, doi:10.1111/j.1469-1809.1955.tb01348.x.
Anscombe (1956), Biometrika 43(3/4), 461-464, doi:10.1093/biomet/43.3-4.461.
"""

from math import hypot, log, log1p, sqrt

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.cells import corrected, from_events
from metaanalysis.effects.derived import Route
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.printed import Reading, printed_routes
from metaanalysis.studies.agreement import is_odds_ratio
from metaanalysis.studies.schema import Effect, Printed

PERCENT_UNITS = ("percentage point", "percent", "pp")


def log_odds_ratio(
    a: ArrayLike, n1: ArrayLike, c: ArrayLike, n2: ArrayLike, *, add: float = 0.5, to_all: bool = False
) -> Estimates:
    """Return log odds ratios of 2×2 tables with their large-sample variances.

    ``ln(ad / bc)`` with variance ``1/a + 1/b + 1/c + 1/d`` (Woolf 1955), where b = n1 − a and d = n2 − c.

    Parameters
    ----------
    a, c : (K,) array_like
        Successes in the treated and in the reference arm.
    n1, n2 : (K,) array_like
        Sizes of the arms.
    add : float
        Added to every cell of a table with an empty one.
    to_all : bool
        Add it to every table instead.

    Raises
    ------
    InputError
        If a count is negative or exceeds its size, or a cell is empty and `add` is 0.

    Examples
    --------
    >>> table = log_odds_ratio(4, 123, 11, 139)
    >>> round(float(table.yi[0]), 4), round(float(table.vi[0]), 4)
    (-0.9387, 0.3571)
    """
    where = "log_odds_ratio"
    cells = corrected(where, from_events(where, a, n1, c, n2), add=add, to_all=to_all)
    return Estimates(np.log(cells[0] * cells[3] / (cells[1] * cells[2])), (1 / cells).sum(axis=0))


def logit(share: float) -> float | None:
    """Return the log odds of a share, or None outside (0, 1)."""
    return log(share) - log1p(-share) if 0 < share < 1 else None


def share_unit(printed: Printed) -> float | None:
    """Return the size of a share of one on the printed scale: 1 for proportions, 100 for percent, else None."""
    if printed.scale == "proportion":
        return 1.0
    if printed.scale == "percent":
        return 100.0
    unit = (printed.unit or "").lower()
    return 100.0 if printed.scale == "difference" and unit.startswith(PERCENT_UNITS) else None


def routes(effect: Effect) -> tuple[Route, ...] | str:
    """Return the routes to the log odds ratio in order of preference, raw direction, or why there is none.

    Parameters
    ----------
    effect : Effect
        The effect as printed.
    """
    printed = effect.printed
    odds = Reading("odds_ratio", lambda v: log(v) if v > 0 else None, lambda v: 1 / v, "ln(odds ratio)")
    direct = printed_routes(printed, odds) if is_odds_ratio(printed) else ()
    found = (*_count_routes(printed), *direct, *_share_routes(printed), *_difference_routes(printed))
    last = [r for r in found if r.kind in ("bound", "point")]
    found = (*(r for r in found if r.kind not in ("bound", "point")), *last)
    if found:
        return found
    if printed.count is not None or (printed.estimate is not None and printed.mean_reference is None):
        return "a level or a difference without the reference arm's share has no odds ratio"
    return f"the scale '{printed.scale}' has no odds ratio here"


def _count_routes(printed: Printed) -> tuple[Route, ...]:
    """Return the route from both arms' counts."""
    a, c, n1, n2 = printed.count_treated, printed.count_reference, printed.n_treated, printed.n_reference
    if a is None or c is None or not n1 or not n2 or a > n1 or c > n2:
        return ()
    empty = ("one_half_added",) if 0 in (a, n1 - a, c, n2 - c) else ()
    table = log_odds_ratio(a, n1, c, n2)
    words = f"log odds ratio of {a}/{n1} to {c}/{n2}"
    return (Route("counts", "counts", float(table.yi[0]), float(table.se[0]), ("binomial_assumed", *empty), words),)


def _shares(printed: Printed) -> tuple[float, float, float] | None:
    """Return both arms' shares as proportions and the unit of the scale, or None where not printed."""
    unit = share_unit(printed)
    if unit is None and is_odds_ratio(printed):
        unit = 1.0
    base = printed.mean_reference
    if unit is None or base is None:
        return None
    if printed.mean_treated is not None:
        return printed.mean_treated / unit, base / unit, unit
    return ((base + printed.estimate) / unit, base / unit, unit) if printed.estimate is not None else None


def _share_routes(printed: Printed) -> tuple[Route, ...]:
    """Return the routes from both arms' shares, with sizes or with standard errors."""
    shares = _shares(printed)
    if shares is None or not (0 <= shares[0] <= 1 and 0 <= shares[1] <= 1):
        return ()
    p1, p0, unit = shares
    words = f"log odds ratio of the shares {p1:.4g} and {p0:.4g}"
    y1, y0 = logit(p1), logit(p0)
    found = []
    if y1 is not None and y0 is not None and printed.se_treated and printed.se_reference:
        errors = printed.se_treated / unit / (p1 * (1 - p1)), printed.se_reference / unit / (p0 * (1 - p0))
        se = hypot(*errors)
        how = f"{words}; both arms' standard errors by the delta method"
        found.append(Route("shares_se", "arms", y1 - y0, se, (), how))
    if printed.n_treated and printed.n_reference:
        n1, n2 = printed.n_treated, printed.n_reference
        empty = ("one_half_added",) if y1 is None or y0 is None else ()
        table = log_odds_ratio(p1 * n1, n1, p0 * n2, n2)
        flags = ("binomial_assumed", *empty)
        how = f"{words}; binomial with {n1} and {n2}"
        found.append(Route("shares", "counts", float(table.yi[0]), float(table.se[0]), flags, how))
    if y1 is not None and y0 is not None:
        found.append(Route("shares_estimate", "point", y1 - y0, None, (), words))
    return tuple(found)


def _difference_routes(printed: Printed) -> tuple[Route, ...]:
    """Return the routes from a difference of shares and the reference arm's share."""
    shares = _shares(printed)
    if shares is None or printed.scale == "ratio" or not (0 < shares[0] < 1 and 0 < shares[1] < 1):
        return ()
    p1, p0, unit = shares
    if printed.estimate is None or abs(p1 - p0 - printed.estimate / unit) > 0.02:
        return ()
    y1, y0 = logit(p1), logit(p0)
    assert y1 is not None
    assert y0 is not None
    difference = Reading(
        "share_difference",
        lambda v: y1 - y0,
        lambda v: 1 / unit / sqrt(p1 * (1 - p1)) / sqrt(p0 * (1 - p0)),
        f"log odds ratio of {p1:.4g} to {p0:.4g}",
        ends=False,
    )
    return printed_routes(printed, difference)


MEASURE = Measure("log_odds_ratio", "log odds ratio", compute=log_odds_ratio, routes=routes, back="exp", code="OR")
