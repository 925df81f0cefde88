r"""The conjugate kernel: everything Gaussian is integrated in closed form.

For given shape parameters and heterogeneity the effects are

.. math:: y = X \beta + Z u + v + e, \qquad \beta \sim N(m, B),\; u \sim N(0, T_b),\; v \sim N(0, \tau_w^2 I),\;
          e \sim N(0, S),

with one random effect per study and S block-diagonal by study. Each block is rotated once to its eigenvectors, so
that :math:`S_s + \tau_w^2 I` is diagonal for every :math:`\tau_w`; the study effect enters by Sherman–Morrison. With
z = (X, y - Xm), all that is needed is the cross-product

.. math:: G = \sum_s \Bigl[ z_s' W_s z_s - \frac{\tau_s^2}{1 + \tau_s^2 c_s}\, a_s a_s' \Bigr], \quad
          W_s = (D_s + \tau_w^2)^{-1},\; a_s = z_s' W_s 1,\; c_s = 1' W_s 1,

and one Cholesky factorisation of G with the prior precision of the coefficients added gives the marginal
likelihood and the posterior of the coefficients (Lindley & Smith 1972, J. R. Stat. Soc. B 34:1–41). The cost is linear
in the number of effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LOG_2PI = float(np.log(2 * np.pi))
SINGULAR = 1e-11
MOST_ELEMENTS = 4e6  # of any intermediate array


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The known covariance, rotated to its eigenvectors study by study.

    Attributes
    ----------
    variances : (K,) array
        Eigenvalues of the blocks.
    ones : (K,) array
        The vector of ones, rotated.
    starts : (S,) array
        First row of each study.
    rotations : tuple of ((m, k) index, (m, k, k) eigenvectors)
        Blocks larger than one, grouped by size.
    groups : tuple of ((m,) studies, (m, k) index)
        All studies, grouped by size.
    """

    variances: Array
    ones: Array
    starts: NDArray[np.intp]
    rotations: tuple[tuple[NDArray[np.intp], Array], ...]
    groups: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]


def spectrum(blocks: Sequence[Array], *, extra: Sequence[Array] | None = None) -> Spectrum:
    """Return the eigendecomposition of each block, `extra` added to it first.

    Parameters
    ----------
    blocks, extra : sequences of (k_s, k_s) arrays
        Covariance blocks, one per study.
    """
    sizes = np.array([len(block) for block in blocks])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    total = int(sizes.sum())
    variances, ones, rotations, groups = np.empty(total), np.ones(total), [], []
    for k in np.unique(sizes):
        members = np.flatnonzero(sizes == k)
        index = starts[members][:, None] + np.arange(k)
        groups.append((members, index))
        stacked = np.stack([blocks[s] for s in members.tolist()])
        if extra is not None:
            stacked = stacked + np.stack([extra[s] for s in members.tolist()])
        if k == 1:
            variances[index[:, 0]] = stacked[:, 0, 0]
            continue
        values, vectors = np.linalg.eigh(stacked)
        variances[index] = values
        ones[index] = vectors.sum(axis=1)
        rotations.append((index, vectors))
    return Spectrum(variances, ones, starts, tuple(rotations), tuple(groups))


def rotate(basis: Spectrum, columns: Array) -> Array:
    """Return `columns` (K, ...) in the eigenvectors of each block."""
    rotated = columns.copy()
    for index, vectors in basis.rotations:
        rotated[index] = np.einsum("mij,mi...->mj...", vectors, columns[index])
    return rotated


def unrotate(basis: Spectrum, columns: Array) -> Array:
    """Return `columns` (K, ...) back from the eigenvectors of each block."""
    original = columns.copy()
    for index, vectors in basis.rotations:
        original[index] = np.einsum("mij,mj...->mi...", vectors, columns[index])
    return original


def sandwich_diagonal(basis: Spectrum, blocks: Sequence[Array], inverse: Array) -> Array:
    """Return the diagonal (K,) of S W S for blocks S and W diagonal with entries `inverse` in the eigenvectors."""
    diagonal = np.concatenate([block.diagonal() for block in blocks]) ** 2 * inverse
    owner = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    for index, vectors in basis.rotations:
        known = np.stack([blocks[owner[rows[0]]] for rows in index])
        diagonal[index] = ((known @ vectors) ** 2 * inverse[index][:, None, :]).sum(axis=2)
    return diagonal


def study_sums(basis: Spectrum, weights: Array, columns: Array) -> Array:
    """Return the sums over each study of weights (W, K) times columns (K, m): (W, S, m)."""
    sums = np.empty((len(weights), len(basis.starts), columns.shape[1]))
    for members, index in basis.groups:
        if index.shape[1] == 1:
            sums[:, members] = weights[:, index] * columns[index[:, 0]]
        else:
            sums[:, members] = (weights[:, index].swapaxes(0, 1) @ columns[index]).swapaxes(0, 1)
    return sums


