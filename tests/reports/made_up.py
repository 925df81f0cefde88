"""A made-up analysis for the tests of figures and report: plausible numbers, no evidence about anything."""

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from metaanalysis.frames import SCHEMAS, conform
from metaanalysis.results import Results

NAMES = (
    "Abara & Lind", "Bechtold et al.", "Cho, Marsh & Oduya", "Dietz et al.", "Eriksen & Wu", "Fofana et al.",
    "Grünwald, Šimić & Østergård", "Hale et al.", "Ibarra et al.", "Jansen", "Kowalczyk & Pham", "Liu et al.",
    "Department for Work, Training and Regional Development", "Moreau et al.", "Nakata & Stein", "Okafor et al.",
    "Petrov", "Quist et al.", "Rao & Delgado", "Sato et al.", "Tran & Weiss", "Ueda et al.", "Varga",
    "Wójcik et al.", "Yilmaz & Amari",
)  # fmt: skip
DOMAINS = ("software", "support", "writing", "consulting", "medicine", "legal")
DESIGNS = ("rct", "field_experiment", "quasi_experiment", "lab_experiment")
SPEC: Mapping[str, Any] = {
    "name": "practice",
    "models": ["flat", "linear", "saturating", "logistic", "kink", "step", "step_slope", "cliff"],
    "table": {
        "source": "studies",
        "measure": "log_ratio",
        "rho": 0.6,
        "rho_reason": "Outcomes of the same people correlate positively.",
        "reason": "One measured productivity effect for each independent sample.",
        "selection": {"families": ["productivity"], "roles": ["primary"]},
    },
    "exposure": {
        "label": "architectural-practice score",
        "low": 0,
        "high": 10,
        "coder": "mean",
        "reason": "The thesis defines its threshold by practice.",
        "bands": [
            {"name": "Level 1", "low": 0, "high": 3.5},
            {"name": "Level 2", "low": 3.5, "high": 6.5},
            {"name": "Level 3", "low": 6.5, "high": 10},
        ],
    },
    "priors": {
        "intercept": {"family": "normal", "mean": 0, "sd": 0.5, "reason": "The gain at the low end of the scale."},
        "slope": {"family": "normal", "mean": 0, "sd": 0.5, "reason": "Gains and losses are equally likely."},
        "jump": {"family": "normal", "mean": 0, "sd": 0.5, "reason": "A fall is as likely as a rise."},
        "threshold": {"family": "uniform", "lower": 0, "upper": 10, "reason": "It may lie anywhere."},
        "width": {"family": "log_uniform", "lower": 0.1, "upper": 10, "reason": "Every order of magnitude."},
    },
    "heterogeneity": {
        "between": {"family": "half_normal", "scale": 0.3, "reason": "Studies differ in task, tool and people."},
        "within": {"family": "half_normal", "scale": 0.15, "reason": "Half of that between studies."},
    },
    "grid": {"scales": [0.25, 0.5, 1, 2, 4], "reason": "From narrow to wide."},
    "sensitivity": [],
}  # fmt: skip
FAMILIES = {
    "flat": ("continuous", "practice does not matter"),
    "linear": ("continuous", "steady returns"),
    "saturating": ("continuous", "diminishing returns"),
    "logistic": ("continuous", "smooth S-curve"),
    "kink": ("continuous", "slope changes, no jump"),
    "step": ("discontinuous", "a jump and nothing else"),
    "step_slope": ("discontinuous", "steady returns plus a jump"),
    "cliff": ("discontinuous", "dip or slow rise below, jump, new slope above"),
}


def results(effects: int = 36, *, without: tuple[str, ...] = (), seed: int = 7) -> Results:
    """Return a made-up analysis of `effects` effects in 25 studies, without the frames named."""
    rng = np.random.default_rng(seed)
    rows = _effects(effects, rng)
    frames = {
        "effects": rows,
        "flow": _flow(effects),
        "models": _models(),
        "grid": _grid(),
        "curves": _curves(),
        "threshold": _threshold(),
        "width": _width(),
        "parameters": _parameters(),
        "sensitivity": _sensitivity(effects),
        "printed": _printed(rows),
    }
    made = {name: conform(name, [] if name in without else listed) for name, listed in frames.items()}
    assert set(made) == set(SCHEMAS)
    numbers = _numbers(rows) | {}
    if "width" in without:
        numbers = {k: (None if k.startswith("width.") else v) for k, v in numbers.items()}
    return Results(
        name="practice",
        title="Productivity and architectural practice: a cliff or a curve?",
        question="Do the productivity gains from large language models jump at some level of architectural "
        "practice, or do they follow a smooth curve?",
        numbers=numbers,
        frames=made,
        spec=SPEC,
        references=_references(),
    )


