"""Random-effects meta-regression with independent effects: estimators of the between-study variance.

The model is y ~ N(Xβ, diag(v) + τ²I). With W = diag(1/(v + τ²)) and P = W − WX(X′WX)⁻¹X′W every moment estimator
is a ratio of traces of P, and ML and REML solve a score equation in τ².

References
----------
Viechtbauer (2005), J Educ Behav Stat 30:261 (estimators and their errors); Viechtbauer (2007), Stat Med 26:37
(intervals for τ²); DerSimonian & Laird (1986), Control Clin Trials 7:177; Paule & Mandel (1982); Sidik & Jonkman
(2005), Appl Stat 54:367; Knapp & Hartung (2003), Stat Med 22:2693.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from metaanalysis.errors import NumericalError, bad

Array = NDArray[np.float64]
Method = Literal["EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM"]
UPPER = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Weighted least squares at one τ²; the projection P is never formed.

    Attributes
    ----------
    beta : (p,) array
        Coefficients.
    vcov : (p, p) array
        (X′WX)⁻¹.
    x : (k, p) array
        Design matrix.
    residual : (k,) array
        y − Xβ, so that Py = W(y − Xβ).
    q : float
        y′Py, the weighted residual sum of squares.
    weights : (k,) array
        1/(v + τ²).
    """

    beta: Array
    vcov: Array
    x: Array
    residual: Array
    q: float
    weights: Array

    def trace(self, a: Array | float = 1.0) -> float:
        """Return tr(PA) for diagonal A."""
        return float(np.sum(self.weights * a) - np.sum(self.vcov * self._gram(self.weights**2 * a)))

    def trace_square(self, a: Array | float = 1.0) -> float:
        """Return tr(PAPA) for diagonal A."""
        w = self.weights
        inner = self.vcov @ self._gram(w**2 * a)
        return float(np.sum((w * a) ** 2) - 2 * np.sum(self.vcov * self._gram(w**3 * a**2)) + np.sum(inner * inner.T))

    def _gram(self, weights: Array) -> Array:
        return np.asarray(self.x.T @ (weights[:, None] * self.x))


