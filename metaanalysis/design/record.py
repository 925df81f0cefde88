"""The record of a calibration run: the design, what was found, and one p-value for everything that must hold."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from metaanalysis import __version__
from metaanalysis.design.calibration import DRAWS, Plan
from metaanalysis.design.uniformity import chi_square, ecdf_p_value, histogram, poisson_binomial
from metaanalysis.effects.table import EffectTable
from metaanalysis.engines import exact
from metaanalysis.models.model import Model, build_model

Array = NDArray[np.float64]
Results = Mapping[str, Mapping[str, Any]]
FAMILYWISE = 0.01
"""Probability that a right engine fails any test of a run; shared equally between the tests (Bonferroni)."""
EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Bins of the probability of a discontinuity."""
TINY = 1e-300
KEPT = 2
"""Tasks of each member whose values are kept in full, to be computed anew by a test."""


def design_mapping(table: EffectTable, models: Mapping[str, Model]) -> dict[str, Any]:
    """Return the design of a table as plain data: everything but the effects, with the columns that models use."""
    used = {c.column for m in models.values() for c in m.covariates if c.column}
    used |= {m.heterogeneity.bias.column for m in models.values() if m.heterogeneity.bias}
    return {
        "measure": table.measure,
        "study": list(table.study),
        "sample": list(table.sample),
        "x": table.x.tolist(),
        "x0": [value if np.isfinite(value) else None for value in table.x0.tolist()],
        "covariance": [block.tolist() for block in table.blocks],
        "exposure_range": list(table.exposure_range),
        "columns": {name: np.asarray(table.columns[name]).tolist() for name in sorted(used)},
    }


def design_table(mapping: Mapping[str, Any], *, name: str = "design") -> EffectTable:
    """Return the table that `design_mapping` described, every effect zero."""
    rows = len(mapping["study"])
    low, high = mapping["exposure_range"]
    return EffectTable(
        name=name,
        measure=mapping["measure"],
        study=tuple(mapping["study"]),
        sample=tuple(mapping["sample"]),
        effect=tuple(f"row {i + 1}" for i in range(rows)),
        y=np.zeros(rows),
        blocks=tuple(np.array(block) for block in mapping["covariance"]),
        x=np.array(mapping["x"], float),
        x0=np.array([np.nan if value is None else value for value in mapping["x0"]], float),
        exposure_range=(low, high),
        columns={key: np.array(values) for key, values in mapping["columns"].items()},
    )


def model_from_mapping(mapping: Mapping[str, Any]) -> Model:
    """Return the model that `Model.to_mapping` described."""
    low, high = mapping["exposure_range"]
    return build_model(
        mapping["mean"],
        exposure_range=(low, high),
        priors=mapping["priors"],
        heterogeneity=mapping["heterogeneity"],
        covariates=mapping["covariates"],
    )


def fingerprint(data: object) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def header(plan: Plan, *, analysis: str) -> dict[str, Any]:
    """Return what identifies a run: results of runs with equal headers belong together."""
    return {
        "analysis": analysis,
        "seed": plan.seed,
        "package": __version__,
        "engine": f"exact {exact.VERSION}",
        "tolerance": plan.tolerance,
        "compare_tolerance": plan.compare_tolerance,
        "family_prior": plan.family_prior,
        "draws": DRAWS,
        "design": fingerprint(design_mapping(plan.table, plan.models)),
        "models": {name: model.fingerprint for name, model in plan.models.items()},
    }


def build_record(plan: Plan, results: Results, *, analysis: str, simulations: int) -> dict[str, Any]:
    """Return the record of a run as plain data.

    Parameters
    ----------
    plan : Plan
        What was calibrated.
    results : mapping of str to mapping
        Results by task.
    analysis : str
        Name of the analysis.
    simulations : int
        Simulations of every member and of the family.
    """
    failures = {key: result["failed"] for key, result in results.items() if "failed" in result}
    good = {key: result for key, result in results.items() if "failed" not in result}
    pit = {name: _uniformity(_of(good, f"posterior/{name}/")) for name in plan.models}
    pit["average over members"] = _uniformity(_of(good, "models/"))
    beyond = {name: _beyond(_of(good, f"posterior/{name}/")) for name in plan.models}
    record: dict[str, Any] = {
        **{key: value for key, value in header(plan, analysis=analysis).items() if key not in ("design", "models")},
        "simulations": simulations,
        "processor_seconds": round(sum(float(result["seconds"]) for result in results.values()), 1),
        "failures": failures,
        "pit": pit,
        "threshold_beyond_the_data": {name: found for name, found in beyond.items() if found},
        "probabilities": _probabilities(_of(good, "models/"), plan),
    }
    tests = p_values(record)
    record["test"] = {
        "familywise": FAMILYWISE,
        "tests": len(tests),
        "smallest_allowed": FAMILYWISE / max(len(tests), 1),
        "smallest_found": min(tests.values(), default=1.0),
        "where": min(tests, key=lambda name: tests[name]) if tests else "",
    }
    kept = [f"posterior/{name}/{i}" for name in plan.models for i in range(KEPT)]
    design = design_mapping(plan.table, plan.models)
    return {
        **record,
        "first": {key: {name: good[key][name] for name in ("pit", "error")} for key in kept if key in good},
        "table": {"fingerprint": fingerprint(design), "effects": len(plan.table), "studies": len(plan.table.blocks)},
        "design": design,
        "models": {name: model.to_mapping() for name, model in plan.models.items()},
    }