def with_numbers(base: Results, **changes: Any) -> Results:
    """Return the results with some numbers replaced; dots are written as two underscores."""
    return replace(base, numbers={**base.numbers, **{k.replace("__", "."): v for k, v in changes.items()}})


def _key(index: int) -> str:
    return f"study{index:02d}"


def _effects(count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    out = []
    for row in range(count):
        index = row % len(NAMES)
        x = float(np.clip(np.round(rng.beta(1.6, 2.2) * 15) / 2, 0, 6.5)) if row != 3 else 7.5
        se = float(rng.uniform(0.02, 0.22))
        y = float(0.12 + 0.035 * x + rng.normal(0, 0.16) + rng.normal(0, se))
        low, high = max(x - rng.integers(0, 3) / 2, 0), min(x + rng.integers(0, 4) / 2, 10)
        shrunk = 0.14 + 0.03 * x + (y - 0.14 - 0.03 * x) * 0.04 / (0.04 + se**2)
        out.append(
            {
                "study": _key(index),
                "label": f"{NAMES[index]} {2022 + index % 5}",
                "effect": "main" if row < len(NAMES) else f"novices_second_task_{row // len(NAMES)}",
                "y": y,
                "se": se,
                "lower": y - 1.96 * se,
                "upper": y + 1.96 * se,
                "x": x,
                "x_low": float(low),
                "x_high": float(high),
                "x0": 1.0 if row % 11 == 5 and x > 1.5 else None,
                "domain": DOMAINS[index % len(DOMAINS)],
                "design": DESIGNS[index % len(DESIGNS)],
                "randomised": index % len(DESIGNS) != 2,
                "vendor": (True, False, None)[index % 3],
                "verification": "primary" if index % 4 else "secondary",
                "route": ("ratio_ci", "percent_change_se", "means_sds", "p_value")[row % 4],
                "flags": "routes_disagree" if row == 4 else "",
                "fitted": shrunk,
                "fitted_lower": shrunk - 1.6 * se,
                "fitted_upper": shrunk + 1.6 * se,
            }
        )
    return out


def _flow(effects: int) -> list[dict[str, Any]]:
    steps = [
        ("identified", "", 181, 1104),
        ("excluded", "no usable comparison", 21, 64),
        ("excluded", "outcome out of scope", 17, 71),
        ("excluded", "no estimate of uncertainty", 9, 30),
        ("excluded", "withdrawn or overlapping", 3, 11),
        ("included", "", 131, 928),
        ("effects", "other outcome families (quality, self-report, usage)", 85, 655),
        ("effects", "subgroups and secondary estimates", 18, 201),
        ("effects", "no usable standard error", 3, 36),
        ("analysed", "", 25, effects),
    ]
    return [dict(zip(("step", "reason", "studies", "effects"), row, strict=True)) for row in steps]


def _models() -> list[dict[str, Any]]:
    evidence = {
        "flat": 2.1, "linear": 3.4, "saturating": 3.2, "logistic": 3.0, "kink": 2.4,
        "step": 3.1, "step_slope": 2.2, "cliff": 1.6,
    }  # fmt: skip
    weight = {m: math.exp(e) for m, e in evidence.items()}
    members = {f: [m for m, (g, _) in FAMILIES.items() if g == f] for f in ("continuous", "discontinuous")}
    mean = {f: sum(weight[m] for m in ms) / len(ms) for f, ms in members.items()}
    out = []
    for m, (family, says) in FAMILIES.items():
        share = weight[m] / len(members[family]) / sum(mean.values())
        out.append(
            {
                "model": m,
                "family": family,
                "says": says,
                "log_evidence": evidence[m],
                "error": 2e-5,
                "log_bf": evidence[m] - evidence["flat"],
                "probability": share,
                "probability_equal": weight[m] / sum(weight.values()),
            }
        )
    return out


def _grid() -> list[dict[str, Any]]:
    values = {0.25: -0.1, 0.5: -0.35, 1.0: -0.62, 2.0: -1.3, 4.0: -2.1}
    return [{"scale": s, "log_bf": b, "error": 1e-4, "probability": 1 / (1 + math.exp(-b))} for s, b in values.items()]


def _shape(model: str, x: float) -> float:
    return {
        "flat": 0.24,
        "linear": 0.13 + 0.033 * x,
        "saturating": 0.1 + 0.24 * (1 - math.exp(-x / 2.5)),
        "logistic": 0.14 + 0.2 / (1 + math.exp(-(x - 4) / 0.9)),
        "kink": 0.15 + 0.02 * x + 0.03 * max(x - 4, 0),
        "step": 0.16 + 0.17 * (x > 3.5),
        "step_slope": 0.14 + 0.015 * x + 0.1 * (x > 3.5),
        "cliff": 0.17 - 0.01 * x + 0.1 * (x > 3.5) + 0.04 * max(x - 3.5, 0),
    }[model]


def _curves() -> list[dict[str, Any]]:
    out = []
    probability = {row["model"]: row["probability"] for row in _models()}
    for x in np.linspace(0, 10, 81):
        half = 0.09 + 0.008 * (x - 3) ** 2
        means = {m: _shape(m, float(x)) for m in FAMILIES}
        means["average"] = sum(probability[m] * means[m] for m in FAMILIES)
        out += [{"model": m, "x": float(x), "mean": v, "lower": v - half, "upper": v + half} for m, v in means.items()]
    return sorted(out, key=lambda row: (row["model"], row["x"]))


def _threshold() -> list[dict[str, Any]]:
    edges = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7.5, 10]
    out = []
    for shift, model in enumerate(("kink", "logistic", "step", "step_slope", "cliff")):
        gaps = list(pairwise(edges))
        mass = [(b - a) * (0.25 + 1.9 * math.exp(-((a - 3.3) ** 2)) * (0.3 + 0.2 * shift) + 0.02 * a) for a, b in gaps]
        out += [
            {
                "model": model,
                "low": float(a),
                "high": float(b),
                "probability": m / sum(mass),
                "prior": (b - a) / 10,
                "beyond": a >= 7.5,
            }
            for (a, b), m in zip(gaps, mass, strict=True)
        ]
    return out


