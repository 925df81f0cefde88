"""What the PyMC engine accepts, and why it refuses the rest."""

from collections.abc import Iterator

import numpy as np

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import Support
from metaanalysis.engines.exact_supports import supports as usable
from metaanalysis.engines.pymc_gaps import needs_gaps
from metaanalysis.engines.pymc_likelihoods import (
    Binomial,
    LatentExposure,
    Likelihood,
    Selection,
    StudentT,
    TwoGroups,
)
from metaanalysis.engines.pymc_means import FORMS
from metaanalysis.engines.pymc_problem import independent
from metaanalysis.models.model import Model
from metaanalysis.models.priors import Prior

ONE_EACH = "Keep one effect per sample and study, or use another likelihood."


def supports(model: Model, table: EffectTable, likelihood: Likelihood, *, allow_unidentified: bool = False) -> Support:
    """Return whether the PyMC engine can fit `model` to `table`, and if not why and what to do.

    Parameters
    ----------
    model : Model
        The model.
    table : EffectTable
        The table.
    likelihood : Likelihood
        What is assumed about effects, sampling errors and exposures.
    allow_unidentified : bool
        Accept parameters about which the data say nothing.
    """
    data = usable(model, table, allow_unidentified=allow_unidentified)
    if not data.ok:
        return data
    for check in (_shapes(model), _priors(likelihood), _likelihood(model, table, likelihood)):
        for refusal in check:
            return refusal
    return Support(True)


def _shapes(model: Model) -> Iterator[Support]:
    """Refuse free shape parameters that NUTS cannot sample and that are not summed out."""
    free = [shape for shape in model.mean.shapes if not model.shapes[shape.name].fixed]
    if not free:
        return
    if needs_gaps(model):
        others = [shape.name for shape in free if shape.kind != "threshold"]
        constant = model.mean.between_breaks == "constant"
        if others:
            reason = f"{model.name} jumps at its threshold and has the free parameter {others[0]} besides"
            yield Support(False, reason, f"Fix {others[0]} with a point prior.")
        if not constant and (model.name not in FORMS or len(free) > 1):
            yield Support(False, f"the jump of {model.name} cannot be summed over the gaps", "Use the exact engine.")
    elif model.name not in FORMS:
        names = ", ".join(shape.name for shape in free)
        reason = f"{model.name} has no PyTensor form in which {names} could be sampled"
        yield Support(False, reason, f"Fix {names} with point priors, or use the exact engine.")


def _priors(likelihood: Likelihood) -> Iterator[Support]:
    """Refuse priors that a parameter of the likelihood cannot have."""
    highest = {"share": 1.0}
    for name, prior in likelihood.priors.items():
        low, high = prior.support
        if not prior.proper or low < 0 or high > highest.get(name, np.inf):
            yield Support(False, f"{prior} cannot be the prior of {name}", "Use the default prior, for instance.")
        if name == "share" and prior.fixed and not 0 < prior["value"] < 1:
            yield Support(False, f"a share of {prior['value']:g} leaves one group only", "Use the normal likelihood.")
        if name == "nu" and prior.fixed and prior["value"] <= 0:
            yield Support(False, "degrees of freedom must be positive", "Give nu a value above zero.")
    if isinstance(likelihood, Binomial) and likelihood.baseline.family != "normal":
        yield Support(False, "the prior of the reference arms' log odds must be normal", "Give baseline a normal one.")


def _likelihood(model: Model, table: EffectTable, likelihood: Likelihood) -> Iterator[Support]:
    """Refuse what a likelihood cannot do with this model or table."""
    if isinstance(likelihood, StudentT) and _zero(model.heterogeneity.between):
        yield Support(False, "Student-t effects need between-study heterogeneity", "Give tau_between a prior.")
    if isinstance(likelihood, Selection):
        yield from _selection(likelihood)
    if isinstance(likelihood, Binomial):
        yield from _binomial(table, likelihood)
    if isinstance(likelihood, LatentExposure):
        yield from _latent(model, table, likelihood)
    if isinstance(likelihood, TwoGroups) and likelihood.level == "effect" and not independent(table):
        yield Support(False, "groups of effects need independent sampling errors", ONE_EACH)


