"""Convergence of Markov chains: what is computed, where the limits are, and the error when they are missed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaanalysis.errors import NumericalError

R_HAT = 1.01
ESS = 400.0
BFMI = 0.3
REMEDY = {
    "divergences": "Raise target_accept (to 0.99, say); if that does not help, a prior is too wide for these data.",
    "E-BFMI": "Raise tune; if that does not help, give the heterogeneity a tighter prior.",
    "R-hat": "Raise draws and tune; if that does not help, the posterior has several modes that chains do not mix.",
    "ESS": "Raise draws.",
}


class ConvergenceError(NumericalError):
    """The chains of a fit cannot be trusted: the message says which parameter and what to do."""


@dataclass(frozen=True, slots=True)
class Mixing:
    """How one scalar parameter mixed.

    Attributes
    ----------
    parameter : str
        Name, with an index for elements of arrays.
    r_hat : float
        Rank-normalised split R-hat (Vehtari et al. 2021).
    ess_bulk, ess_tail : float
        Effective sample sizes in the bulk and in the tails.
    """

    parameter: str
    r_hat: float
    ess_bulk: float
    ess_tail: float

    @property
    def passed(self) -> bool:
        """Whether all limits are kept; a NaN does not."""
        return self.r_hat < R_HAT and self.ess_bulk > ESS and self.ess_tail > ESS


@dataclass(frozen=True, slots=True)
class Convergence:
    """Diagnostics of a set of chains.

    Attributes
    ----------
    mixing : tuple of Mixing
        One per scalar parameter.
    divergences : int
        Divergent transitions after tuning.
    bfmi : float
        Smallest energy Bayesian fraction of missing information over the chains (Betancourt 2016).
    """

    mixing: tuple[Mixing, ...]
    divergences: int
    bfmi: float

    @property
    def numbers(self) -> dict[str, float]:
        """The worst of each diagnostic, as `Fit.diagnostics` keeps them."""
        return {
            "r_hat_max": float(np.max([m.r_hat for m in self.mixing])),
            "ess_bulk_min": float(np.min([m.ess_bulk for m in self.mixing])),
            "ess_tail_min": float(np.min([m.ess_tail for m in self.mixing])),
            "divergences": float(self.divergences),
            "bfmi_min": self.bfmi,
            "converged": float(not list(self.failures())),
        }

    def failures(self) -> Iterator[str]:
        """Yield one sentence per limit missed, with the parameter that misses it most and what to do."""
        if self.divergences:
            yield f"{self.divergences} divergent transitions. {REMEDY['divergences']}"
        if not self.bfmi > BFMI:
            yield f"E-BFMI is {self.bfmi:.2f}, not above {BFMI}. {REMEDY['E-BFMI']}"
        worst = max(self.mixing, key=lambda m: m.r_hat if np.isfinite(m.r_hat) else np.inf)
        if not worst.r_hat < R_HAT:
            yield f"R-hat of {worst.parameter} is {worst.r_hat:.3f}, not below {R_HAT}. {REMEDY['R-hat']}"
        for kind in ("bulk", "tail"):
            sizes = {m.parameter: m.ess_bulk if kind == "bulk" else m.ess_tail for m in self.mixing}
            name, size = min(sizes.items(), key=lambda item: item[1] if np.isfinite(item[1]) else -np.inf)
            if not size > ESS:
                yield f"{kind} ESS of {name} is {size:.0f}, not above {ESS:.0f}. {REMEDY['ESS']}"


def diagnose(tree: Any) -> Convergence:
    """Return the diagnostics of all sampled and derived parameters of a tree with ``posterior`` and ``sample_stats``.

    True effects of rows are left out: they are drawn given the parameters, not by the chains.
    """
    import arviz

    posterior = tree["posterior"].to_dataset()
    data = posterior.drop_vars("true_effect", errors="ignore")
    r_hat, bulk, tail = arviz.rhat(data), arviz.ess(data, method="bulk"), arviz.ess(data, method="tail")
    mixing = []
    for name in data.data_vars:
        cells = zip(*(np.ravel(found[name].values) for found in (r_hat, bulk, tail)), strict=True)
        for i, (r, b, t) in enumerate(cells):
            label = f"{name}[{i}]" if r_hat[name].ndim else str(name)
            mixing.append(Mixing(label, float(r), float(b), float(t)))
    stats = tree["sample_stats"]
    energy = np.asarray(stats["energy"].values, float)
    bfmi = (np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1)
    return Convergence(tuple(mixing), int(stats["diverging"].values.sum()), float(bfmi.min()))


def require_convergence(convergence: Convergence, where: str) -> None:
    """Raise the limits missed, if any.

    Raises
    ------
    ConvergenceError
        If R-hat, effective sample sizes, divergences or E-BFMI are beyond their limits.
    """
    missed = list(convergence.failures())
    if missed:
        raise ConvergenceError("\n".join(f"{where}: {sentence}" for sentence in missed))
