"""The design matrix of a model on a table: contrasts b(x) - b(x0), and covariate columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.errors import bad
from metaanalysis.models.model import Covariate, Model
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What the linear part of a model is on a table, shape parameters left open.

    Attributes
    ----------
    names : tuple of str, length p
        Coefficients: those of the mean function, then those of the covariates.
    priors : tuple of Prior, length p
        Their priors.
    covariates : (K, p_c) array
        Covariate columns.
    """

    names: tuple[str, ...]
    priors: tuple[Prior, ...]
    covariates: Array


def design(model: Model, table: EffectTable) -> Design:
    """Return coefficient names, priors and covariate columns of `model` on `table`.

    Raises
    ------
    InputError
        If a covariate's column is missing or unusable.
    """
    blocks = [_covariate_columns(covariate, table) for covariate in model.covariates]
    names = [*model.coefficients, *(name for labels, _, _ in blocks for name in labels)]
    priors = [*model.coefficients.values(), *(prior for labels, _, prior in blocks for _ in labels)]
    columns = [values for _, values, _ in blocks] or [np.empty((len(table), 0))]
    return Design(tuple(names), tuple(priors), np.concatenate(columns, axis=1))


def contrast(model: Model, x: Array, x0: Array, shape: Mapping[str, Array]) -> Array:
    """Return the rows b(x) - b(x0), with b = 0 where `x0` is NaN (a reference arm without exposure).

    Parameters
    ----------
    model : Model
        The model.
    x, x0 : (K,) array
        Exposures.
    shape : mapping of str to (n,) array
        Shape parameters; empty for models without any.

    Returns
    -------
    (n, K, p) array
        One design matrix per shape; n is 1 for models without shape parameters.
    """
    columns = model.mean.columns
    rows = columns(x, shape, model.exposure_range)
    exposed = np.isfinite(x0)
    if exposed.any():
        rows[..., exposed, :] -= columns(x0[exposed], shape, model.exposure_range)
    return rows if rows.ndim == 3 else rows[None]


def _covariate_columns(covariate: Covariate, table: EffectTable) -> tuple[list[str], Array, Prior]:
    """Return names and columns of one covariate."""
    if covariate.kind == "se":
        return ["se"], np.sqrt(table.v)[:, None], covariate.prior
    if covariate.kind == "variance":
        return ["variance"], table.v[:, None].copy(), covariate.prior
    where = f"covariates.{covariate.column}"
    if covariate.column not in table.columns:
        known = ", ".join(sorted(table.columns)) or "none"
        raise bad(table.name, where, "the table has no such column", f"Columns: {known}.")
    values = np.asarray(table.columns[covariate.column])
    if covariate.kind == "numeric":
        return [covariate.column], _numeric(values, table, where)[:, None] - covariate.centre, covariate.prior
    labels = values.astype(str)
    levels, counts = np.unique(labels, return_counts=True)
    baseline = covariate.baseline if covariate.baseline is not None else str(levels[np.argmax(counts)])
    if baseline not in levels:
        raise bad(table.name, where, f"the baseline {baseline!r} does not occur", f"Values: {', '.join(levels)}.")
    others = [str(level) for level in levels if level != baseline]
    indicators = np.stack([labels == level for level in others], axis=1) if others else np.empty((len(labels), 0))
    return [f"{covariate.column}={level}" for level in others], indicators.astype(float), covariate.prior


def _numeric(values: NDArray[np.generic], table: EffectTable, where: str) -> Array:
    """Return a column as finite numbers."""
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError):
        raise bad(table.name, where, "the column is not numeric", 'Use kind = "categorical".') from None
    missing = np.flatnonzero(~np.isfinite(numbers))
    if missing.size:
        raise bad(table.name, where, f"row {missing[0] + 1} has no value", "Complete it or leave the row out.")
    return numbers