def weighted(y: Array, v: Array, x: Array, tau2: float) -> Weighted:
    """Return weighted least squares with weights 1/(v + τ²)."""
    w = 1 / (v + tau2)
    wx = w[:, None] * x
    vcov = np.linalg.inv(x.T @ wx)
    beta = vcov @ (wx.T @ y)
    residual = y - x @ beta
    return Weighted(beta, vcov, x, residual, float(w @ residual**2), w)


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """A fitted random-effects meta-regression.

    Attributes
    ----------
    method : str
        Estimator of τ².
    beta, se : (p,) arrays
        Coefficients and their standard errors (Knapp–Hartung if `knapp_hartung`).
    vcov : (p, p) array
        Their covariance.
    tau2, se_tau2 : float
        Between-study variance and its standard error.
    q, df : float
        Cochran's Q with weights 1/v, and its degrees of freedom.
    i2, h2 : float
        Share of the variance that is heterogeneity in percent; total over sampling variance.
    loglik : float
        Log likelihood (restricted for REML) at the estimate; NaN for moment estimators.
    knapp_hartung : bool
        Whether standard errors are Knapp–Hartung and intervals use t with `df` degrees of freedom.
    k : int
        Number of effects.
    """

    method: str
    beta: Array
    se: Array
    vcov: Array
    tau2: float
    se_tau2: float
    q: float
    df: int
    i2: float
    h2: float
    loglik: float
    knapp_hartung: bool
    k: int

    def interval(self, level: float = 0.95) -> Array:
        """Return confidence intervals of the coefficients, (p, 2)."""
        half = self._quantile(level) * self.se
        return np.stack([self.beta - half, self.beta + half], axis=1)

    def predict(self, x: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
        """Return the mean at design row `x` and the prediction interval of a new study's true effect."""
        row = np.asarray(x, float)
        mean = float(row @ self.beta)
        half = self._quantile(level) * float(np.sqrt(row @ self.vcov @ row + self.tau2))
        return mean, mean - half, mean + half

    def p_values(self) -> Array:
        """Return two-sided p-values of the coefficients, (p,)."""
        t = np.abs(self.beta / self.se)
        return np.asarray(2 * (special.stdtr(self.df, -t) if self.knapp_hartung else special.ndtr(-t)))

    def _quantile(self, level: float) -> float:
        p = 0.5 + level / 2
        return float(special.stdtrit(self.df, p) if self.knapp_hartung else special.ndtri(p))


def random_effects(
    y: ArrayLike,
    v: ArrayLike,
    x: ArrayLike | None = None,
    *,
    method: Method = "REML",
    knapp_hartung: bool = False,
) -> RandomEffects:
    """Fit a random-effects meta-regression with independent effects.

    Parameters
    ----------
    y, v : (k,) array_like
        Effects and sampling variances.
    x : (k, p) array_like, optional
        Design matrix including the intercept; default the intercept alone.
    method : str
        Estimator of τ²: EE (none, τ² = 0), DL, HE, HS, HSk, SJ, ML, REML, EB, PM, PMM (median-unbiased PM).
    knapp_hartung : bool
        Rescale standard errors by the weighted residual variance and use t quantiles.

    Raises
    ------
    InputError
        On an unknown method, a rank-deficient design, too few effects, or variances that are not positive.
    """
    effects, variances, design = checked(y, v, x)
    if method not in get_args(Method):
        raise bad("method", "", f"{method!r} is unknown", f"Use one of {', '.join(get_args(Method))}.")
    k, p = design.shape
    tau2 = _tau2(effects, variances, design, method)
    fit = weighted(effects, variances, design, tau2)
    base = weighted(effects, variances, design, 0.0)
    typical = (k - p) / base.trace()
    scale = fit.q / (k - p) if knapp_hartung else 1.0
    vcov = fit.vcov * scale
    return RandomEffects(
        method=method,
        beta=fit.beta,
        se=np.sqrt(np.diag(vcov)),
        vcov=vcov,
        tau2=tau2,
        se_tau2=_se_tau2(effects, variances, design, tau2, method),
        q=base.q,
        df=k - p,
        i2=float(100 * tau2 / (tau2 + typical)),
        h2=float(tau2 / typical + 1),
        loglik=log_likelihood(effects, variances, design, tau2, restricted=method == "REML")
        if method in ("ML", "REML", "EE")
        else float("nan"),
        knapp_hartung=knapp_hartung,
        k=k,
    )


def log_likelihood(y: Array, v: Array, x: Array, tau2: float, *, restricted: bool) -> float:
    """Return the profile log likelihood of τ², constants included; the restricted one carries ½ log|X′X|."""
    fit = weighted(y, v, x, tau2)
    k, p = x.shape
    value = -0.5 * (np.sum(np.log(v + tau2)) + fit.q)
    if restricted:
        value += -0.5 * (k - p) * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(fit.vcov)[1]
        value += 0.5 * np.linalg.slogdet(x.T @ x)[1]
    else:
        value += -0.5 * k * np.log(2 * np.pi)
    return float(value)


def q_profile(y: ArrayLike, v: ArrayLike, x: ArrayLike | None = None, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Q-profile confidence interval of τ² (Viechtbauer 2007), truncated at zero."""
    effects, variances, design = checked(y, v, x)
    df = design.shape[0] - design.shape[1]
    targets = [special.chdtri(df, (1 - level) / 2), special.chdtri(df, (1 + level) / 2)]
    low, high = (_solve_q(effects, variances, design, float(target)) for target in targets)
    return low, high


def profile_likelihood(
    y: ArrayLike,
    v: ArrayLike,
    x: ArrayLike | None = None,
    *,
    method: Literal["ML", "REML"] = "REML",
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the profile-likelihood confidence interval of τ² under ML or REML, truncated at zero."""
    effects, variances, design = checked(y, v, x)
    restricted = method == "REML"
    best = _tau2(effects, variances, design, method)
    floor = log_likelihood(effects, variances, design, best, restricted=restricted) - 0.5 * special.chdtri(1, 1 - level)

    def excess(tau2: float) -> float:
        return log_likelihood(effects, variances, design, tau2, restricted=restricted) - float(floor)

    low = 0.0 if excess(0.0) >= 0 else float(optimize.brentq(excess, 0.0, best, xtol=1e-12))
    return low, float(optimize.brentq(excess, best, _bracket(excess, max(best, variances.mean())), xtol=1e-10))


def _bracket(decreasing: Callable[[float], float], start: float) -> float:
    """Double `start` until the decreasing function is negative."""
    upper = start
    while decreasing(upper) > 0:
        upper *= 2
        if upper > UPPER * start:
            raise NumericalError("no upper bound for the between-study variance was found")
    return upper


def _solve_q(y: Array, v: Array, x: Array, target: float) -> float:
    """Solve Q(τ²) = target for τ² ≥ 0; zero if Q(0) is already below."""

    def excess(tau2: float) -> float:
        return weighted(y, v, x, tau2).q - target

    if excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, _bracket(excess, float(v.mean() + np.var(y))), xtol=1e-14, rtol=1e-14))


