"""Design columns of threshold tests: the null curve, the change it is tested against, and where the change may lie."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.errors import bad
from metaanalysis.models.mean_function import mean_function

Array = NDArray[np.float64]
Null = Literal["flat", "linear"]
Change = Literal["step", "kink"]
Gap = tuple[float, float]
MIN_STUDIES = 2
GRID = 60


def null_design(table: EffectTable, null: Null) -> Array:
    """Return the contrast rows of the null curve, (K, p).

    A column that is zero in every row is left out: where each effect compares two exposed arms, the level cancels.
    """
    columns = _rows(table, null, np.zeros(1))[0]
    return np.asarray(columns[:, np.abs(columns).max(axis=0) > 0])


def change_columns(table: EffectTable, change: Change, thresholds: Array) -> Array:
    """Return the contrast column of a step 1(x > c) or kink (x − c)₊ per exposure range at each threshold, (K, C)."""
    return np.asarray(_rows(table, change, thresholds)[:, :, -1].T)


def _rows(table: EffectTable, mean: str, thresholds: Array) -> Array:
    """Return b(x) − b(x₀) of a mean function, (C, K, p), with b = 0 for an unexposed reference arm."""
    columns = mean_function(mean).columns
    shape = {"threshold": thresholds}
    rows = np.array(
        np.broadcast_to(columns(table.x, shape, table.exposure_range), (len(thresholds), len(table), _p(mean)))
    )
    exposed = np.isfinite(table.x0)
    if exposed.any():
        rows[:, exposed] -= columns(table.x0[exposed], shape, table.exposure_range)
    return rows


def _p(mean: str) -> int:
    return len(mean_function(mean).coefficients)


def gaps(table: EffectTable, *, min_studies: int = MIN_STUDIES) -> list[Gap]:
    """Return the gaps between observed exposures that have enough studies on each side.

    A step anywhere in a gap is the same model: an exposure equal to the threshold lies below it.

    Raises
    ------
    InputError
        If there is no such gap.
    """
    exposed = np.isfinite(table.x0)
    values = np.concatenate([table.x, table.x0[exposed]])
    owner = np.concatenate([table.study_index, table.study_index[exposed]])
    ends = np.unique(values)
    first, last = (np.full(len(table.blocks), fill) for fill in (np.inf, -np.inf))
    np.minimum.at(first, owner, values)
    np.maximum.at(last, owner, values)
    below = np.searchsorted(np.sort(first), ends[:-1], side="right")
    above = len(last) - np.searchsorted(np.sort(last), ends[1:], side="left")
    kept = (below >= min_studies) & (above >= min_studies)
    if not kept.any():
        raise bad(
            table.name,
            "x",
            f"no threshold has {min_studies} studies on each side of it",
            "A threshold test needs studies at different exposures; lower min_studies or add studies.",
        )
    return [(float(a), float(b)) for a, b in zip(ends[:-1][kept], ends[1:][kept], strict=True)]


def places(table: EffectTable, change: Change, *, min_studies: int = MIN_STUDIES) -> list[Gap]:
    """Return the candidate thresholds: gaps for a step, points of a grid (both ends equal) for a kink."""
    ends = gaps(table, min_studies=min_studies)
    if change == "step":
        return ends
    inside = np.unique(table.x[(table.x > ends[0][0]) & (table.x < ends[-1][1])])
    points = np.unique(np.concatenate([np.linspace(ends[0][0], ends[-1][1], GRID + 2)[1:-1], inside]))
    return [(float(c), float(c)) for c in points]


def centres(ends: list[Gap]) -> Array:
    """Return the middle of each candidate."""
    return np.array([(low + high) / 2 for low, high in ends])
