"""Which effects of a study share people, and the working correlation that follows.

Effects share people where they have the same sample, or one sample's name begins with the other's and an underscore
(``main`` contains ``main_novices``). Effects that share a reference arm only are given the same sample by
convention.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SMALLEST_EIGENVALUE = 0.05
"""A working correlation matrix is shrunk towards independence until no eigenvalue is smaller."""


def overlap(a: str, b: str) -> bool:
    """Return whether two samples of one study share people, by their names.

    Examples
    --------
    >>> overlap("main", "main_novices"), overlap("main_novices", "main_experts"), overlap("main", "mainland")
    (True, False, False)
    """
    return a == b or a.startswith(f"{b}_") or b.startswith(f"{a}_")


def working_correlation(samples: Sequence[str], rho: float) -> NDArray[np.float64]:
    """Return the working correlation of one study's effects: rho where samples overlap, 0 elsewhere.

    A sample with several disjoint parts cannot correlate strongly with all of them (k parts: k rho² < 1), so a
    matrix that is not safely positive definite is shrunk towards the identity as little as possible.

    Parameters
    ----------
    samples : sequence of str, length k
        Sample of each effect.
    rho : float
        Sampling correlation between effects on the same people, between -1 and 1.

    Returns
    -------
    (k, k) array

    Notes
    -----
    The correlated-and-hierarchical-effects working model of Pustejovsky & Tipton (2022), Prevention Science 23,
    425-438, doi:10.1007/s11121-021-01246-3.
    """
    k = len(samples)
    shared = np.array([[overlap(a, b) for b in samples] for a in samples]).reshape(k, k)
    matrix = np.where(np.eye(k, dtype=bool), 1.0, np.where(shared, rho, 0.0))
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    whole = all(samples[0] == sample for sample in samples)
    if smallest >= SMALLEST_EIGENVALUE or (whole and rho >= 0):
        return matrix
    share = (SMALLEST_EIGENVALUE - smallest) / (1 - smallest)
    return (1 - share) * matrix + share * np.eye(k)
