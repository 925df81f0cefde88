"""Leave-one-study-out prediction, exact: the density of each study's effects given all other studies.

p(y_s | y without s) is the ratio of the evidence of the whole table to that of the table without study s, so that no
approximation of the posterior is involved. Stacking weights maximise the summed log density of the mixture (Yao,
Vehtari, Simpson & Gelman 2018, Bayesian Anal. 13:917–1007).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines import exact
from metaanalysis.errors import bad
from metaanalysis.models.model import Model
from metaanalysis.number import Number

Array = NDArray[np.float64]
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneStudyOut:
    """Log predictive density of every study under every member.

    Attributes
    ----------
    members, studies : tuple of str
        Members (M) and studies (S).
    log_density : (M, S) array
        Log density of the effects of each study given all others.
    without : (M, S) array
        Log evidence of the table without each study.
    error : float
        Bound on the numerical error of each entry.
    """

    members: tuple[str, ...]
    studies: tuple[str, ...]
    log_density: Array
    without: Array
    error: float

    @property
    def elpd(self) -> dict[str, Number]:
        """Expected log predictive density of each member, summed over studies, with its numerical error."""
        sums = self.log_density.sum(axis=1)
        return {
            name: Number(float(s), self.error * len(self.studies)) for name, s in zip(self.members, sums, strict=True)
        }

    @property
    def weights(self) -> dict[str, float]:
        """Stacking weights of the members."""
        return dict(zip(self.members, stacking_weights(self.log_density).tolist(), strict=True))

    def rows(self) -> list[dict[str, str | float]]:
        """Return one row per member: elpd, its difference from the best and that difference's standard error, weight.

        The standard error is over studies: the root of S times the variance of the differences.
        """
        sums = self.log_density.sum(axis=1)
        differences = self.log_density - self.log_density[int(sums.argmax())]
        count = len(self.studies)
        spread = np.sqrt(count * differences.var(axis=1, ddof=1)) if count > 1 else np.full(len(sums), np.nan)
        weights = self.weights
        return [
            {
                "model": name,
                "elpd": float(sums[i]),
                "error": self.error * count,
                "difference": float(differences[i].sum()),
                "se": float(spread[i]),
                "weight": weights[name],
            }
            for i, name in enumerate(self.members)
        ]


def leave_one_study_out(
    models: Mapping[str, Model],
    table: EffectTable,
    *,
    whole: Mapping[str, Number] | None = None,
    tolerance: float = TOLERANCE,
) -> LeaveOneStudyOut:
    """Return the exact log predictive density of each study given the others.

    Parameters
    ----------
    models : mapping of str to Model
        Members.
    table : EffectTable
        At least two studies.
    whole : mapping of str to Number, optional
        Log evidence on the whole table, if it is known.
    tolerance : float
        Numerical error accepted for each log evidence.

    Raises
    ------
    InputError
        If the table has a single study.
    UnsupportedError, NumericalError
        As `exact.fit` does.
    """
    if len(table.blocks) < 2:
        raise bad(table.name, "study", "there is a single study, so none can be left out", "Add studies.")
    full = dict(whole) if whole is not None else {}
    for name, model in models.items():
        if name not in full:
            full[name] = exact.log_evidence(model, table, tolerance=tolerance)
    reduced = [table.without(study) for study in table.studies]
    # Without its most telling study a parameter may not be identified: its prior then speaks, which is as it should be.
    numbers = [
        [exact.log_evidence(model, part, tolerance=tolerance, allow_unidentified=True) for part in reduced]
        for model in models.values()
    ]
    without = np.array([[number.value for number in row] for row in numbers])
    error = max(number.error for row in numbers for number in row) + max(n.error for n in full.values())
    whole_values = np.array([full[name].value for name in models])
    return LeaveOneStudyOut(tuple(models), table.studies, whole_values[:, None] - without, without, error)


def stacking_weights(log_density: Array, *, steps: int = 20_000) -> Array:
    """Return the weights that maximise the summed log density of the mixture of members.

    The objective is concave; the multiplicative steps (those of the EM algorithm) increase it every time.

    Parameters
    ----------
    log_density : (M, S) array
        Log predictive densities.
    steps : int
        Largest number of steps.
    """
    density = np.exp(log_density - log_density.max(axis=0))
    weights = np.full(len(density), 1.0 / len(density))
    for _ in range(steps):
        moved = weights * (density / (weights @ density)).mean(axis=1)
        if np.abs(moved - weights).max() < 1e-10:
            break
        weights = moved
    return np.asarray(weights / weights.sum())
