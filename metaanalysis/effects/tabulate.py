"""From studies to the effect table an analysis works on, with an account of every effect left out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.derive import derive
from metaanalysis.effects.derived import DerivedEffect, SeRoute
from metaanalysis.effects.exposure import PRACTICE, PRACTICE_RANGE, ArmValue, CodingSource, arm_values
from metaanalysis.effects.label import labels
from metaanalysis.effects.selection import REASONS, LeftOut, Selection, select
from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.errors import bad
from metaanalysis.studies.schema import Effect, Study

RANDOMISED = ("rct", "field_experiment", "lab_experiment")


@dataclass(frozen=True, slots=True)
class _Row:
    """One effect that enters."""

    study: Study
    effect: Effect
    derived: DerivedEffect
    treated: ArmValue
    reference: ArmValue


def tabulate(
    studies: Mapping[str, Study],
    codings: CodingSource | None,
    selection: Selection,
    *,
    measure: str = "log_ratio",
    exposure: str = PRACTICE,
    coder: str = "mean",
    rho: float = 0.6,
    se_route: SeRoute = "default",
    exposure_range: tuple[float, float] | None = None,
    name: str = "dataset",
) -> tuple[EffectTable, tuple[LeftOut, ...]]:
    """Return the table of the selected effects and an account of all others.

    Parameters
    ----------
    studies : mapping of str to Study
        The dataset.
    codings : CodingSource or None
        Practice scores by study, effect and arm; may be None for another exposure axis.
    selection : Selection
        Which effects are wanted; they must belong to one outcome family.
    measure : str
        Effect measure, one that is read from printed records.
    exposure : str
        Exposure axis: ``"practice"``, ``"setting:NAME"`` or ``"none"``.
    coder : str
        Whose practice scores: one coder's name, or ``"mean"``.
    rho : float
        Sampling correlation between effects of one study whose samples overlap.
    se_route : {"default", "interval", "p", "bound"}
        Which standard error is wanted where several exist.
    exposure_range : (float, float), optional
        Declared range of the axis; by default 0-10 for practice, else the observed range.
    name : str
        Name of the table, for messages.

    Returns
    -------
    table : EffectTable
        Rows by study key, then in the order of the file. Columns: label, outcome, design, domain, stage, family,
        verification, route, flags (strings); year, vendor (1, 0, NaN), x_low, x_high, x0_low, x0_high and, for each
        coder, x_NAME and x0_NAME (numbers; NaN for an unexposed reference arm); randomised, flagged (booleans).
    left_out : tuple of LeftOut
        Every effect of the dataset that does not enter, with the first reason.

    Raises
    ------
    InputError
        If nothing is left, effects of several families are selected, or a name in the selection is unknown.
    """
    selected, left = select(studies, selection)
    rows: list[_Row] = []
    more: list[LeftOut] = []
    for study, effect in selected:
        derived = derive(study.key, effect, measure, se_route=se_route)
        arms = arm_values(study.key, effect, codings, axis=exposure, coder=coder)
        if reason := _reason(derived, arms, selection):
            more.append(LeftOut(study.key, effect.id, *reason))
            continue
        treated, reference = (ArmValue(0.0, 0.0, 0.0), ArmValue()) if isinstance(arms, str) else arms
        rows.append(_Row(study, effect, derived, treated, reference))
    left_out = tuple(sorted((*left, *more), key=_file_order(studies)))
    _require_one_family(rows, left_out, name)
    scale = exposure_range or (PRACTICE_RANGE if exposure == PRACTICE else None)
    return _table(rows, labels(studies), measure=measure, rho=rho, scale=scale, name=name), left_out


def _reason(
    derived: DerivedEffect, arms: tuple[ArmValue, ArmValue] | str, selection: Selection
) -> tuple[str, str] | None:
    """Return why a selected effect does not enter, or None if it does."""
    if derived.y is None:
        return "not_derivable", derived.reason
    if derived.se is None:
        return "no_uncertainty", derived.reason
    if unwanted := set(derived.flags) & set(selection.not_flags or ()):
        return "flag", ", ".join(sorted(unwanted))
    if isinstance(arms, str) and selection.require_exposure:
        return "no_exposure", arms
    return None


def _file_order(studies: Mapping[str, Study]) -> Callable[[LeftOut], tuple[str, int]]:
    """Return a sorting key: study key, then place in the file."""
    place = {(key, e.id): i for key, study in studies.items() for i, e in enumerate(study.effects)}
    return lambda left: (left.study, place.get((left.study, left.effect), -1))


def _require_one_family(rows: Sequence[_Row], left_out: Sequence[LeftOut], name: str) -> None:
    """Refuse an empty table and one that pools outcome families."""
    if not rows:
        counts = Counter(left.reason for left in left_out)
        why = "; ".join(f"{REASONS[reason]}: {count}" for reason, count in counts.most_common(4))
        raise bad(name, "selection", f"no effect is left ({why})", "Widen the selection.")
    families = sorted({row.effect.family for row in rows})
    if len(families) > 1:
        listed = ", ".join(families)
        raise bad(name, "selection.families", f"mixes {listed}", "Select one family: families are never pooled.")


def _table(
    rows: Sequence[_Row],
    names: Mapping[str, str],
    *,
    measure: str,
    rho: float,
    scale: tuple[float, float] | None,
    name: str,
) -> EffectTable:
    """Return the rows as a table."""
    x = [row.treated.x for row in rows]
    observed = [v for v in (*x, *(row.reference.x for row in rows)) if isfinite(v)]
    low, high = min(observed), max(observed)
    return table_from_arrays(
        [_number(row.derived.y) for row in rows],
        [_number(row.derived.se) ** 2 for row in rows],
        x,
        x0=[row.reference.x for row in rows],
        study=[row.study.key for row in rows],
        sample=[row.effect.sample for row in rows],
        effect=[row.effect.id for row in rows],
        rho=rho,
        exposure_range=scale or (low, high if high > low else low + 1.0),
        measure=measure,
        name=name,
        columns=_columns(rows, names),
    )


def _columns(rows: Sequence[_Row], names: Mapping[str, str]) -> dict[str, NDArray[np.generic]]:
    """Return the descriptive columns of the table."""
    coders = sorted({coder for row in rows for arm in (row.treated, row.reference) for coder in arm.by_coder})
    vendor = {True: 1.0, False: 0.0, None: nan}
    columns: dict[str, NDArray[np.generic]] = {
        "label": np.array([names[row.study.key] for row in rows]),
        "outcome": np.array([row.effect.outcome for row in rows]),
        "design": np.array([row.study.design for row in rows]),
        "domain": np.array([row.study.domain for row in rows]),
        "stage": np.array([row.effect.stage for row in rows]),
        "family": np.array([row.effect.family for row in rows]),
        "verification": np.array([row.effect.verification for row in rows]),
        "route": np.array([row.derived.route for row in rows]),
        "flags": np.array([" ".join(row.derived.flags) for row in rows]),
        "year": np.array([float(row.study.citation.year) for row in rows]),
        "vendor": np.array([vendor[row.study.funding.vendor] for row in rows]),
        "randomised": np.array([row.study.design in RANDOMISED for row in rows]),
        "flagged": np.array([bool(row.derived.flags) for row in rows]),
        "x_low": np.array([row.treated.low for row in rows]),
        "x_high": np.array([row.treated.high for row in rows]),
        "x0_low": np.array([row.reference.low for row in rows]),
        "x0_high": np.array([row.reference.high for row in rows]),
    }
    for coder in coders:
        short = coder.removeprefix("coder_")
        columns[f"x_{short}"] = np.array([row.treated.by_coder.get(coder, nan) for row in rows])
        columns[f"x0_{short}"] = np.array([row.reference.by_coder.get(coder, nan) for row in rows])
    return columns


def _number(value: float | None) -> float:
    """Return a number that is known to be there."""
    assert value is not None
    return value
