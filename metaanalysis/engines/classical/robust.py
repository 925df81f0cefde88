"""Cluster-robust standard errors with the CR2 correction and Satterthwaite degrees of freedom.

With working covariance Φ (block-diagonal by study), weights W = Φ⁻¹ and M = (X′WX)⁻¹, CR2 multiplies the residuals of
study s by A_s = D_s′ (D_s B_s D_s′)^{+1/2} D_s, Φ_s = D_s′D_s, B_s = Φ_s − X_s M X_s′, so that the sandwich is unbiased
if Φ is right. Degrees of freedom match the first two moments of the variance estimator under Φ. Because W = Φ⁻¹, the
covariance of two studies' contributions has rank p, so everything is linear in the number of studies.

References
----------
Tipton (2015), Psychol Methods 20:375; Pustejovsky & Tipton (2018), J Bus Econ Stat 36:672, eqs 8 and 11;
Tipton & Pustejovsky (2015), J Educ Behav Stat 40:604 (the HTZ test).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from metaanalysis.errors import bad

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Robust:
    """Cluster-robust inference on coefficients.

    Attributes
    ----------
    kind : str
        CR1 or CR2.
    beta, se, df : (p,) arrays
        Coefficients, standard errors, Satterthwaite degrees of freedom (CR1: clusters − p).
    vcov : (p, p) array
        Covariance of the coefficients.
    own, shared : (S, p, p) arrays
        Under Φ the contributions of studies s and t to β̂ have covariance δ_st own_s − shared_s shared_t′.
    """

    kind: str
    beta: Array
    se: Array
    df: Array
    vcov: Array
    own: Array
    shared: Array

    def interval(self, level: float = 0.95) -> Array:
        """Return t intervals, (p, 2)."""
        half = special.stdtrit(self.df, 0.5 + level / 2) * self.se
        return np.stack([self.beta - half, self.beta + half], axis=1)

    def p_values(self) -> Array:
        """Return two-sided p-values, (p,)."""
        return np.asarray(2 * special.stdtr(self.df, -np.abs(self.beta / self.se)))

    def wald(self, rows: Sequence[int]) -> tuple[float, int, float, float]:
        """Test that several coefficients are zero by the approximate Hotelling T² test (HTZ).

        Parameters
        ----------
        rows : sequence of int
            Which coefficients.

        Returns
        -------
        F, df1, df2, p : float, int, float, float

        Raises
        ------
        InputError
            If the studies are too few for the test (denominator degrees of freedom not positive).
        """
        q, chosen = len(rows), list(rows)
        statistic = float(self.beta[chosen] @ np.linalg.solve(self.vcov[np.ix_(chosen, chosen)], self.beta[chosen]))
        eta = self._eta(chosen)
        if eta <= q - 1:
            raise bad("table", "study", f"too few studies for a joint test of {q} coefficients", "Test fewer at once.")
        f = (eta - q + 1) / (eta * q) * statistic
        return float(f), q, float(eta - q + 1), float(special.fdtrc(q, eta - q + 1, f))

    def _eta(self, rows: list[int]) -> float:
        """Match the total variance of the standardised sandwich to a Wishart's (Tipton & Pustejovsky eq. 16)."""
        own, shared = self.own[:, rows][:, :, rows], self.shared[:, rows]
        values, vectors = np.linalg.eigh(np.sum(own - shared @ shared.transpose(0, 2, 1), axis=0))
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        q = len(rows)
        return float(q * (q + 1) / _total_square(root @ own @ root, root @ shared))


def _total_square(own: Array, shared: Array) -> float:
    """Return Σ_st tr(C_st)² + tr(C_st C_st), C_st = δ_st own_s − shared_s shared_t′, without forming any C_st."""
    moment = np.einsum("sai,sbj->aibj", shared, shared)
    total = np.sum(moment**2) + np.sum(moment * moment.transpose(2, 1, 0, 3))
    product = shared @ shared.transpose(0, 2, 1)
    for blocks, sign in ((own - product, 1.0), (product, -1.0)):
        traces = np.einsum("saa->s", blocks)
        total += sign * (np.sum(traces**2) + np.sum(np.einsum("sab,sba->s", blocks, blocks)))
    return float(total)


