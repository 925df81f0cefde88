"""Log odds of a single share: levels, such as the tasks solved by one system."""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.derived import Route
from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure
from metaanalysis.studies.schema import Effect


def log_odds(x: ArrayLike, n: ArrayLike, *, add: float = 0.5) -> Estimates:
    """Return log odds ``ln(x / (n − x))`` with variance ``1/x + 1/(n − x)``.

    Parameters
    ----------
    x : (K,) array_like
        Events.
    n : (K,) array_like
        Trials.
    add : float
        Added to both cells where one is empty.

    Raises
    ------
    InputError
        If a count is negative or exceeds its trials, or a cell is empty and `add` is 0.

    References
    ----------
    Anscombe (1956), Biometrika 43(3/4), 461-464, doi:10.1093/biomet/43.3-4.461.
    """
    where = "log_odds"
    events, trials = arrays(where, x=x, n=n)
    require(where, "x", (events >= 0) & (events <= trials) & (trials > 0), "is not between 0 and its n", "Check it.")
    extra = add * ((events == 0) | (events == trials))
    one, two = events + extra, trials - events + extra
    require(where, "add", (one > 0) & (two > 0), "has an empty cell", "Give a positive correction.")
    return Estimates(np.log(one / two), 1 / one + 1 / two)


def routes(effect: Effect) -> tuple[Route, ...] | str:
    """Return the route from a count, or a share, and its number of trials, or why there is none.

    Parameters
    ----------
    effect : Effect
        The effect as printed.
    """
    printed = effect.printed
    n = printed.n
    if not n:
        return "the number of trials is not printed"
    if printed.count is not None:
        count, words = float(printed.count), f"log odds of {printed.count}/{n}"
    elif printed.scale in ("percent", "proportion") and printed.estimate is not None and printed.mean_reference is None:
        share = printed.estimate / (100 if printed.scale == "percent" else 1)
        count, words = share * n, f"log odds of the share {share:.4g} of {n}"
    else:
        return "neither a count nor a share is printed"
    if not 0 <= count <= n:
        return f"{count:g} of {n} is impossible"
    level = log_odds(count, n)
    flags = ("binomial_assumed", *(("one_half_added",) if count in (0, n) else ()))
    return (Route("count", "counts", float(level.yi[0]), sqrt(float(level.vi[0])), flags, words),)


MEASURE = Measure("log_odds", "log odds", compute=log_odds, routes=routes, back="logistic", code="PLO")