def packed_outer(z: Array) -> Array:
    """Return the lower triangle of z z' for ``z`` (..., q, n), packed row by row: (..., q(q+1)/2, n)."""
    *lead, q, n = z.shape
    packed = np.empty((*lead, q * (q + 1) // 2, n))
    for i in range(q):
        start = i * (i + 1) // 2
        np.multiply(z[..., i : i + 1, :], z[..., : i + 1, :], out=packed[..., start : start + i + 1, :])
    return packed


def cross_products(basis: Spectrum, z: Array, variance_within: Array, variance_between: Array) -> tuple[Array, Array]:
    """Return packed cross-products G and log determinants of the covariance for every pair of variances.

    Parameters
    ----------
    basis : Spectrum
        Rotated covariance.
    z : (K, q, n) array
        Rotated columns, the last one the residual, for n shapes.
    variance_within : (W,) array
        Within-study variances.
    variance_between : (B, S) array
        Between-study variances, which may differ between studies.

    Returns
    -------
    (W, B, q(q+1)/2, n) array, (W, B) array
    """
    k, q, n = z.shape
    size, studies, pairs = q * (q + 1) // 2, len(basis.starts), len(variance_between)
    products = packed_outer(z).reshape(k, size * n)
    columns = z.reshape(k, q * n)
    packed = np.empty((len(variance_within), pairs, size, n))
    log_det = np.empty((len(variance_within), pairs))
    step = max(1, int(MOST_ELEMENTS / (studies * (pairs + size * n) + k)))
    for start in range(0, len(variance_within), step):
        part = slice(start, start + step)
        weights = 1.0 / (basis.variances + variance_within[part, None])
        totals = study_sums(basis, weights * basis.ones, columns).reshape(-1, studies, q, n)
        precision = np.add.reduceat(weights * basis.ones**2, basis.starts, axis=1)
        inflation = 1.0 + variance_between * precision[:, None, :]
        removed = (variance_between / inflation) @ packed_outer(totals).reshape(-1, studies, size * n)
        np.subtract((weights @ products)[:, None], removed, out=packed[part].reshape(removed.shape))
        log_det[part] = np.log(inflation).sum(axis=2) - np.log(weights).sum(axis=1)[:, None]
    return packed, log_det


def factor(packed: Array, precision: Array) -> Array:
    """Return the packed Cholesky factor of G plus the prior precision; the input is overwritten.

    Parameters
    ----------
    packed : (..., q(q+1)/2, n) array
        Lower triangles; the last row belongs to the residual.
    precision : (q - 1,) array
        Prior precisions of the coefficients.

    Returns
    -------
    (..., q(q+1)/2, n) array
        The factor; NaN where the matrix is not positive definite. The last pivot is kept squared: it is the
        quadratic form of the residual.
    """
    q = len(precision) + 1
    at = [i * (i + 1) // 2 for i in range(q)]
    rows = [[packed[..., at[i] + j, :] for j in range(i + 1)] for i in range(q)]
    with np.errstate(invalid="ignore", divide="ignore"):
        for i in range(q):
            row = rows[i]
            for j in range(i):
                for m in range(j):
                    row[j] -= row[m] * rows[j][m]
                row[j] /= rows[j][j]
            smallest = SINGULAR * row[i] if i < q - 1 and precision[i] == 0 else -np.inf
            for m in range(i):
                row[i] -= row[m] ** 2
            if i < q - 1:
                row[i] += precision[i]
                row[i][row[i] <= smallest] = np.nan  # nothing but rounding is left: not identified
                np.sqrt(row[i], out=row[i])
    return packed


def log_likelihood(factored: Array, log_det: Array, precision: Array, effects: int) -> Array:
    """Return the log marginal likelihood given shape and variances.

    Improper priors (precision zero) contribute no constant.

    Parameters
    ----------
    factored : (W, B, q(q+1)/2, n) array
        Result of `factor`.
    log_det : (W, B) array
        Log determinants of the covariance.
    precision : (q - 1,) array
        Prior precisions.
    effects : int
        Number of effects K.

    Returns
    -------
    (W, B, n) array
    """
    p = len(precision)
    pivots = np.ones((*factored.shape[:2], factored.shape[3]))
    for i in range(p):
        pivots *= factored[:, :, i * (i + 3) // 2]
    proper = precision[precision > 0]
    constant = effects * LOG_2PI - np.log(proper).sum()
    return np.asarray(-0.5 * (factored[:, :, -1] + (constant + log_det)[..., None]) - np.log(pivots))


def coefficients(factored: Array) -> tuple[Array, Array]:
    """Return the posterior means (N, p) and covariances (N, p, p) of the deviations from the prior mean.

    Parameters
    ----------
    factored : (q(q+1)/2, N) array
        Result of `factor` at N nodes.
    """
    size, nodes = factored.shape
    q = round(float(np.sqrt(8 * size + 1) - 1) / 2)
    p = q - 1
    inverse = np.zeros((nodes, p, p))
    at = [i * (i + 1) // 2 for i in range(q)]
    for j in range(p):  # column j of the inverse of the factor by forward substitution
        inverse[:, j, j] = 1.0 / factored[at[j] + j]
        for i in range(j + 1, p):
            total = sum(factored[at[i] + m] * inverse[:, m, j] for m in range(j, i))
            inverse[:, i, j] = -total / factored[at[i] + i]
    projected = factored[at[p] : at[p] + p]
    mean = np.einsum("nij,in->nj", inverse, projected)
    return mean, inverse.swapaxes(1, 2) @ inverse