def _width() -> list[dict[str, Any]]:
    grid = np.logspace(-0.4, 1.64, 90)
    density = 0.49 * (1 + 0.25 * np.sin(1.6 * np.log10(grid)))
    return [{"width": float(w), "density": float(d), "prior": 0.49} for w, d in zip(grid, density, strict=True)]


def _parameters() -> list[dict[str, Any]]:
    names = {
        "flat": ("intercept", "between", "within"),
        "linear": ("intercept", "slope", "between", "within"),
        "logistic": ("intercept", "rise", "threshold", "width", "between", "within"),
        "step": ("intercept", "jump", "threshold", "between", "within"),
        "step_slope": ("intercept", "slope", "jump", "threshold", "between", "within"),
    }
    return [
        {
            "model": model,
            "parameter": p,
            "mean": 0.2,
            "sd": 0.07,
            "median": 0.2,
            "lower": 0.06,
            "upper": 0.34,
            "prior_lower": -0.98,
            "prior_upper": 0.98,
        }
        for model, listed in names.items()
        for p in listed
    ]


def _sensitivity(effects: int) -> list[dict[str, Any]]:
    variants = [
        ("main", "as declared", 25, effects, -0.62),
        ("coder", "coder A only", 25, effects, -0.4),
        ("coder", "coder B only", 25, effects, -0.9),
        ("verification", "numbers read in the source itself", 19, 27, -0.2),
        ("design", "randomised only", 18, 26, 0.35),
        ("domain", "software only", 9, 13, -0.1),
        ("funding", "no vendor behind the study", 8, 12, -0.05),
        ("correlation", "ρ = 0.3", 25, effects, -0.6),
        ("correlation", "ρ = 0.9", 25, effects, -0.7),
        ("standard error", "intervals before p-values", 25, effects, -0.5),
        ("leave one study out", "largest change: without Grünwald, Šimić & Østergård 2023", 24, 34, 1.3),
    ]
    return [
        {
            "group": g,
            "variant": v,
            "studies": s,
            "effects": k,
            "log_bf": b,
            "error": 1e-4,
            "probability": 1 / (1 + math.exp(-b)),
            "jump": 0.04 + 0.02 * b,
            "jump_lower": -0.1,
            "jump_upper": 0.2,
        }
        for g, v, s, k, b in variants
    ]


