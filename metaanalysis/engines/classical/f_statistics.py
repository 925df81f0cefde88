"""Andrews' sup-F and its relatives for a change of coefficients at an unknown place, with Hansen's p-values.

References
----------
Andrews (1993), Econometrica 61:821; Andrews & Ploberger (1994), Econometrica 62:1383 (ave-F, exp-F); Hansen (1997),
J Bus Econ Stat 15:60 (response surfaces of the p-values; ``hansen1997.csv`` holds the published coefficients for up to
ten regressors: p = P(χ²_df > c₀ + c₁F + c₂F² + c₃F³) for each trimming τ).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from metaanalysis.engines.classical.threshold_regression import threshold_regression
from metaanalysis.errors import bad

Array = NDArray[np.float64]
MOST_REGRESSORS = 10
TAUS = 25


@dataclass(frozen=True, slots=True, eq=False)
class FStatistics:
    """F statistics along the candidates.

    Attributes
    ----------
    candidates, path : (C,) arrays
        Candidates and their F statistics (as χ², not divided by the number of coefficients).
    sup, ave, exp : float
        Largest; mean; logarithm of the mean of exp(F/2).
    p_sup, p_ave, p_exp : float
        Their asymptotic p-values, homoskedastic errors.
    """

    candidates: Array
    path: Array
    sup: float
    ave: float
    exp: float
    p_sup: float
    p_ave: float
    p_exp: float


def f_statistics(y: ArrayLike, x: ArrayLike, q: ArrayLike | None = None, *, trim: float = 0.15) -> FStatistics:
    """Test for a change of all coefficients at an unknown value of q.

    Parameters
    ----------
    y, x : (n,), (n, p) array_like
        Outcome and design matrix including the intercept; p at most 10.
    q : (n,) array_like, optional
        What the coefficients may change along; default the order of the rows.
    trim : float
        Share of rows required on each side, above 0.

    Raises
    ------
    InputError
        As for `threshold_regression`; more than ten regressors.
    """
    design = np.asarray(x, float)
    n, p = design.shape
    if p > MOST_REGRESSORS or trim <= 0:
        remedy = "Use sup_lm, whose p-value is a bootstrap."
        raise bad("x", "", f"no p-values are tabulated for {p} regressors and trimming {trim:g}", remedy)
    fit = threshold_regression(y, design, np.arange(n) if q is None else q, trim=trim)
    path = (fit.sse_linear - fit.profile) / (fit.profile / (n - 2 * p))
    top = float(path.max())
    sup, ave = top, float(path.mean())
    exp = top / 2 + float(np.log(np.mean(np.exp((path - top) / 2))))
    p_values = [hansen_p(name, value, p, trim) for name, value in (("sup", sup), ("ave", ave), ("exp", exp))]
    return FStatistics(fit.candidates, path, sup, ave, exp, *p_values)


def hansen_p(test: str, statistic: float, k: int, tau: float) -> float:
    """Return Hansen's (1997) approximate p-value of ``sup``, ``ave`` or ``exp`` F with k regressors, trimming tau."""
    surface = _surfaces()[test][k - 1]
    argument = np.maximum(surface[:, :4] @ statistic ** np.arange(4), 0.0)
    p = special.chdtrc(surface[:, 4], argument)
    place = (0.49 - tau) / 0.02
    if place < 0:
        return float((0.5 - tau) * 100 * p[0] + (tau - 0.49) * 100 * special.chdtrc(k, statistic))
    return float(np.interp(place, np.arange(TAUS), p))


@cache
def _surfaces() -> dict[str, Array]:
    """Return the coefficients (k, tau, 5) of each test."""
    text = files("metaanalysis.engines.classical").joinpath("hansen1997.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines()[1:]]
    return {
        test: np.array([row[3:] for row in rows if row[0] == test], float).reshape(MOST_REGRESSORS, TAUS, 5)
        for test in ("sup", "ave", "exp")
    }