def p_values(record: Mapping[str, Any]) -> dict[str, float]:
    """Return every p-value of a record by a name that says where it stands."""

    def walk(at: Any, path: tuple[str, ...]) -> dict[str, float]:
        if isinstance(at, list):
            at = {str(i): item for i, item in enumerate(at)}
        if not isinstance(at, Mapping):
            return {" / ".join(path): at} if path and path[-1].startswith("p_") else {}
        return {name: p for key, item in at.items() for name, p in walk(item, (*path, key)).items()}

    return {
        name: p
        for part in ("pit", "threshold_beyond_the_data", "probabilities")
        for name, p in walk(record[part], (part,)).items()
    }


def _of(results: Results, prefix: str) -> list[Mapping[str, Any]]:
    return [result for key, result in results.items() if key.startswith(prefix)]


def _uniformity(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return histogram and tests of each quantity."""
    names = results[0]["pit"] if results else {}
    values = {name: np.clip([result["pit"][name] for result in results], 0.0, 1.0) for name in names}
    return {
        name: {
            "counts": histogram(at).tolist(),
            "p_chi_square": _round(chi_square(histogram(at))),
            "p_ecdf": _round(ecdf_p_value(at)),
        }
        for name, at in values.items()
    }


def _beyond(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return whether the probability of a threshold beyond the data comes true as often as it says."""
    pairs = [result["beyond"] for result in results if "beyond" in result]
    if not pairs:
        return {}
    said = np.clip([pair["probability"] for pair in pairs], 0.0, 1.0)
    true = sum(bool(pair["true"]) for pair in pairs)
    p = poisson_binomial(said, true)
    return {"said": _round(said.mean()), "true": _round(true / len(pairs)), "p_exact": _round(p)}


def _probabilities(results: Sequence[Mapping[str, Any]], plan: Plan) -> dict[str, Any]:
    """Return the calibration of posterior model probabilities."""
    if not results:
        return {}
    names = [name for name, weight in plan.prior.items() if weight > 0]
    said = np.array([[result["probabilities"][name] for name in names] for result in results])
    true = np.array([[float(result["truth"] == name) for name in names] for result in results])
    prior = np.array([plan.prior[name] for name in names])
    found: dict[str, Any] = {
        "members": {name: _martingale(said[:, i], true[:, i], float(prior[i])) for i, name in enumerate(names)},
        "of_the_truth": _score(said, true, said),
        "log_score": {
            **_score(said, true, np.log(np.maximum(said, TINY))),
            "before_the_data": _round((prior * np.log(prior)).sum()),
        },
    }
    jumps = np.array([plan.models[name].family == "discontinuous" for name in names])
    if jumps.any() and not jumps.all():
        side, truth = said[:, jumps].sum(axis=1), true[:, jumps].sum(axis=1)
        found["discontinuous"] = _martingale(side, truth, float(prior[jumps].sum()))
        found["reliability"] = _reliability(side, truth)
    return found


def _martingale(said: Array, true: Array, prior: float) -> dict[str, float]:
    """Return whether posterior probabilities average to the prior one, and come true as often as they say."""
    return {
        "prior": _round(prior),
        "said": _round(said.mean()),
        "error": _round(said.std(ddof=1) / np.sqrt(said.size)) if said.size > 1 else float("inf"),
        "true": _round(true.mean()),
        "p_prior": _round(_mean_zero(said - prior)),
        "p_exact": _round(poisson_binomial(said, round(float(true.sum())))),
    }


def _score(said: Array, true: Array, score: Array) -> dict[str, float]:
    """Return whether the score of the true member averages to what the probabilities said it would."""
    expected = (said * score).sum(axis=1)
    variance = (said * score**2).sum(axis=1) - expected**2
    found = (true * score).sum(axis=1)
    z = (found - expected).sum() / np.sqrt(max(float(variance.sum()), TINY))
    p = 2 * special.ndtr(-abs(z))
    return {"mean": _round(found.mean()), "expected": _round(expected.mean()), "p_difference": _round(p)}


def _reliability(said: Array, true: Array) -> list[dict[str, float]]:
    """Return how often what was said in each bin of probability was true, with its exact test."""
    rows = []
    for low, high in pairwise(EDGES):
        inside = (said >= low) & ((said < high) | (high == EDGES[-1]))
        if inside.any():
            hits = round(float(true[inside].sum()))
            row = {"low": low, "high": high, "count": int(inside.sum()), "said": _round(said[inside].mean())}
            rows.append({**row, "true": hits, "p_exact": _round(poisson_binomial(said[inside], hits))})
    return rows


def _mean_zero(differences: ArrayLike) -> float:
    """Return the two-sided p-value of the t-test that differences have the mean zero."""
    d = np.asarray(differences, float)
    if d.size < 2 or d.std(ddof=1) == 0:
        return 1.0 if d.size < 2 or d.mean() == 0 else 0.0
    return float(2 * special.stdtr(d.size - 1, -abs(d.mean()) / (d.std(ddof=1) / np.sqrt(d.size))))


def _round(value: Any) -> float:
    """Return a number with six significant digits."""
    return float(f"{float(value):.6g}")