def _printed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "study": row["study"],
            "effect": row["effect"],
            "outcome": "time per task",
            "printed": "as it stands",
            "coders": "2 / 3",
        }
        for row in rows
    ]


def _numbers(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "k.effects": len(rows),
        "k.studies": len({r["study"] for r in rows}),
        "dataset.studies": 181,
        "dataset.effects": 1104,
        "dataset.unusable": 36,
        "bf.discontinuous": math.exp(-0.62),
        "bf.error": 1e-4,
        "bf.low": math.exp(-2.1),
        "bf.high": math.exp(-0.1),
        "probability.discontinuous": 0.35,
        "probability.low": 0.11,
        "probability.high": 0.475,
        "best.model": "step",
        "best.probability": 0.24,
        "pooled.mean": 0.24,
        "pooled.lower": 0.16,
        "pooled.upper": 0.32,
        "prediction.mean": 0.24,
        "prediction.lower": -0.12,
        "prediction.upper": 0.6,
        "slope.mean": 0.33,
        "slope.lower": -0.05,
        "slope.upper": 0.71,
        "jump.mean": 0.09,
        "jump.lower": -0.11,
        "jump.upper": 0.28,
        "sign.jump.negative": 0.19,
        "threshold.gap.low": 3.0,
        "threshold.gap.high": 3.5,
        "threshold.gap.probability": 0.19,
        "threshold.gap.prior": 0.05,
        "threshold.beyond": 0.17,
        "threshold.beyond.prior": 0.25,
        "x.min": 0.0,
        "x.max": 7.5,
        "x.max.study": "Dietz et al. 2025",
        "upper.score": 6.0,
        "studies.upper": 2,
        "sharp.bf": 1.1,
        "sharp.log_bf": 0.095,
        "sharp.error": 1e-5,
        "width.below.one": 0.19,
        "width.below.one.prior": 0.18,
        "contrasts.within": 3,
        "width.median": 4.1,
        "width.lower": 0.5,
        "width.upper": 39.0,
        "width.prior.median": 4.4,
        "width.prior.lower": 0.49,
        "width.prior.upper": 39.2,
        "tau.between": 0.15,
        "tau.between.lower": 0.09,
        "tau.between.upper": 0.22,
        "tau.within": 0.05,
        "tau.within.lower": 0.0,
        "tau.within.upper": 0.12,
        "loso.low": math.exp(-1.1),
        "loso.high": math.exp(1.3),
        "loso.study": "Grünwald, Šimić & Østergård 2023",
        "primary_only.bf": math.exp(-0.2),
        "primary_only.k": 27,
        "randomised_only.bf": math.exp(0.35),
        "randomised_only.k": 26,
        "error.largest": 1e-4,
        "data.date": "2026-11-25",
        "data.version": "made up",
        "package.version": "none",
        "coders.difference": 0.5,
    }


def _references() -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "key": _key(i),
            "authors": [name.replace(" et al.", ""), "Robin de la Cruz"] if "&" not in name else name.split(" & "),
            "year": 2022 + i % 5,
            "title": f"A made-up study number {i + 1}: does the tool help?",
            "venue": "Journal of Made-up Results",
            "doi": f"10.9999/made.up.{i}" if i % 2 else None,
            "arxiv": None if i % 2 else f"2501.{i:05d}",
            "url": "https://example.org/study",
        }
        for i, name in enumerate(NAMES)
    )