def _zero(prior: Prior) -> bool:
    """Return whether a standard deviation is fixed at zero."""
    return prior.fixed and prior["value"] == 0.0


def _selection(likelihood: Selection) -> Iterator[Support]:
    """Refuse cutpoints that are not increasing probabilities, and weights that do not match them."""
    points = likelihood.cutpoints
    if not points or list(points) != sorted(set(points)) or not points[0] > 0 or not points[-1] < 1:
        yield Support(
            False, f"the cutpoints {points} are not increasing p-values between 0 and 1", "Write (0.025, 0.5)."
        )
    if isinstance(likelihood.weights, tuple) and len(likelihood.weights) != len(points):
        reason = f"{len(likelihood.weights)} weights do not match {len(points)} cutpoints"
        yield Support(False, reason, "Give one prior for each interval above the first cutpoint.")


def _binomial(table: EffectTable, likelihood: Binomial) -> Iterator[Support]:
    """Refuse tables that do not hold the success counts of two independent arms per row."""
    if table.measure != "log_odds_ratio":
        reason = f"a binomial likelihood gives log odds ratios and the table holds the measure {table.measure}"
        yield Support(False, reason, "Tabulate log_odds_ratio.")
    if not independent(table):
        yield Support(False, "a binomial likelihood needs rows with arms of their own", ONE_EACH)
    for name in likelihood.columns:
        if name not in table.columns:
            known = ", ".join(sorted(table.columns)) or "none"
            yield Support(False, f"the table has no column {name!r} for the binomial likelihood", f"Columns: {known}.")
            return
    a, n1, c, n2 = (np.asarray(table.columns[name], float) for name in likelihood.columns)
    for events, size in ((a, n1), (c, n2)):
        whole = (events == np.round(events)) & (size == np.round(size))
        wrong = np.flatnonzero(~(whole & (events >= 0) & (events <= size) & (size > 0)))
        if wrong.size:
            i = wrong[0]
            reason = f"{events[i]:g} successes of {size[i]:g} in {table.study[i]}/{table.effect[i]} cannot be counts"
            yield Support(False, reason, "Give whole numbers, with no more successes than trials.")


def _latent(model: Model, table: EffectTable, likelihood: LatentExposure) -> Iterator[Support]:
    """Refuse curves with a jump, and ranges that do not hold the exposure."""
    if model.mean.jump is not None or model.mean.between_breaks == "constant" or model.name not in FORMS:
        reason = f"{model.name} is not continuous in a latent exposure, or has no PyTensor form"
        yield Support(False, reason, "Use the exact engine's Monte Carlo over exposures.")
    low, high = model.exposure_range
    sides = (
        ("x", table.x, likelihood.low, likelihood.high),
        ("x0", table.x0, likelihood.reference_low, likelihood.reference_high),
    )
    for side, x, lowest, highest in sides:
        for name in (lowest, highest):
            if name not in table.columns:
                yield Support(False, f"the table has no column {name!r}", "Add the plausible range of exposures.")
                return
        lows, highs = (np.asarray(table.columns[name], float) for name in (lowest, highest))
        given = np.isfinite(x) & np.isfinite(lows) & np.isfinite(highs)
        wrong = np.flatnonzero(given & ~((low <= lows) & (lows <= x) & (x <= highs) & (highs <= high)))
        if wrong.size:
            i = wrong[0]
            reason = f"{side} = {x[i]:g} of {table.study[i]}/{table.effect[i]} is not within its plausible range"
            yield Support(False, reason, f"Correct {lowest} and {highest}, which must lie inside the exposure range.")