def cluster_robust(
    residual: ArrayLike,
    design: ArrayLike,
    beta: ArrayLike,
    blocks: Sequence[Array],
    *,
    kind: Literal["CR1", "CR2"] = "CR2",
) -> Robust:
    """Return cluster-robust inference for a weighted least-squares fit with weights Φ⁻¹.

    Parameters
    ----------
    residual : (K,) array_like
        Residuals of the fit.
    design : (K, p) array_like
        Design matrix.
    beta : (p,) array_like
        Coefficients.
    blocks : sequence of (k_s, k_s) arrays
        Working covariance of each cluster, in row order.
    kind : {"CR1", "CR2"}
        CR1 multiplies by S/(S − p), as metafor's ``robust`` does.

    Raises
    ------
    InputError
        If there are no more clusters than coefficients, or the shapes differ.
    """
    e, x = np.asarray(residual, float), np.asarray(design, float)
    p, clusters = x.shape[1], len(blocks)
    starts = np.concatenate([[0], np.cumsum([len(block) for block in blocks])])
    if starts[-1] != len(e) or len(e) != len(x):
        raise bad("table", "", "residuals, design and blocks have different lengths", "Give one row for each effect.")
    if clusters <= p:
        problem = f"{clusters} studies cannot give robust errors of {p} coefficients"
        raise bad("table", "study", problem, "Add studies or drop moderators.")
    rows = [slice(int(a), int(b)) for a, b in pairwise(starts)]
    wx = [np.linalg.solve(block, x[r]) for block, r in zip(blocks, rows, strict=True)]
    bread = np.linalg.inv(np.sum([x[r].T @ w for r, w in zip(rows, wx, strict=True)], axis=0))
    half = np.linalg.cholesky(bread)
    scores, own, shared = np.empty((clusters, p)), np.empty((clusters, p, p)), np.empty((clusters, p, p))
    for s, (phi, r, w) in enumerate(zip(blocks, rows, wx, strict=True)):
        carrier = w @ bread if kind == "CR1" else _adjustment(phi, x[r], bread).T @ w @ bread
        scores[s] = carrier.T @ e[r]
        own[s] = carrier.T @ phi @ carrier
        shared[s] = carrier.T @ x[r] @ half
    factor = clusters / (clusters - p) if kind == "CR1" else 1.0
    vcov = factor * scores.T @ scores
    df = _satterthwaite(own, shared) if kind == "CR2" else np.full(p, float(clusters - p))
    return Robust(kind, np.asarray(beta, float), np.sqrt(np.diag(vcov)), df, vcov, own, shared)


def _adjustment(phi: Array, x: Array, bread: Array) -> Array:
    """Return A_s; directions in which the residual is identically zero are left out (pseudo-inverse)."""
    upper = np.linalg.cholesky(phi).T
    inner = upper @ (phi - x @ bread @ x.T) @ upper.T
    values, vectors = np.linalg.eigh(inner)
    keep = values > 1e-12 * np.linalg.norm(phi) ** 2
    root = np.where(keep, 1 / np.sqrt(np.where(keep, values, 1.0)), 0.0)
    return np.asarray(upper.T @ (vectors * root) @ vectors.T @ upper)


def _satterthwaite(own: Array, shared: Array) -> Array:
    """Return degrees of freedom of each coefficient's variance estimator: 2 E(V)²/var(V)."""
    df = []
    for j in range(own.shape[1]):
        mean = np.sum(own[:, j, j] - np.sum(shared[:, j] ** 2, axis=1))
        df.append(2 * mean**2 / _total_square(own[:, j : j + 1, j : j + 1], shared[:, j : j + 1]))
    return np.array(df)
