"""What the exact engine accepts, and why it refuses the rest."""

from collections.abc import Iterator

import numpy as np

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import Support, observed_exposures
from metaanalysis.errors import InputError
from metaanalysis.models.design import design
from metaanalysis.models.model import Model

FIX_TAU = "Fix it in the model (for instance between = 0.2), or add studies."


def supports(model: Model, table: EffectTable, *, allow_unidentified: bool = False) -> Support:
    """Return whether the exact engine can fit `model` to `table`, and if not why and what to do.

    Parameters
    ----------
    model : Model
        The model.
    table : EffectTable
        The table.
    allow_unidentified : bool
        Accept parameters about which the data say nothing (their posterior is then their prior).
    """
    checks = [_numbers(table), _blocks(table), _exposures(model, table), _columns(model, table)]
    if not allow_unidentified:
        checks += [_heterogeneity(model, table), _variation(model, table), _thresholds(model, table)]
    for check in checks:
        for refusal in check:
            return refusal
    return Support(True)


def _numbers(table: EffectTable) -> Iterator[Support]:
    """Refuse estimates and variances that are not usable numbers."""
    for row, (y, v) in enumerate(zip(table.y, table.v, strict=True)):
        name = f"{table.study[row]}/{table.effect[row]}"
        if not np.isfinite(y):
            yield Support(False, f"the estimate of {name} is not a finite number", "Remove or complete the row.")
        if not v > 0 or not np.isfinite(v):
            yield Support(
                False,
                f"the sampling variance of {name} is {v:g}",
                "A sampling variance must be positive and finite: check the standard error.",
            )


def _blocks(table: EffectTable) -> Iterator[Support]:
    """Refuse covariance blocks that are not symmetric and positive definite."""
    for study, block in zip(table.studies, table.blocks, strict=True):
        symmetric = np.allclose(block, block.T, rtol=1e-10, atol=0)
        # A block whose smallest eigenvalue is lost in rounding is not usable either.
        if not symmetric or np.linalg.eigvalsh(block)[0] <= 1e-13 * block.diagonal().max():
            yield Support(
                False,
                f"the sampling covariance of {study} is not positive definite",
                "Lower the assumed correlation of its effects, or drop an effect that others imply.",
            )


def _exposures(model: Model, table: EffectTable) -> Iterator[Support]:
    """Refuse exposures that are missing or outside the range of the model."""
    low, high = model.exposure_range
    slack = 1e-9 * (high - low)
    for row, (x, x0) in enumerate(zip(table.x, table.x0, strict=True)):
        name = f"{table.study[row]}/{table.effect[row]}"
        if not np.isfinite(x):
            yield Support(False, f"{name} has no exposure", "Code its exposure or leave the row out.")
        for value in (x, x0):
            if np.isfinite(value) and not low - slack <= value <= high + slack:
                yield Support(
                    False,
                    f"the exposure {value:g} of {name} is outside the range {low:g} to {high:g}",
                    "Correct the exposure or the exposure_range of the model.",
                )


def _columns(model: Model, table: EffectTable) -> Iterator[Support]:
    """Refuse covariate and bias columns that are missing or unusable."""
    try:
        design(model, table)
    except InputError as error:
        yield Support(False, error.faults[0].problem + f" ({error.faults[0].field})", error.faults[0].remedy)
    bias = model.heterogeneity.bias
    if bias is None:
        return
    if bias.column not in table.columns:
        known = ", ".join(sorted(table.columns)) or "none"
        yield Support(False, f"the table has no column {bias.column!r} for the bias variance", f"Columns: {known}.")
        return
    values = np.asarray(table.columns[bias.column]).astype(str)
    if np.any(values != values[table.starts][table.study_index]):
        yield Support(False, f"{bias.column} varies within a study", "Use a column that is constant within studies.")
    if not np.isin(values, bias.classes).any():
        yield Support(False, f"no study has {bias.column} in {', '.join(bias.classes)}", "Correct the classes.")


def _heterogeneity(model: Model, table: EffectTable) -> Iterator[Support]:
    """Refuse heterogeneity that a single study, effect or sample cannot identify."""
    free = {name for name, prior in model.heterogeneity.priors.items() if not prior.fixed}
    if "tau_between" in free and len(table.blocks) < 2:
        yield Support(False, "one study cannot identify the between-study heterogeneity tau_between", FIX_TAU)
    if "tau_within" in free and len(table) < 2:
        yield Support(False, "one effect cannot identify the within-study heterogeneity tau_within", FIX_TAU)
    if "tau_sample" in free and len(set(zip(table.study, table.sample, strict=True))) == len(table.blocks):
        yield Support(False, "no study has more than one sample, so tau_sample is not identified", "Drop the level.")


def _variation(model: Model, table: EffectTable) -> Iterator[Support]:
    """Refuse a curve where every exposure is the same."""
    exposures = observed_exposures(table)
    if exposures.size < 2 and (len(model.coefficients) > 1 or model.shapes):
        yield Support(
            False,
            f"every exposure is {exposures[0]:g}, so {model.name} cannot be told from flat",
            "Use the flat model, or add studies with other exposures.",
        )


def _thresholds(model: Model, table: EffectTable) -> Iterator[Support]:
    """Refuse a threshold whose every possible position leaves all exposures on one side."""
    exposures = observed_exposures(table)
    for shape in model.mean.thresholds:
        low, high = model.shapes[shape.name].support
        if high < exposures[0] or low >= exposures[-1]:
            yield Support(
                False,
                f"all exposures ({exposures[0]:g} to {exposures[-1]:g}) lie on one side of every {shape.name} allowed",
                "Widen the prior of the threshold, or use a model without one.",
            )
