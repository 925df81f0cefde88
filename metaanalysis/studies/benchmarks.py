"""Benchmark tables: SWE-bench submissions and METR's per-developer moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from scipy.special import ndtri

from metaanalysis.errors import bad
from metaanalysis.files import display, read_csv
from metaanalysis.studies.load import DATA
from metaanalysis.studies.schema import Record, Text
from metaanalysis.studies.validate import validated

EmptyAsNone = BeforeValidator(lambda value: None if value == "" else value)


class Submission(Record):
    """One SWE-bench submission."""

    split: Literal["Lite", "Verified", "Test", "bash-only", "Multimodal", "Multilingual"] = Field(
        description="Leaderboard."
    )
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(description="Date of submission.")
    entry: Text = Field(description="Name of the entry: scaffold and model.")
    models: Annotated[Text | None, EmptyAsNone] = Field(description="Models named, separated by semicolons.")
    attempts: Annotated[Text | None, EmptyAsNone] = Field(description="Attempts per instance, as declared.")
    resolved_percent: float = Field(ge=0, le=100, description="Share of instances resolved, as printed.")
    n_instances: int = Field(gt=0, description="Instances in the split.")
    resolved_count: int = Field(ge=0, description="Instances resolved.")
    checked_by_organisers: Annotated[Text | None, EmptyAsNone] = Field(description="Whether organisers reran it.")
    open_weights_model: Annotated[Text | None, EmptyAsNone] = Field(description="Whether the weights are open.")
    open_source_system: Annotated[Text | None, EmptyAsNone] = Field(description="Whether the system is open.")
    has_warning: Annotated[Text | None, EmptyAsNone] = Field(description="Whether the board carries a warning.")


def load_submissions(path: Path = DATA / "benchmarks" / "swebench_entries.csv") -> tuple[Submission, ...]:
    """Load the SWE-bench submissions.

    Raises
    ------
    InputError
        On malformed rows, and where the count and the printed share disagree by more than rounding.
    """
    rows = []
    for number, row in enumerate(read_csv(path), start=2):
        submission = validated(Submission, row, path)
        share = 100 * submission.resolved_count / submission.n_instances
        if abs(share - submission.resolved_percent) > 0.06 + 50 / submission.n_instances:
            raise bad(
                display(path),
                f"line {number}, resolved_count",
                f"gives {share:.2f} % where {submission.resolved_percent:g} % is printed",
                "Correct one of the two.",
            )
        rows.append(submission)
    return tuple(rows)


MOMENTS = ("n", "n_ai", "sum_p", "sum_y", "sum_ap", "sum_ay", "sum_pp", "sum_py", "sum_yy")


@dataclass(frozen=True, slots=True)
class Regression:
    """Ordinary least squares of log time on (1, AI, log forecast), from moments.

    Attributes
    ----------
    effect, se, se_clustered : float
        Coefficient of AI in log points; its homoskedastic and developer-clustered standard errors.
    n, clusters : int
        Issues and developers.
    coefficients : (3,) array
        All coefficients: intercept, AI, log forecast.
    """

    effect: float
    se: float
    se_clustered: float
    n: int
    clusters: int
    coefficients: NDArray[np.float64]

    def percent(self, *, clustered: bool = False, level: float = 0.95) -> tuple[float, float, float]:
        """Return the change in time as a proportion with its confidence limits.

        Normal quantiles, as in the published analysis.
        """
        half = float(ndtri(0.5 + level / 2)) * (self.se_clustered if clustered else self.se)
        low, high = np.expm1([self.effect - half, self.effect + half])
        return float(np.expm1(self.effect)), float(low), float(high)


def load_moments(
    path: Path = DATA / "benchmarks" / "metr2025_developer_moments.csv",
) -> dict[str, NDArray[np.float64]]:
    """Load METR's per-developer moments, one array per column, developers in file order.

    Columns: ``p`` is ln(predicted minutes without AI), ``y`` is ln(actual minutes), ``a`` is 1 where AI was allowed.
    """
    rows = read_csv(path)
    missing = [name for name in MOMENTS if name not in rows[0]]
    if missing:
        raise bad(display(path), missing[0], "is missing", f"The columns are developer, {', '.join(MOMENTS)}.")
    try:
        return {name: np.array([float(row[name]) for row in rows]) for name in MOMENTS}
    except ValueError as error:
        raise bad(display(path), "", f"holds a value that is no number: {error}", "Mend the row.") from None


def metr_regression(moments: Mapping[str, NDArray[np.float64]]) -> Regression:
    """Recompute METR's published regression from the per-developer moments.

    The sandwich for clustered errors needs only each developer's X′X and X′y, which the moments are. The
    small-sample factor is G/(G − 1) · (n − 1)/(n − k), as in Stata and statsmodels.
    """
    m = moments
    gram = np.array(
        [
            [m["n"], m["n_ai"], m["sum_p"]],
            [m["n_ai"], m["n_ai"], m["sum_ap"]],
            [m["sum_p"], m["sum_ap"], m["sum_pp"]],
        ]
    ).transpose(2, 0, 1)
    cross = np.array([m["sum_y"], m["sum_ay"], m["sum_py"]]).T
    n, clusters = int(m["n"].sum()), len(gram)
    bread = np.linalg.inv(gram.sum(axis=0))
    beta = bread @ cross.sum(axis=0)
    residual = m["sum_yy"].sum() - beta @ cross.sum(axis=0)
    scores = cross - gram @ beta
    meat = scores.T @ scores * clusters / (clusters - 1) * (n - 1) / (n - 3)
    return Regression(
        effect=float(beta[1]),
        se=float(np.sqrt(residual / (n - 3) * bread[1, 1])),
        se_clustered=float(np.sqrt((bread @ meat @ bread)[1, 1])),
        n=n,
        clusters=clusters,
        coefficients=beta,
    )
