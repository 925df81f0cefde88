"""Made-up data, the same in every run: a design like that of the main analysis, and individual-level rows."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.models.model import Model, build_model

RANGE = (0.0, 10.0)
FAMILY = ("flat", "linear", "saturating", "logistic", "spline", "gp", "kink", "step", "step_slope", "cliff")
BETWEEN, WITHIN = 0.3, 0.2
SEED = 20260101


def effects(count: int = 65, studies: int = 25, *, rho: float = 0.0) -> EffectTable:
    """Return a table of `count` effects: scores in half points from 0 to 8, one contrast in ten against an AI arm.

    The true curve is a straight line with between- and within-study heterogeneity. Sampling errors are independent
    by default, so that every peer can fit the same likelihood.
    """
    rng = np.random.default_rng(SEED)
    owner = np.sort(np.concatenate([np.arange(studies), rng.integers(0, studies, count - studies)]))
    x = np.minimum(8.0, np.round(2 * rng.gamma(2.0, 1.6, count)) / 2)
    x0 = np.where(rng.random(count) < 0.1, np.maximum(x - 3.0, 0.0), np.nan)
    v = rng.uniform(0.03, 0.25, count) ** 2
    mean = np.where(np.isnan(x0), 0.1, 0.0) + 0.3 * (x - np.nan_to_num(x0)) / 10
    y = mean + 0.25 * rng.standard_normal(studies)[owner] + 0.1 * rng.standard_normal(count)
    y += np.sqrt(v) * rng.standard_normal(count)
    names = [f"s{i:05d}" for i in owner]
    return table_from_arrays(
        y, v, x, x0=x0, study=names, rho=rho, exposure_range=RANGE, name=f"{count} effects in {studies} studies"
    )


def models(names: tuple[str, ...] = FAMILY) -> dict[str, Model]:
    """Return the members with their default priors."""
    return {name: build_model(name, exposure_range=RANGE) for name in names}


def linear_design(table: EffectTable) -> NDArray[np.float64]:
    """Return the columns of the linear member, (K, 2): what a peer needs to fit the same curve."""
    unexposed = np.isnan(table.x0)
    return np.stack([unexposed.astype(float), (table.x - np.where(unexposed, 0.0, table.x0)) / 10], axis=1)


def write_effects(table: EffectTable, path: Path) -> None:
    """Write effects and the linear design for a peer."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["study", "effect", "y", "v", "one", "share"])
        rows = zip(table.study, table.effect, table.y, table.v, linear_design(table), strict=True)
        writer.writerows(
            [study, effect, repr(float(y)), repr(float(v)), *map(float, d)] for study, effect, y, v, d in rows
        )


def rows(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return outcome and threshold variable of `count` people: a straight line with a jump at 0.6."""
    rng = np.random.default_rng(SEED)
    q = np.sort(rng.random(count))
    return 0.2 * q + 0.1 * (q > 0.6) + rng.standard_normal(count), q


def write_rows(count: int, path: Path) -> None:
    """Write individual-level rows for a peer."""
    y, q = rows(count)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["y", "q"])
        writer.writerows((repr(float(a)), repr(float(b))) for a, b in zip(y, q, strict=True))
