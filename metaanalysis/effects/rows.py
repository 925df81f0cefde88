"""Every effect of the dataset as a flat row, and writing such rows as CSV or Parquet."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metaanalysis.effects.derive import derive
from metaanalysis.effects.derived import DerivedEffect
from metaanalysis.effects.exposure import UNEXPOSED, CodingSource, arm_values
from metaanalysis.effects.label import labels
from metaanalysis.errors import bad
from metaanalysis.files import atomic, display
from metaanalysis.studies.schema import Effect, Study

SUFFIXES = (".csv", ".parquet")


def family_measure(effect: Effect) -> str:
    """Return the measure on which an effect is shown: log odds ratio for success rates, log ratio for the rest."""
    return "log_odds_ratio" if effect.family == "success_rate" else "log_ratio"


def effect_rows(studies: Mapping[str, Study], codings: CodingSource | None) -> list[dict[str, Any]]:
    """Return all effects of all studies, by study key and in the order of the files.

    Parameters
    ----------
    studies : mapping of str to Study
        The dataset.
    codings : CodingSource or None
        Practice scores.

    Returns
    -------
    list of dict
        Keys: study, label, effect, family, role, stage, design, domain, sample, outcome, treated, reference,
        verification, measure, y, se, route, flags, reason, x, x_low, x_high, x0, x0_low, x0_high, unusable, excluded.
        What is missing is None.
    """
    names = labels(studies)
    return [
        _row(studies[key], effect, codings, names[key]) for key in sorted(studies) for effect in studies[key].effects
    ]


def _row(study: Study, effect: Effect, codings: CodingSource | None, name: str) -> dict[str, Any]:
    """Return one effect as a row."""
    derived: DerivedEffect = derive(study.key, effect, family_measure(effect))
    arms = arm_values(study.key, effect, codings) if effect.treated == "ai" else "the treated arm used no AI"
    treated, reference = (UNEXPOSED, UNEXPOSED) if isinstance(arms, str) else arms
    numbers = {
        "x": treated.x,
        "x_low": treated.low,
        "x_high": treated.high,
        "x0": reference.x,
        "x0_low": reference.low,
        "x0_high": reference.high,
    }
    return {
        "study": study.key,
        "label": name,
        "effect": effect.id,
        "family": effect.family,
        "role": effect.role,
        "stage": effect.stage,
        "design": study.design,
        "domain": study.domain,
        "sample": effect.sample,
        "outcome": effect.outcome,
        "treated": effect.treated,
        "reference": effect.reference,
        "verification": effect.verification,
        "measure": derived.measure,
        "y": derived.y,
        "se": derived.se,
        "route": derived.route,
        "flags": " ".join(derived.flags),
        "reason": derived.reason,
        **{key: None if value != value else value for key, value in numbers.items()},
        "unusable": effect.unusable,
        "excluded": study.excluded.category if study.excluded else None,
    }


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows to a CSV or Parquet file, whole or not at all.

    Parameters
    ----------
    rows : sequence of mapping
        Rows with the same keys.
    path : Path
        Ends in ``.csv`` (missing values are empty cells) or ``.parquet`` (missing values are null).

    Raises
    ------
    InputError
        If the suffix is another one, there is no row, or the folder cannot be written to.
    """
    if path.suffix not in SUFFIXES:
        raise bad(display(path), "", f"{path.suffix or 'no suffix'!r} is no known format", "Use .csv or .parquet.")
    if not rows:
        raise bad(display(path), "", "there is no row to write", "Widen the selection.")
    if path.suffix == ".csv":
        with atomic(path) as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return
    import pyarrow
    from pyarrow import parquet

    with atomic(path, "wb") as stream:
        parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), stream)
