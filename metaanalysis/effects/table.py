"""The effect table: what every engine sees of the evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.overlap import working_correlation
from metaanalysis.errors import bad

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EffectTable:
    """Effects with their known covariance and exposures, rows contiguous by study.

    Attributes
    ----------
    name : str
        Where the table comes from, for messages and reports.
    measure : str
        Effect measure, e.g. ``"log_ratio"``.
    study, sample, effect : tuple of str, length K
        Study key, sample within study, and effect identifier of each row.
    y : (K,) array
        Effect estimates on the scale of the measure.
    blocks : tuple of (k_s, k_s) arrays
        Known sampling covariance of each study's rows, in row order; different studies are independent.
    x : (K,) array
        Exposure of the treated arm.
    x0 : (K,) array
        Exposure of the reference arm; NaN where the reference arm was unexposed (no AI), for which every mean
        function is zero by definition.
    exposure_range : (float, float)
        Declared range of the exposure scale: slopes are per whole range, thresholds live inside it.
    columns : mapping of str to (K,) array
        Further moderators and descriptive columns (numeric or string).
    """

    name: str
    measure: str
    study: tuple[str, ...]
    sample: tuple[str, ...]
    effect: tuple[str, ...]
    y: Array
    blocks: tuple[Array, ...]
    x: Array
    x0: Array
    exposure_range: tuple[float, float]
    columns: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.study)

    @property
    def v(self) -> Array:
        """Sampling variances, (K,)."""
        return np.concatenate([np.diag(block) for block in self.blocks])

    @property
    def studies(self) -> tuple[str, ...]:
        """Study keys, one per block, in row order."""
        return tuple(dict.fromkeys(self.study))

    @property
    def starts(self) -> NDArray[np.intp]:
        """First row of each study, (S,)."""
        sizes = [len(block) for block in self.blocks]
        return np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.intp)

    @property
    def study_index(self) -> NDArray[np.intp]:
        """Index of the study of each row, (K,)."""
        return np.repeat(np.arange(len(self.blocks)), [len(block) for block in self.blocks])

    def covariance(self) -> Array:
        """Dense known covariance, (K, K); for small tables and tests only."""
        dense = np.zeros((len(self), len(self)))
        for start, block in zip(self.starts, self.blocks, strict=True):
            stop = start + len(block)
            dense[start:stop, start:stop] = block
        return dense

    def take(self, rows: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]) -> "EffectTable":
        """Return the table restricted to `rows` (indices or a mask), keeping table order.

        Raises
        ------
        InputError
            If no row is left.
        """
        index = np.arange(len(self))[rows] if np.asarray(rows).dtype == bool else np.sort(np.asarray(rows))
        if index.size == 0:
            raise bad(self.name, "", "no effect is left after the selection", "Widen the selection.")
        owner = self.study_index
        offset = index - self.starts[owner[index]]
        blocks = tuple(
            self.blocks[s][np.ix_(offset[owner[index] == s], offset[owner[index] == s])]
            for s in np.unique(owner[index])
        )
        return replace(
            self,
            study=tuple(self.study[i] for i in index),
            sample=tuple(self.sample[i] for i in index),
            effect=tuple(self.effect[i] for i in index),
            y=self.y[index],
            blocks=blocks,
            x=self.x[index],
            x0=self.x0[index],
            columns={name: values[index] for name, values in self.columns.items()},
        )

    def without(self, study: str) -> "EffectTable":
        """Return the table without one study."""
        return self.take(np.array([name != study for name in self.study]))

    def frame(self) -> "pd.DataFrame":
        """Return the table as a tidy frame, one row per effect."""
        import pandas as pd

        return pd.DataFrame(
            {
                "study": self.study,
                "sample": self.sample,
                "effect": self.effect,
                "y": self.y,
                "se": np.sqrt(self.v),
                "x": self.x,
                "x0": self.x0,
                **self.columns,
            }
        )


def table_from_arrays(
    y: Sequence[float] | Array,
    v: Sequence[float] | Array,
    x: Sequence[float] | Array,
    *,
    x0: Sequence[float] | Array | None = None,
    study: Sequence[str] | None = None,
    sample: Sequence[str] | None = None,
    effect: Sequence[str] | None = None,
    rho: float = 0.0,
    exposure_range: tuple[float, float] | None = None,
    measure: str = "effect",
    name: str = "table",
    columns: Mapping[str, NDArray[np.generic]] | None = None,
) -> EffectTable:
    """Build an `EffectTable` from estimates, sampling variances and exposures.

    Parameters
    ----------
    y, v, x : (K,) array_like
        Estimates, sampling variances, exposure of the treated arm.
    x0 : (K,) array_like, optional
        Exposure of the reference arm, NaN where unexposed; default all NaN.
    study, sample, effect : sequences of str, optional
        Labels; by default every row is a study of its own. Rows are reordered so that studies are contiguous.
    rho : float
        Sampling correlation between effects of one study whose samples overlap: the same name, or one name begins
        with the other's and an underscore (`metaanalysis.effects.overlap`).
    exposure_range : (float, float), optional
        Range of the exposure scale; default the observed range of `x` and `x0`.
    measure, name : str
        Effect measure, and a name for messages.
    columns : mapping, optional
        Further moderators.

    Raises
    ------
    InputError
        On lengths that differ, values that are not finite, variances that are not positive, |rho| ≥ 1.
    """
    arrays = {"y": np.asarray(y, float), "v": np.asarray(v, float), "x": np.asarray(x, float)}
    k = arrays["y"].size
    reference = np.full(k, np.nan) if x0 is None else np.asarray(x0, float)
    labels = tuple(str(s) for s in study) if study is not None else tuple(f"study {i + 1}" for i in range(k))
    samples = tuple(str(s) for s in sample) if sample is not None else labels
    effects = tuple(str(s) for s in effect) if effect is not None else tuple(f"row {i + 1}" for i in range(k))
    _require_usable(
        name, arrays, {"x0": reference.size, "study": len(labels), "sample": len(samples), "effect": len(effects)}
    )
    if not -1 < rho < 1:
        raise bad(name, "rho", f"a correlation of {rho} is impossible", "Give a value between -1 and 1.")
    first = {label: i for i, label in reversed(list(enumerate(labels)))}
    order = np.array(sorted(range(k), key=lambda i: (first[labels[i]], i)), dtype=int)
    se = np.sqrt(arrays["v"])
    blocks = []
    for label in sorted(first, key=lambda s: first[s]):
        rows = [i for i in order if labels[i] == label]
        blocks.append(np.outer(se[rows], se[rows]) * working_correlation([samples[i] for i in rows], rho))
    exposed = np.concatenate([arrays["x"], reference[np.isfinite(reference)]])
    return EffectTable(
        name=name,
        measure=measure,
        study=tuple(labels[i] for i in order),
        sample=tuple(samples[i] for i in order),
        effect=tuple(effects[i] for i in order),
        y=arrays["y"][order],
        blocks=tuple(blocks),
        x=arrays["x"][order],
        x0=reference[order],
        exposure_range=exposure_range or (float(exposed.min()), float(exposed.max())),
        columns={key: np.asarray(values)[order] for key, values in (columns or {}).items()},
    )


def _require_usable(name: str, arrays: Mapping[str, Array], lengths: Mapping[str, int]) -> None:
    """Refuse lengths that differ, values that are not finite and variances that are not positive."""
    k = arrays["y"].size
    if k == 0:
        raise bad(name, "y", "there is no effect", "Give at least one row.")
    for key, size in {**{key: values.size for key, values in arrays.items()}, **lengths}.items():
        if size != k:
            raise bad(name, key, f"has {size} values where y has {k}", "Give one value per effect.")
    for key, values in arrays.items():
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise bad(name, key, f"row {wrong[0] + 1} is not a finite number", "Remove or complete the row.")
    wrong = np.flatnonzero(arrays["v"] <= 0)
    if wrong.size:
        raise bad(
            name,
            "v",
            f"row {wrong[0] + 1} has the variance {arrays['v'][wrong[0]]:g}",
            "A sampling variance must be positive: check that standard errors were squared, not logged.",
        )
