"""Cluster-robust standard errors with the CR2 correction and Satterthwaite degrees of freedom.

With working covariance Φ (block-diagonal by study), weights W = Φ⁻¹ and M = (X′WX)⁻¹, CR2 multiplies the residuals of
study s by A_s = D_s′ (D_s B_s D_s′)^{+1/2} D_s, Φ_s = D_s′D_s, B_s = Φ_s − X_s M X_s′, so that the sandwich is unbiased
if Φ is right. Degrees of freedom match the first two moments of the variance estimator under Φ.

References
----------
Tipton (2015), Psychol Methods 20:375; Pustejovsky & Tipton (2018), J Bus Econ Stat 36:672, eqs 8 and 11;
Tipton & Pustejovsky (2015), J Educ Behav Stat 40:604 (the HTZ test).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Robust:
    """Cluster-robust inference on coefficients.

    Attributes
    ----------
    kind : str
        CR1 or CR2.
    se, df : (p,) arrays
        Standard errors; Satterthwaite degrees of freedom (CR1: clusters − p).
    vcov : (p, p) array
    beta : (p,) array
    influence : (S, p, K) array
        Row s maps an outcome vector to study s's contribution: V = Σ (G_s e)(G_s e)′.
    covariance : (K, K) array
        Working covariance, for tests of several coefficients.
    """

    kind: str
    beta: Array
    se: Array
    df: Array
    vcov: Array
    influence: Array
    covariance: Array

    def interval(self, level: float = 0.95) -> Array:
        """Return t intervals, (p, 2)."""
        half = special.stdtrit(self.df, 0.5 + level / 2) * self.se
        return np.stack([self.beta - half, self.beta + half], axis=1)

    def p_values(self) -> Array:
        """Return two-sided p-values, (p,)."""
        return np.asarray(2 * special.stdtr(self.df, -np.abs(self.beta / self.se)))

    def wald(self, rows: Sequence[int]) -> tuple[float, int, float, float]:
        """Test that several coefficients are zero by the approximate Hotelling T² test (HTZ).

        Returns
        -------
        F, df1, df2, p : float, int, float, float
        """
        q = len(rows)
        chosen = self.vcov[np.ix_(rows, rows)]
        statistic = float(self.beta[list(rows)] @ np.linalg.solve(chosen, self.beta[list(rows)]))
        eta = self._eta(rows)
        f = (eta - q + 1) / (eta * q) * statistic
        return float(f), q, float(eta - q + 1), float(special.fdtrc(q, eta - q + 1, f))

    def _eta(self, rows: Sequence[int]) -> float:
        """Match the total variance of the standardised sandwich to a Wishart's (Tipton & Pustejovsky eq. 16)."""
        g = self.influence[:, list(rows), :]
        mean = np.einsum("sak,kl,sbl->ab", g, self.covariance, g)
        values, vectors = np.linalg.eigh(mean)
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        standard = np.einsum("ab,sbk->sak", root, g)
        inner = np.einsum("sak,kl,tbl->stab", standard, self.covariance, standard)
        total = np.sum(np.einsum("staa->st", inner) ** 2) + np.sum(np.einsum("stab,stba->st", inner, inner))
        q = len(rows)
        return float(q * (q + 1) / total)


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
    design : (K, p) array_like
    beta : (p,) array_like
    blocks : sequence of (k_s, k_s) arrays
        Working covariance of each cluster, in row order.
    kind : {"CR1", "CR2"}
        CR1 multiplies by S/(S − p), as metafor's ``robust`` does.
    """
    e, x = np.asarray(residual, float), np.asarray(design, float)
    k, p = x.shape
    starts = np.concatenate([[0], np.cumsum([len(block) for block in blocks])])
    weights = [np.linalg.inv(block) for block in blocks]
    wx = np.concatenate([w @ x[a:b] for w, a, b in zip(weights, starts[:-1], starts[1:], strict=True)])
    bread = np.linalg.inv(x.T @ wx)
    hat = x @ bread @ wx.T
    covariance = np.zeros((k, k))
    influence = np.zeros((len(blocks), p, k))
    for s, (phi, a, b) in enumerate(zip(blocks, starts[:-1], starts[1:], strict=True)):
        covariance[a:b, a:b] = phi
        adjust = _adjustment(phi, x[a:b], bread) if kind == "CR2" else np.eye(b - a)
        influence[s] = bread @ wx[a:b].T @ adjust @ (np.eye(k) - hat)[a:b]
    scores = np.einsum("spk,k->sp", influence, e)
    clusters = len(blocks)
    factor = clusters / (clusters - p) if kind == "CR1" else 1.0
    vcov = factor * scores.T @ scores
    df = _satterthwaite(influence, covariance) if kind == "CR2" else np.full(p, float(clusters - p))
    return Robust(kind, np.asarray(beta, float), np.sqrt(np.diag(vcov)), df, vcov, influence, covariance)


def _adjustment(phi: Array, x: Array, bread: Array) -> Array:
    """Return A_s; directions in which the residual is identically zero are left out (pseudo-inverse)."""
    upper = np.linalg.cholesky(phi).T
    inner = upper @ (phi - x @ bread @ x.T) @ upper.T
    values, vectors = np.linalg.eigh(inner)
    keep = values > 1e-10 * max(float(values.max()), 1e-300)
    root = np.where(keep, 1 / np.sqrt(np.where(keep, values, 1.0)), 0.0)
    return np.asarray(upper.T @ (vectors * root) @ vectors.T @ upper)


def _satterthwaite(influence: Array, covariance: Array) -> Array:
    """Return degrees of freedom of each coefficient's variance estimator."""
    df = []
    for j in range(influence.shape[1]):
        g = influence[:, j, :]
        inner = g @ covariance @ g.T
        df.append(np.trace(inner) ** 2 / np.sum(inner**2))
    return np.array(df)
