"""Bridge sampling: the log evidence of a model with few parameters from posterior draws.

The iterative estimator of Meng and Wong (1996) with a normal proposal in unconstrained coordinates, as Gronau et al.
(2017, Journal of Mathematical Psychology 81, 80-97) describe it: half of the draws fit the proposal, the other half
are bridged; then the halves change roles and the two estimates are averaged. The relative error is that of
Frühwirth-Schnatter (2004, Econometrics Journal 7, 143-167), with the effective sample size of the autocorrelated part.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metaanalysis.errors import NumericalError
from metaanalysis.number import Number

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]
ITERATIONS = 1000
TOLERANCE = 1e-10
PROPOSALS = 4  # draws of the proposal per posterior draw: they are cheap


def bridge(log_density: LogDensity, draws: Array, *, seed: int) -> Number:
    """Return the log of the integral of an unnormalised density.

    Parameters
    ----------
    log_density : callable
        Log density (n,) of points (n, d) in unconstrained coordinates, every constant and Jacobian included.
    draws : (chains, n, d) array
        Draws from the density, normalised.
    seed : int
        Seed of the proposal's draws.

    Returns
    -------
    Number
        The log integral and the standard error of its estimate.

    Raises
    ------
    NumericalError
        If the proposal cannot be fitted or the iteration does not settle.
    """
    middle = draws.shape[1] // 2
    halves = draws[:, :middle], draws[:, middle : 2 * middle]
    rng = np.random.default_rng([seed, 3])
    found = [_bridge(log_density, fitted, bridged, rng) for fitted, bridged in (halves, halves[::-1])]
    # The two estimates share all draws, so averaging them is not credited with a smaller error.
    error = float(np.sqrt(np.mean([estimate.error**2 for estimate in found])))
    return Number(float(np.mean([estimate.value for estimate in found])), error)


def _bridge(log_density: LogDensity, fitted: Array, bridged: Array, rng: np.random.Generator) -> Number:
    """Return the estimate with the proposal fitted to some draws and bridging others."""
    d = fitted.shape[2]
    sample = fitted.reshape(-1, d)
    centre = sample.mean(axis=0)
    try:
        root = np.linalg.cholesky(np.atleast_2d(np.cov(sample.T)))
    except np.linalg.LinAlgError:
        raise NumericalError("bridge sampling: the covariance of the draws is not positive definite") from None
    proposed = centre + rng.standard_normal((PROPOSALS * len(sample), d)) @ root.T

    def log_proposal(points: Array) -> Array:
        z = np.linalg.solve(root, (points - centre).T)
        constant = np.log(np.diag(root)).sum() + 0.5 * d * np.log(2 * np.pi)
        return np.asarray(-0.5 * (z**2).sum(axis=0) - constant)

    own = bridged.reshape(-1, d)
    ratio_own = log_density(own) - log_proposal(own)
    ratio_proposed = log_density(proposed) - log_proposal(proposed)
    if np.isnan(ratio_own).any() or np.isnan(ratio_proposed).any():
        raise NumericalError("bridge sampling: the log density is not a number at some draws")
    chains = bridged.shape[0]
    return _iterate(ratio_own.reshape(chains, -1), ratio_proposed)


def _iterate(own: Array, proposed: Array) -> Number:
    """Return the fixed point of the estimator from log density ratios at draws (chains, n) and at proposals."""
    shift = float(np.median(own))
    effective = _effective(own)
    share = effective / (effective + proposed.size)
    ratio = 0.0

    def terms(log_ratio: float) -> tuple[Array, Array]:
        # density / (share * density + rest * proposal), and proposal / (the same), in units of the integral
        top = 1 / (share + (1 - share) * np.exp(np.clip(log_ratio - (proposed - shift), -700, 700)))
        bottom = 1 / (share * np.exp(np.clip(own - shift - log_ratio, -700, 700)) + (1 - share))
        return top, bottom

    for _ in range(ITERATIONS):
        top, bottom = terms(ratio)
        moved = ratio + np.log(top.mean()) - np.log(bottom.mean())
        if abs(moved - ratio) < TOLERANCE:
            break
        ratio = moved
    else:
        raise NumericalError("bridge sampling: the estimator does not settle. Raise draws.")
    top, bottom = terms(ratio)
    square = top.var() / top.mean() ** 2 / top.size
    square += bottom.var() / bottom.mean() ** 2 / _effective(bottom)
    return Number(shift + ratio, float(np.sqrt(square)))


def _effective(chains: Array) -> float:
    """Return the effective sample size of the mean, never above the number of draws."""
    import arviz

    found = float(arviz.ess(chains, method="mean")) if np.ptp(chains) > 0 else np.nan
    return float(np.clip(found, 1, chains.size)) if np.isfinite(found) else float(chains.size)
