"""Share of a single group."""

from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def proportion(x: ArrayLike, n: ArrayLike, *, add: float = 0.5) -> Estimates:
    """Return shares ``x / n`` with their variances ``p (1 − p) / n``.

    Parameters
    ----------
    x : (K,) array_like
        Events.
    n : (K,) array_like
        Trials.
    add : float
        Added to both cells for the variance (never for the estimate) where one is empty.

    Raises
    ------
    InputError
        If a count is negative or exceeds its trials, or a cell is empty and `add` is 0.
    """
    where = "proportion"
    events, trials = arrays(where, x=x, n=n)
    require(where, "x", (events >= 0) & (events <= trials) & (trials > 0), "is not between 0 and its n", "Check it.")
    extra = add * ((events == 0) | (events == trials))
    one, two = events + extra, trials - events + extra
    require(where, "add", (one > 0) & (two > 0), "has an empty cell", "Give a positive correction.")
    return Estimates(events / trials, one * two / (one + two) ** 3)


MEASURE = Measure("proportion", "share", compute=proportion, code="PR")
