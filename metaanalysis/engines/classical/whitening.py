"""A fitted null model in whitened coordinates, and the residuals that simulations under the null draw from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.components import maximise, problem
from metaanalysis.engines.classical.marginal import Level

Array = NDArray[np.float64]
FEW_STUDIES = 12
"""Below this many studies Rademacher signs give too few distinct draws; Webb's six points are used."""
WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))


@dataclass(frozen=True, slots=True, eq=False)
class Whitened:
    """The null model after whitening with its fitted marginal covariance.

    Attributes
    ----------
    rows, inverse : tuples of (m, k) and (m, k, k) arrays
        Table rows of equally large studies, and the inverse Cholesky factors of their covariance.
    basis : (K, p) array
        Orthonormal basis of the whitened null design.
    residual : (K,) array
        Whitened null residuals.
    spread : (K,) array
        The same, each study's multiplied by (I − H_s)^(−1/2): what the fit took out of them is put back.
    owner : (K,) array
        Study of each row.
    starts : (S,) array
        First row of each study.
    """

    rows: tuple[NDArray[np.intp], ...]
    inverse: tuple[Array, ...]
    basis: Array
    residual: Array
    spread: Array
    owner: NDArray[np.intp]
    starts: NDArray[np.intp]

    def whiten(self, columns: Array) -> Array:
        """Return L⁻¹ times columns (K, C), study by study."""
        return _apply(self.rows, self.inverse, columns)

    def off(self, columns: Array) -> Array:
        """Project whitened columns off the null design."""
        return np.asarray(columns - self.basis @ (self.basis.T @ columns))

    def wild(self, residual: Array, draws: int, rng: np.random.Generator) -> Array:
        """Return `draws` sets of residuals (K, draws): each study's times a random number of mean 0 and variance 1.

        Rademacher signs, or Webb's six points when there are fewer than `FEW_STUDIES` studies (Webb 2023).
        """
        size = (len(self.starts), draws)
        signs = rng.choice([-1.0, 1.0], size=size)
        if len(self.starts) < FEW_STUDIES:
            signs = signs * rng.choice(WEBB, size=size)
        return np.asarray(residual[:, None] * signs[self.owner])


def whitened(table: EffectTable, design: Array, *, levels: Sequence[Level]) -> Whitened:
    """Fit the null model by REML and whiten it; see `multilevel` for what is refused."""
    task = problem(table, design, levels=levels)
    components = maximise(task, len(levels))
    rows = tuple(part.rows for part in task.parts)
    inverse = tuple(np.linalg.inv(np.linalg.cholesky(part.marginal(components))) for part in task.parts)
    basis = np.linalg.qr(_apply(rows, inverse, design))[0] if design.shape[1] else design
    y = _apply(rows, inverse, table.y[:, None])[:, 0]
    residual = y - basis @ (basis.T @ y)
    return Whitened(
        rows, inverse, basis, residual, leverage_adjusted(rows, basis, residual), table.study_index, table.starts
    )


def _apply(rows: tuple[NDArray[np.intp], ...], matrices: tuple[Array, ...], columns: Array) -> Array:
    out = np.empty(columns.shape)
    for index, matrix in zip(rows, matrices, strict=True):
        out[index] = matrix @ columns[index]
    return out


def leverage_adjusted(rows: tuple[NDArray[np.intp], ...], basis: Array, residual: Array) -> Array:
    """Undo the shrinkage of the residuals by the fit; directions that the fit determines alone stay zero."""
    out = residual.copy()
    for index in rows:
        part = basis[index]
        values, vectors = np.linalg.eigh(np.eye(index.shape[1]) - part @ part.transpose(0, 2, 1))
        root = np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-8)), 0.0)
        rotated = vectors.transpose(0, 2, 1) @ residual[index][..., None]
        out[index] = (vectors @ (root[..., None] * rotated))[..., 0]
    return out
