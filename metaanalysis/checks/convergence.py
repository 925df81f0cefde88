"""Whether the Markov chains of a fit converged.

A fit of the PyMC engine that missed a limit is refused when it is made; this check shows the numbers, and judges fits
that were made with ``require=False``. Fits without chains pass: there is nothing to converge.
"""

from typing import TYPE_CHECKING

from metaanalysis.engines.engine import Fit
from metaanalysis.engines.pymc_convergence import (
    BFMI,
    ESS,
    R_HAT,
    Convergence,
    ConvergenceError,
    diagnose,
    require_convergence,
)
from metaanalysis.engines.pymc_posterior import DrawPosterior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BFMI", "ESS", "R_HAT", "ConvergenceError", "convergence", "convergence_frame", "require_converged"]


def convergence(fit: Fit) -> Convergence | None:
    """Return the diagnostics of a fit's chains; None for a fit without chains."""
    return diagnose(fit.posterior.tree) if isinstance(fit.posterior, DrawPosterior) else None


def require_converged(fit: Fit) -> None:
    """Raise what a fit's chains missed, if anything.

    Raises
    ------
    ConvergenceError
        With every limit missed, the worst parameter, and what to do.
    """
    found = convergence(fit)
    if found is not None:
        require_convergence(found, f"{fit.table.name}: {fit.model.name}")


def convergence_frame(fit: Fit) -> "pd.DataFrame":
    """Return one row per scalar parameter: r_hat, ess_bulk, ess_tail, and whether it keeps the limits.

    The frame has no rows for a fit without chains.
    """
    import pandas as pd

    found = convergence(fit)
    rows = [
        {
            "parameter": mixing.parameter,
            "r_hat": mixing.r_hat,
            "ess_bulk": mixing.ess_bulk,
            "ess_tail": mixing.ess_tail,
            "passed": mixing.passed,
        }
        for mixing in (found.mixing if found else ())
    ]
    return pd.DataFrame(rows, columns=["parameter", "r_hat", "ess_bulk", "ess_tail", "passed"])
