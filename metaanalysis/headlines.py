"""The numbers of a report, by name: what its prose, tables and the README may say."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metaanalysis import framing
from metaanalysis.compare import Comparison
from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import Fit, Marginal, observed_exposures
from metaanalysis.engines.marginals import AverageMarginal
from metaanalysis.results import Value
from metaanalysis.studies.schema import Study

Numbers = dict[str, Value]
UPPER = 0.6
"""Exposures above this share of the scale count as its upper end."""


def headline_numbers(
    table: EffectTable,
    studies: Mapping[str, Study],
    comparison: Comparison,
    without: Mapping[str, Comparison],
    sensitivity: Sequence[Mapping[str, Any]],
) -> Numbers:
    """Return every number of an analysis by dotted name; those that a comparison lacks are left out."""
    numbers: Numbers = {"k.effects": len(table), "k.studies": len(table.studies)}
    if studies:
        numbers["dataset.studies"] = len(studies)
        numbers["dataset.effects"] = sum(len(study.effects) for study in studies.values())
    numbers |= _exposure(table)
    numbers |= _evidence(comparison)
    numbers |= _parameters(comparison)
    numbers |= _threshold(comparison)
    numbers |= _sharpness(comparison)
    numbers |= _omissions(without, framing.labels(table))
    numbers |= _variants(sensitivity)
    return numbers


def _exposure(table: EffectTable) -> Numbers:
    """Return where the data lie on the exposure axis."""
    low, high = table.exposure_range
    upper = low + UPPER * (high - low)
    top = int(np.argmax(table.x))
    above = {study for study, x in zip(table.study, table.x, strict=True) if x > upper}
    numbers: Numbers = {
        "x.min": float(observed_exposures(table)[0]),
        "x.max": float(observed_exposures(table)[-1]),
        "x.max.study": framing.labels(table)[table.study[top]],
        "upper.score": upper,
        "studies.upper": len(above),
        "contrasts.within": int(np.isfinite(table.x0).sum()),
    }
    if {"x_a", "x_b"} <= table.columns.keys():
        difference = np.abs(table.columns["x_a"].astype(float) - table.columns["x_b"].astype(float))
        if np.isfinite(difference).any():
            numbers["coders.difference"] = float(np.nanmean(difference))
    return numbers


def _evidence(comparison: Comparison) -> Numbers:
    """Return Bayes factors and probabilities with their range over the prior grid."""
    best = max(comparison.probabilities, key=lambda name: comparison.probabilities[name])
    errors = [n.error for point in comparison.grid for n in point.log_evidence.values()]
    numbers: Numbers = {
        "best.model": best,
        "best.probability": comparison.probabilities[best],
        "error.largest": max(errors),
    }
    points = [point for point in comparison.grid if point.log_bf is not None]
    if comparison.log_bf is not None and points:
        factors = [math.exp(point.log_bf.value) for point in points if point.log_bf is not None]
        chances = [float(point.probability) for point in points if point.probability is not None]
        factor = math.exp(comparison.log_bf.value)
        numbers |= {
            "bf.discontinuous": factor,
            "bf.error": factor * comparison.log_bf.error,
            "bf.low": min(factors),
            "bf.high": max(factors),
            "probability.discontinuous": comparison.declared.probability,
            "probability.low": min(chances),
            "probability.high": max(chances),
        }
    return numbers


def _parameters(comparison: Comparison) -> Numbers:
    """Return pooled effect, prediction, slope, jump and heterogeneity."""
    numbers: Numbers = {}
    fits = comparison.fits
    if "flat" in fits:
        flat = fits["flat"]
        middle = [float(np.median(comparison.table.x))]
        numbers |= _summary("pooled", flat.marginal("intercept"))
        numbers |= _summary("prediction", flat.predictive(middle)[0])
        numbers |= _heterogeneity(flat)
    if "linear" in fits:
        numbers |= _summary("slope", fits["linear"].marginal("slope"))
    jumps = {name: fit.jump for name, fit in fits.items() if fit.jump is not None}
    weights = np.array([comparison.probabilities[name] for name in jumps])
    if weights.sum() > 0:
        average = AverageMarginal(weights / weights.sum(), [jump for jump in jumps.values() if jump is not None])
        numbers |= _summary("jump", average)
        numbers["sign.jump.negative"] = float(average.probability_below(0.0))
    return numbers


def _heterogeneity(fit: Fit) -> Numbers:
    numbers: Numbers = {}
    for level in ("between", "within"):
        name = f"tau_{level}"
        if name in fit.parameters and not fit.model.priors[name].fixed:
            marginal = fit.marginal(name)
            lower, median, upper = (float(q) for q in marginal.quantile([0.025, 0.5, 0.975]))
            numbers |= {f"tau.{level}": median, f"tau.{level}.lower": lower, f"tau.{level}.upper": upper}
    return numbers


def _threshold(comparison: Comparison) -> Numbers:
    """Return the most probable gap and the mass beyond the data, averaged over the discontinuous members."""
    fits = {n: fit for n, fit in comparison.fits.items() if fit.jump is not None and fit.threshold_gaps()}
    weights = {name: comparison.probabilities[name] for name in fits}
    total = sum(weights.values())
    if total <= 0:
        return {}
    averaged: dict[tuple[float, float], list[float]] = {}
    beyond, beyond_prior = 0.0, 0.0
    for name, fit in fits.items():
        share = weights[name] / total
        for gap in fit.threshold_gaps():
            key = (float(gap["low"]), float(gap["high"]))
            both = averaged.setdefault(key, [0.0, 0.0])
            both[0] += share * float(gap["probability"])
            both[1] += share * float(gap["prior"])
            if gap["beyond"]:
                beyond += share * float(gap["probability"])
                beyond_prior += share * float(gap["prior"])
    best = max(averaged, key=lambda key: averaged[key][0])
    return {
        "threshold.gap.low": best[0],
        "threshold.gap.high": best[1],
        "threshold.gap.probability": averaged[best][0],
        "threshold.gap.prior": averaged[best][1],
        "threshold.beyond": beyond,
        "threshold.beyond.prior": beyond_prior,
    }


def _sharpness(comparison: Comparison) -> Numbers:
    """Return step against logistic, and the 10–90 % transition width beside its prior."""
    numbers: Numbers = {}
    if {"step", "logistic"} <= comparison.fits.keys():
        ratio = comparison.log_bayes_factor("step", "logistic")
        numbers |= {"sharp.log_bf": ratio.value, "sharp.bf": math.exp(ratio.value), "sharp.error": ratio.error}
    fit = comparison.fits.get("logistic")
    if fit is not None and not fit.model.shapes["width"].fixed:
        at = np.array([0.025, 0.5, 0.975])
        for prefix, quantile in (
            ("width", fit.marginal("width").quantile),
            ("width.prior", fit.model.shapes["width"].quantile),
        ):
            lower, median, upper = (float(framing.TRANSITION * q) for q in quantile(at))
            numbers |= {f"{prefix}.lower": lower, f"{prefix}.median": median, f"{prefix}.upper": upper}
        numbers["width.below.one"] = float(fit.marginal("width").probability_below(1 / framing.TRANSITION))
        numbers["width.below.one.prior"] = float(fit.model.shapes["width"].cdf(1 / framing.TRANSITION))
    return numbers


def _omissions(without: Mapping[str, Comparison], labels: Mapping[str, str]) -> Numbers:
    """Return the range of the Bayes factor over omissions of one study."""
    factors = {study: math.exp(c.log_bf.value) for study, c in without.items() if c.log_bf is not None}
    if not factors:
        return {}
    centre = float(np.median(list(factors.values())))
    furthest = max(factors, key=lambda study: abs(math.log(factors[study] / centre)))
    return {"loso.low": min(factors.values()), "loso.high": max(factors.values()), "loso.study": labels[furthest]}


def _variants(sensitivity: Sequence[Mapping[str, Any]]) -> Numbers:
    """Return the Bayes factors of the variants that the prose names."""
    numbers: Numbers = {}
    for row in sensitivity:
        for group, prefix in (("verification", "primary_only"), ("design", "randomised_only")):
            if row["group"] == group:
                numbers |= {f"{prefix}.bf": math.exp(row["log_bf"]), f"{prefix}.k": row["effects"]}
    return numbers


def _summary(prefix: str, marginal: Marginal) -> Numbers:
    lower, upper = (float(q) for q in marginal.quantile([0.025, 0.975]))
    return {f"{prefix}.mean": float(marginal.mean), f"{prefix}.lower": lower, f"{prefix}.upper": upper}
