"""A model on a table with a likelihood, prepared for the PyMC engine: names, priors and constant arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.pymc_gaps import POSITION, Gaps, find_gaps
from metaanalysis.engines.pymc_likelihoods import Likelihood, Selection
from metaanalysis.models.design import design
from metaanalysis.models.model import Model
from metaanalysis.models.priors import Prior, uniform

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A model on a table.

    Attributes
    ----------
    model, table, likelihood : Model, EffectTable, Likelihood
        What is fitted to what, and how.
    coefficients : tuple of str
        Names of the coefficients of the curve and, after them, of the covariates.
    covariates : (K, p_c) array
        Covariate columns.
    priors : mapping of str to Prior
        Priors of all parameters of the likelihood, fixed ones included; of summed-out thresholds, only the position
        inside the gap where it matters.
    gaps : Gaps or None
        Gaps of the thresholds that are summed out.
    study, sample : (K,) array of int
        Study of each row, and sample within study of each row (numbered through the table).
    biased : (S,) array
        One for studies with the extra variance tau_bias.
    rotation : (K, K) array or None
        Orthogonal block-diagonal matrix that makes the sampling errors of each study uncorrelated; None if they are.
    variances : (K,) array
        Variances of the rotated sampling errors.
    """

    model: Model
    table: EffectTable
    likelihood: Likelihood
    coefficients: tuple[str, ...]
    covariates: Array
    priors: Mapping[str, Prior]
    gaps: Gaps | None
    study: NDArray[np.intp]
    sample: NDArray[np.intp]
    biased: Array
    rotation: Array | None
    variances: Array

    @property
    def free(self) -> dict[str, Prior]:
        """Priors of the parameters that are estimated."""
        return {name: prior for name, prior in self.priors.items() if not prior.fixed}

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters a user sees."""
        model = self.model
        return (*self.coefficients, *model.shapes, *model.heterogeneity.priors, *self.likelihood.priors)

    def absent(self, name: str) -> bool:
        """Return whether a heterogeneity parameter is not in the model or fixed at zero."""
        prior = self.priors.get(name)
        return prior is None or (prior.fixed and prior["value"] == 0.0)

    def rotate(self, rows: Array) -> Array:
        """Return rows (..., K) in the coordinates in which sampling errors are uncorrelated."""
        return rows if self.rotation is None else rows @ self.rotation

    def unrotate(self, rows: Array) -> Array:
        """Return rotated rows (..., K) in the original coordinates."""
        return rows if self.rotation is None else rows @ self.rotation.T


def prepare(model: Model, table: EffectTable, likelihood: Likelihood) -> Problem:
    """Return `model` on `table`, ready to be built."""
    plan = design(model, table)
    gaps = find_gaps(model, table)
    summed = gaps.names if gaps else ()
    priors = dict(zip(plan.names, plan.priors, strict=True))
    priors.update({name: prior for name, prior in model.shapes.items() if name not in summed})
    priors.update(model.heterogeneity.priors)
    priors.update(likelihood.priors)
    if gaps and gaps.moving:
        priors[POSITION] = uniform(0.0, 1.0, reason="Thresholds are spread by their own prior.")
    keys = list(zip(table.study, table.sample, strict=True))
    order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    rotation, variances = _rotation(table)
    return Problem(
        model=model,
        table=table,
        likelihood=likelihood,
        coefficients=plan.names,
        covariates=plan.covariates,
        priors=priors,
        gaps=gaps,
        study=table.study_index,
        sample=np.array([order[key] for key in keys]),
        biased=_biased(model, table),
        rotation=rotation,
        variances=variances,
    )


def _biased(model: Model, table: EffectTable) -> Array:
    """Return one for studies of the design classes with extra variance."""
    bias = model.heterogeneity.bias
    if bias is None:
        return np.zeros(len(table.blocks))
    values = np.asarray(table.columns[bias.column]).astype(str)[table.starts]
    return np.isin(values, bias.classes).astype(float)


def independent(table: EffectTable) -> bool:
    """Return whether all sampling errors are uncorrelated."""
    return all(np.count_nonzero(block) == len(block) for block in table.blocks)


def _rotation(table: EffectTable) -> tuple[Array | None, Array]:
    """Return the eigenvectors of the sampling covariance as one block-diagonal matrix, and the eigenvalues."""
    if independent(table):
        return None, table.v
    rotation, variances = np.zeros((len(table), len(table))), np.empty(len(table))
    for start, block in zip(table.starts, table.blocks, strict=True):
        part = slice(start, start + len(block))
        variances[part], rotation[part, part] = np.linalg.eigh(block)
    return rotation, variances


@dataclass(frozen=True, slots=True, eq=False)
class StudyMeans:
    """The estimates whose p-values decide on publication, one per study.

    Attributes
    ----------
    weights : (K, S) array
        Weights of the rows of each study, summing to one: inverse-covariance weights of the sampling errors.
    se : (S,) array
        Standard errors of the weighted means.
    interval : (S,) array of int
        Interval of the p-value: 0 below the first cutpoint.
    bounds : (C,) array
        Standard normal deviates at the cutpoints.
    """

    weights: Array
    se: Array
    interval: NDArray[np.intp]
    bounds: Array


def study_means(table: EffectTable, selection: Selection) -> StudyMeans:
    """Return the estimates on which selection works."""
    weights, se = np.zeros((len(table), len(table.blocks))), np.empty(len(table.blocks))
    for s, (start, block) in enumerate(zip(table.starts, table.blocks, strict=True)):
        raw = np.linalg.solve(block, np.ones(len(block)))
        weights[start : start + len(block), s] = raw / raw.sum()
        se[s] = raw.sum() ** -0.5
    z = table.y @ weights / se
    bounds = -ndtri(np.array(selection.cutpoints) / selection.sides)
    compared = z if selection.sides == 1 else np.abs(z)
    return StudyMeans(weights, se, (compared[:, None] < bounds).sum(axis=1), bounds)
