"""Any meta-analysis as an effect table: read effects from a CSV file."""

import math
from pathlib import Path

import numpy as np

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.errors import bad
from metaanalysis.files import display, read_csv


def read_table(
    path: str | Path,
    *,
    y: str,
    x: str,
    v: str | None = None,
    se: str | None = None,
    x0: str | None = None,
    study: str | None = None,
    sample: str | None = None,
    effect: str | None = None,
    rho: float = 0.0,
    measure: str = "effect",
    exposure_range: tuple[float, float] | None = None,
) -> EffectTable:
    """Read an effect table from a CSV file with a header.

    Parameters
    ----------
    path : str or Path
        The file.
    y, x : str
        Columns of estimates and of the treated arm's exposure.
    v, se : str
        Column of sampling variances, or of standard errors; exactly one of them.
    x0 : str, optional
        Column of the reference arm's exposure; an empty cell means unexposed.
    study, sample, effect : str, optional
        Columns of labels; by default every row is a study of its own.
    rho : float
        Sampling correlation between effects of the same study and sample.
    measure : str
        Name of the effect measure.
    exposure_range : (float, float), optional
        Range of the exposure scale; default the observed range.

    Returns
    -------
    EffectTable
        Further columns of the file become columns of the table: numeric where every cell is a number.

    Raises
    ------
    InputError
        If the file or a column is missing, or a cell is not a number; the fault names the line.
    """
    file = Path(path)
    rows = read_csv(file)
    if (v is None) == (se is None):
        raise bad(display(file), "", "give either v or se", "Name the column of variances or of standard errors.")
    named = {"y": y, "x": x, "v": v, "se": se, "x0": x0, "study": study, "sample": sample, "effect": effect}
    for role, column in named.items():
        if column is not None and column not in rows[0]:
            known = ", ".join(rows[0])
            raise bad(display(file), column, f"there is no such column (for {role})", f"The columns are {known}.")
    error = _numbers(file, rows, v or se or "", empty=False)
    if se is not None and any(value <= 0 for value in error):
        line = next(i for i, value in enumerate(error, start=2) if value <= 0)
        raise bad(
            display(file), f"line {line}, {se}", "a standard error must be positive", "Correct or remove the row."
        )
    used = {column for column in named.values() if column}
    return table_from_arrays(
        _numbers(file, rows, y, empty=False),
        error if v is not None else [value**2 for value in error],
        _numbers(file, rows, x, empty=False),
        x0=_numbers(file, rows, x0, empty=True) if x0 else None,
        study=[row[study] for row in rows] if study else None,
        sample=[row[sample] for row in rows] if sample else None,
        effect=[row[effect] for row in rows] if effect else None,
        rho=rho,
        exposure_range=exposure_range,
        measure=measure,
        name=display(file),
        columns={column: _column([row[column] for row in rows]) for column in rows[0] if column not in used},
    )


def _numbers(path: Path, rows: list[dict[str, str]], column: str, *, empty: bool) -> list[float]:
    """Return a column as numbers; empty cells are NaN where allowed."""
    values = []
    for line, row in enumerate(rows, start=2):
        cell = row[column].strip()
        if empty and cell.upper() in ("", "NA", "NAN"):
            values.append(math.nan)
            continue
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise bad(
                display(path), f"line {line}, {column}", f"{cell!r} is not a number", "Complete or remove the row."
            )
        values.append(value)
    return values


def _column(cells: list[str]) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    """Return a column as numbers where every cell is one, else as text."""
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return np.array(cells)