def _moment(y: Array, v: Array, x: Array, method: str) -> float:
    """Closed-form moment estimators, not truncated."""
    k, p = x.shape
    value: float
    if method == "HE":
        flat = weighted(y, np.ones(k), x, 0.0)
        return float((flat.q - flat.trace(v)) / (k - p))
    if method == "SJ":
        crude = float(np.var(y))
        return float(weighted(y, v / crude, x, 1.0).q / (k - p)) if crude > 0 else 0.0
    base = weighted(y, v, x, 0.0)
    total = float(base.weights.sum())
    if method == "DL":
        value = (base.q - (k - p)) / base.trace()
    elif method == "HS":
        value = (base.q - k) / total
    else:
        value = (base.q * k / (k - p) - k) / total
    return value


def _tau2(y: Array, v: Array, x: Array, method: str) -> float:
    """Return the estimate of τ², truncated at zero."""
    k, p = x.shape
    if method == "EE":
        return 0.0
    if method in ("DL", "HE", "HS", "HSk", "SJ"):
        return max(0.0, _moment(y, v, x, method))
    if method in ("PM", "EB"):
        return _solve_q(y, v, x, float(k - p))
    if method == "PMM":
        return _solve_q(y, v, x, float(special.chdtri(k - p, 0.5)))
    return _likelihood_tau2(y, v, x, restricted=method == "REML")


def _likelihood_tau2(y: Array, v: Array, x: Array, *, restricted: bool) -> float:
    """Maximise the (restricted) likelihood over τ² ≥ 0: scan for the best panel, then solve the score equation."""

    def score(tau2: float) -> float:
        fit = weighted(y, v, x, tau2)
        return float(np.sum((fit.weights * fit.residual) ** 2)) - (fit.trace() if restricted else fit.weights.sum())

    scale = float(np.average((y - np.median(y)) ** 2, weights=1 / v) + np.median(v))
    grid = np.concatenate([[0.0], scale * np.logspace(-8, 2, 61)])
    values = [log_likelihood(y, v, x, float(t), restricted=restricted) for t in grid]
    best = int(np.argmax(values))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    if low == 0.0 and score(low) <= 0:
        return 0.0
    if score(low) > 0 > score(high):
        return float(optimize.brentq(score, low, high, xtol=1e-15, rtol=1e-13))
    raise NumericalError("the likelihood of the between-study variance has no interior maximum on the scan")


def _se_tau2(y: Array, v: Array, x: Array, tau2: float, method: str) -> float:
    """Return the large-sample standard error of the estimate of τ² (Viechtbauer 2005)."""
    k, p = x.shape
    fit = weighted(y, v, x, tau2)
    if method == "EE":
        return float("nan")
    if method == "ML":
        return float(np.sqrt(2 / np.sum(fit.weights**2)))
    if method == "REML":
        return float(np.sqrt(2 / fit.trace_square()))
    if method in ("EB", "PM", "PMM"):
        return float(np.sqrt(2 * k**2 / (k - p)) / fit.weights.sum())
    if method in ("HE", "SJ"):
        crude = float(np.var(y))
        base = weighted(y, np.ones(k), x, 0.0) if method == "HE" else weighted(y, v / crude, x, 1.0)
        return float(np.sqrt(2 * base.trace_square(v + tau2)) / (k - p))
    base = weighted(y, v, x, 0.0)
    variance = 2 * (k - p) + 4 * tau2 * base.trace() + 2 * tau2**2 * base.trace_square()
    return float(np.sqrt(variance) / (base.trace() if method == "DL" else base.weights.sum()))


def checked(y: ArrayLike, v: ArrayLike, x: ArrayLike | None) -> tuple[Array, Array, Array]:
    """Return effects, variances and design (default the intercept) as checked arrays; see `random_effects`."""
    effects, variances = np.asarray(y, float), np.asarray(v, float)
    k = effects.size
    design = np.ones((k, 1)) if x is None else np.asarray(x, float)
    if design.ndim != 2 or design.shape[0] != k or variances.shape != (k,):
        raise bad("table", "", "y, v and the design have different lengths", "Give one row for each effect.")
    if not (np.isfinite(effects).all() and np.isfinite(variances).all() and np.isfinite(design).all()):
        raise bad("table", "", "a value is not a finite number", "Remove or complete the row.")
    if (variances <= 0).any():
        raise bad("table", "v", "a sampling variance is not positive", "Check that standard errors were squared.")
    if k <= design.shape[1]:
        problem = f"{k} effect(s) cannot estimate {design.shape[1]} coefficient(s) and a variance between studies"
        raise bad("table", "", problem, "Add studies or drop moderators.")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise bad("table", "x", "the moderators are linearly dependent or do not vary", "Drop one of them.")
    return effects, variances, design
