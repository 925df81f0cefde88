"""Odds ratio expressed as a standardised mean difference."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.measures.log_odds_ratio import log_odds_ratio

DIVISORS = {"logistic": np.pi / np.sqrt(3), "normal": 1.65}


def odds_ratio_as_difference(
    a: ArrayLike,
    n1: ArrayLike,
    c: ArrayLike,
    n2: ArrayLike,
    *,
    trait: Literal["logistic", "normal"] = "logistic",
    add: float = 0.5,
) -> Estimates:
    """Return log odds ratios divided so that they estimate a standardised mean difference.

    The divisor is π / sqrt(3) for a logistic trait cut in two (Hasselblad & Hedges 1995) and 1.65 for a normal one
    (Cox & Snell 1989).

    Parameters
    ----------
    a, c : (K,) array_like
        Events in the treated and in the reference arm.
    n1, n2 : (K,) array_like
        Sizes of the arms.
    trait : {"logistic", "normal"}
        Distribution of the trait that was cut in two.
    add : float
        Added to every cell of a table with an empty one.

    Raises
    ------
    InputError
        If a count is negative or exceeds its size, or a cell is empty and `add` is 0.

    References
    ----------
    Hasselblad & Hedges (1995), Psychological Bulletin 117(1), 167-178, doi:10.1037/0033-2909.117.1.167.
    Cox & Snell (1989), Analysis of Binary Data, 2nd ed.
    """
    odds = log_odds_ratio(a, n1, c, n2, add=add)
    divisor = DIVISORS[trait]
    return Estimates(odds.yi / divisor, odds.vi / divisor**2)


MEASURE = Measure(
    "odds_ratio_as_difference",
    "odds ratio as standardised mean difference",
    compute=odds_ratio_as_difference,
    code="OR2DL, OR2DN",
)
