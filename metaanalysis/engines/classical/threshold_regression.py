"""Least squares with an unknown threshold, on individual-level data.

Rows are sorted by the threshold variable once. With the design made orthonormal and the outcome replaced by its linear
residual, running sums of cross-products give the residual sum of squares of every split in one pass, in chunks: a
million rows take seconds and memory does not grow with the number of candidates times coefficients squared.

References
----------
Hansen (2000), Econometrica 68:575 (confidence set by inverting the likelihood ratio, sections 3.4 and 5); Härdle &
Linton (1994), Handbook of Econometrics 4:2295 (bandwidth).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.engines.classical.threshold_profile import critical_value
from metaanalysis.errors import bad

Array = NDArray[np.float64]
Scale = Literal["none", "kernel", "hansen2000"]
CELLS = 2_000_000
"""Largest array of running cross-products held at once."""
RIDGE = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdFit:
    """A least-squares threshold regression: one coefficient vector at or below the threshold, one above.

    Attributes
    ----------
    threshold : float
        Estimate: the largest value of the threshold variable in the lower regime.
    sse, sse_linear : float
        Residual sums of squares with and without a threshold.
    low, high : (p,) arrays
        Coefficients of the two regimes.
    se_low, se_high : (p,) arrays
        Heteroskedasticity-robust (White) standard errors.
    n_low, n_high, n : int
        Rows of the two regimes, and of both.
    candidates, profile : (C,) arrays
        Candidate thresholds and their residual sums of squares.
    ends : (C,) array
        Next larger value of the threshold variable: the fit is the same for thresholds in [candidate, end).
    eta2 : mapping
        Ratio of variances that scales the likelihood ratio, by method.
    """

    threshold: float
    sse: float
    sse_linear: float
    low: Array
    high: Array
    se_low: Array
    se_high: Array
    n_low: int
    n_high: int
    n: int
    candidates: Array
    profile: Array
    ends: Array
    eta2: dict[str, float]

    def ratio(self, scale: Scale = "kernel") -> Array:
        """Return the likelihood ratio of each candidate against the estimate, (C,)."""
        return np.asarray(self.n * (self.profile - self.sse) / self.sse / self.eta2[scale])

    def confidence_set(self, level: float = 0.95, *, scale: Scale = "kernel") -> tuple[float, float]:
        """Return the smallest and largest candidate in Hansen's likelihood-ratio confidence set.

        Parameters
        ----------
        level : float
            Confidence level.
        scale : {"none", "kernel", "hansen2000"}
            Allow for heteroskedasticity: not at all; by kernel regression at the estimate with a plug-in bandwidth; the
            same with the bandwidth as in Hansen's published program, which lacks the power 1/5 and so depends on the
            unit of the threshold variable (and has the sign of the slope of the density reversed).
        """
        inside = self.candidates[self.ratio(scale) <= critical_value(level)]
        return float(inside.min()), float(inside.max())


def threshold_regression(y: ArrayLike, x: ArrayLike, q: ArrayLike, *, trim: float = 0.15) -> ThresholdFit:
    """Fit y = x′β₁ for q ≤ c and x′β₂ for q > c by least squares over c.

    Parameters
    ----------
    y : (n,) array_like
        Outcome.
    x : (n, p) array_like
        Design matrix including the intercept.
    q : (n,) array_like
        Threshold variable.
    trim : float
        Share of rows required in each regime, at least 0 and below a half; never fewer than p + 2 rows.

    Raises
    ------
    InputError
        If shapes differ, a value is not finite, the design is deficient, no split leaves enough rows, or the fit is
        perfect.
    """
    outcome, design, variable = sorted_by_threshold(y, x, q, trim)
    n, p = design.shape
    basis, _ = np.linalg.qr(design)
    linear = outcome - basis @ (basis.T @ outcome)
    need = max(p + 2, int(np.ceil(trim * n - 1e-9)))
    last = np.flatnonzero(variable[1:] != variable[:-1])
    splits = last[(last + 1 >= need) & (n - last - 1 >= need)]
    if splits.size == 0:
        raise bad("q", "", f"no split leaves {need} rows on each side", "Lower trim, or give more rows.")
    profile = linear @ linear - _gain(basis, linear, splits)
    best = int(np.argmin(profile))
    cut = int(splits[best]) + 1
    low, se_low = _white(design[:cut], outcome[:cut])
    high, se_high = _white(design[cut:], outcome[cut:])
    residual = np.concatenate([outcome[:cut] - design[:cut] @ low, outcome[cut:] - design[cut:] @ high])
    sse = float(residual @ residual)
    if not sse > 1e-20 * n * max(float(outcome @ outcome) / n, 1e-300):
        raise bad("y", "", "the threshold regression fits without error", "Check that the outcome is not a regressor.")
    profile[best] = sse
    return ThresholdFit(
        threshold=float(variable[cut - 1]),
        sse=sse,
        sse_linear=float(linear @ linear),
        low=low,
        high=high,
        se_low=se_low,
        se_high=se_high,
        n_low=cut,
        n_high=n - cut,
        n=n,
        candidates=variable[splits],
        profile=np.maximum(profile, sse),
        ends=variable[splits + 1],
        eta2=_eta2(variable, (design @ (high - low)) ** 2, residual, float(variable[cut - 1])),
    )


def sorted_by_threshold(y: ArrayLike, x: ArrayLike, q: ArrayLike, trim: float) -> tuple[Array, Array, Array]:
    """Return checked outcome, design and threshold variable, sorted by the last."""
    outcome, design, variable = np.asarray(y, float), np.asarray(x, float), np.asarray(q, float)
    if design.ndim != 2 or not (outcome.shape == variable.shape == (design.shape[0],)):
        raise bad("data", "", "y, x and q have different numbers of rows", "Give one row for each observation.")
    if not all(np.isfinite(values).all() for values in (outcome, design, variable)):
        raise bad("data", "", "a value is not a finite number", "Remove or complete the row.")
    if not 0 <= trim < 0.5:
        raise bad("trim", "", f"{trim:g} is impossible", "Give a share of at least 0 and below 0.5.")
    scale = np.maximum(np.sqrt((design**2).sum(axis=0)), 1e-300)
    if np.linalg.matrix_rank((design.T @ design) / np.outer(scale, scale), tol=1e-12) < design.shape[1]:
        raise bad("x", "", "the regressors are linearly dependent", "Drop one of them.")
    if variable.min() == variable.max():
        raise bad("q", "", "the threshold variable does not vary", "A threshold needs different values.")
    order = np.argsort(variable, kind="stable")
    return outcome[order], design[order], variable[order]


def _gain(basis: Array, residual: Array, splits: NDArray[np.intp]) -> Array:
    """Return by how much each split lowers the residual sum of squares, (C,).

    With an orthonormal design Q and residuals e orthogonal to it, both regimes together explain g′(G − G²)⁻¹g, where
    G = Q₁′Q₁ and g = Q₁′e are sums over the lower regime.
    """
    n, p = basis.shape
    gain = np.empty(splits.size)
    gram, cross = np.zeros((p, p)), np.zeros(p)
    step = max(1, CELLS // (p * p))
    for start in range(0, n, step):
        part, errors = basis[start : start + step], residual[start : start + step]
        grams = np.cumsum(part[:, :, None] * part[:, None, :], axis=0) + gram
        crosses = np.cumsum(part * errors[:, None], axis=0) + cross
        here = (splits >= start) & (splits < start + step)
        rows = splits[here] - start
        g = grams[rows]
        gain[here] = _quadratic(g - g @ g, crosses[rows])
        gram, cross = grams[-1], crosses[-1]
    return gain


def _quadratic(matrices: Array, vectors: Array) -> Array:
    """Return v′A⁻¹v for stacks.

    The ridge is far below the eigenvalues of any regime but stands in for a pseudo-inverse where a regressor does not
    vary within one: v is zero there to rounding.
    """
    solved = np.linalg.solve(matrices + RIDGE * np.eye(matrices.shape[-1]), vectors[..., None])[..., 0]
    return np.asarray(np.einsum("ci,ci->c", vectors, solved))


def _eta2(q: Array, shift: Array, residual: Array, threshold: float) -> dict[str, float]:
    """Return E((δ′x)²e² | q = c) / (σ² E((δ′x)² | q = c)) by kernel regression, for each choice of bandwidth.

    The bandwidth comes from a quadratic fit of (δ′x)² on q, as in Hansen (2000).
    """
    n = q.size
    spread = max(float(q.std()), 1e-300)
    u = (q - threshold) / spread
    powers = np.stack([np.ones(n), u, u**2], axis=1)
    found = {"none": 1.0, "kernel": 1.0, "hansen2000": 1.0}
    if np.unique(q).size < 4:
        return found
    beta = np.linalg.lstsq(powers, shift, rcond=None)[0]
    noise = float(np.sum((shift - powers @ beta) ** 2)) / (n - 3)
    pilot = 2.344 * n**-0.2
    inside = np.abs(u) <= pilot
    density = float(np.sum(1 - (u[inside] / pilot) ** 2)) * 0.75 / (pilot * n)
    slope = float(np.sum(u[inside] / pilot)) * 1.5 / (pilot**2 * n)
    curve, published = ((beta[2] + sign * beta[1] * slope / density) ** 2 for sign in (1, -1))
    variance = float(residual @ residual) / n
    for name, width in (
        ("kernel", (15 * noise / (4 * n * density * max(curve, 1e-300))) ** 0.2),
        ("hansen2000", noise / (4 * density * max(published, 1e-300)) * spread**4),
    ):
        weights = np.maximum(1 - (u / max(width, pilot / n)) ** 2, 0.0)
        bottom = float(weights @ shift)
        if bottom > 0:
            found[name] = max(float(weights @ (shift * residual**2)) / bottom / variance, 1e-300)
    return found


def _white(x: Array, y: Array) -> tuple[Array, Array]:
    """Return least-squares coefficients and White (HC0) standard errors."""
    bread = np.linalg.pinv(x.T @ x, hermitian=True)
    beta = bread @ (x.T @ y)
    weighted = x * (y - x @ beta)[:, None]
    return beta, np.sqrt(np.diag(bread @ (weighted.T @ weighted) @ bread))
