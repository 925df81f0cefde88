"""From a table, fits and a comparison to the tidy frames of `metaanalysis.frames`: rows, nothing drawn or worded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from metaanalysis.compare import Comparison
from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import Fit, observed_exposures
from metaanalysis.engines.marginals import mixture_quantiles
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]
Row = dict[str, Any]
Z = float(special.ndtri(0.975))
TRANSITION = 2 * np.log(9)
"""Logistic scale to the distance between 10 % and 90 % of the rise."""
POINTS = 81
ENDS = np.array([0.025, 0.975])


def effect_rows(table: EffectTable, comparison: Comparison) -> list[Row]:
    """Return the analysed effects with their model-averaged shrinkage estimates."""
    mean, lower, upper = shrunken(comparison)
    se = np.sqrt(table.v)
    text = {name: _column(table, name, "") for name in ("label", "domain", "design", "verification", "route", "flags")}
    number = {name: _column(table, name, np.nan) for name in ("x_low", "x_high", "vendor")}
    randomised = _column(table, "randomised", False)
    return [
        {
            "study": table.study[i],
            "label": str(text["label"][i]) or table.study[i],
            "effect": table.effect[i],
            "y": float(table.y[i]),
            "se": float(se[i]),
            "lower": float(table.y[i] - Z * se[i]),
            "upper": float(table.y[i] + Z * se[i]),
            "x": float(table.x[i]),
            "x_low": _finite(number["x_low"][i], float(table.x[i])),
            "x_high": _finite(number["x_high"][i], float(table.x[i])),
            "x0": None if np.isnan(table.x0[i]) else float(table.x0[i]),
            "domain": str(text["domain"][i]),
            "design": str(text["design"][i]),
            "randomised": bool(randomised[i]),
            "vendor": None if np.isnan(number["vendor"][i]) else bool(number["vendor"][i]),
            "verification": str(text["verification"][i]),
            "route": str(text["route"][i]),
            "flags": str(text["flags"][i]),
            "fitted": float(mean[i]),
            "fitted_lower": float(lower[i]),
            "fitted_upper": float(upper[i]),
        }
        for i in range(len(table))
    ]


def shrunken(comparison: Comparison) -> tuple[Array, Array, Array]:
    """Return mean and 95 % limits of each row's true effect, averaged over the members by their probability.

    Each member's posterior enters as a normal with its mean and standard deviation.
    """
    estimates = [fit.effects() for fit in comparison.fits.values()]
    weights = np.array([comparison.probabilities[name] for name in comparison.fits])
    means = np.array([e.mean for e in estimates]).T
    sds = np.array([e.sd for e in estimates]).T
    low, high = mixture_quantiles(weights, means.T, sds.T, ENDS)
    return means @ weights, low, high


def curve_rows(comparison: Comparison, grid: Array) -> list[Row]:
    """Return every member's curve against no AI, and the average over members."""
    rows = []
    curves = {name: fit.curve(grid) for name, fit in comparison.fits.items()}
    curves["average"] = comparison.curve(grid)
    for name, curve in curves.items():
        for x, mean, lower, upper in zip(curve.x, curve.mean, curve.lower, curve.upper, strict=True):
            rows.append(
                {"model": name, "x": float(x), "mean": float(mean), "lower": float(lower), "upper": float(upper)}
            )
    return rows


def threshold_rows(fits: Mapping[str, Fit]) -> list[Row]:
    """Return prior and posterior probability of the threshold by gap, for every member that has one."""
    return [{"model": name, **gap} for name, fit in fits.items() for gap in fit.threshold_gaps()]


def width_rows(fit: Fit | None) -> list[Row]:
    """Return posterior and prior density of the 10–90 % transition width per log10 score point."""
    if fit is None or "width" not in fit.parameters or fit.model.shapes["width"].fixed:
        return []
    low, high = fit.model.shapes["width"].support
    scale = np.logspace(np.log10(low), np.log10(high), POINTS)
    factor = scale * np.log(10)
    density = fit.marginal("width").density(scale) * factor
    prior = np.exp(fit.model.shapes["width"].log_density(scale)) * factor
    return [
        {"width": float(TRANSITION * w), "density": float(d), "prior": float(p)}
        for w, d, p in zip(scale, density, prior, strict=True)
    ]


def parameter_rows(fits: Mapping[str, Fit]) -> list[Row]:
    """Return posterior summaries of every free parameter of every member, beside its prior."""
    return list(_parameters(fits))


def _parameters(fits: Mapping[str, Fit]) -> Iterator[Row]:
    for name, fit in fits.items():
        for parameter in fit.parameters:
            prior: Prior | None = fit.model.priors.get(parameter)
            if prior is None or prior.fixed:
                continue
            marginal = fit.marginal(parameter)
            lower, median, upper = (float(q) for q in marginal.quantile(np.array([0.025, 0.5, 0.975])))
            before = prior.quantile(np.array([0.025, 0.975]))
            yield {
                "model": name,
                "parameter": parameter.removeprefix("tau_"),
                "mean": float(marginal.mean),
                "sd": float(marginal.sd),
                "median": median,
                "lower": lower,
                "upper": upper,
                "prior_lower": float(before[0]),
                "prior_upper": float(before[1]),
            }


def labels(table: EffectTable) -> dict[str, str]:
    """Return the display label of every study."""
    shown = _column(table, "label", "")
    return {study: str(label) or study for study, label in zip(table.study, shown, strict=True)}


def axis(table: EffectTable) -> Array:
    """Return a grid over the declared range with the observed exposures, and their right-hand limits, in it.

    A step is drawn where it is: the limits on both sides of an observed exposure are separate points.
    """
    low, high = table.exposure_range
    seen = observed_exposures(table)
    inside = seen[(seen > low) & (seen < high)]
    nudge = 1e-9 * (high - low)
    return np.unique(np.concatenate([np.linspace(low, high, POINTS), inside, inside + nudge]))


def _column(table: EffectTable, name: str, default: Any) -> Sequence[Any]:
    column = table.columns.get(name)
    return [default] * len(table) if column is None else list(column)


def _finite(value: float, default: float) -> float:
    return float(value) if np.isfinite(value) else default
