"""Priors as PyMC variables."""

from typing import Any

import numpy as np

from metaanalysis.models.priors import Prior

LOG = "log_"  # prefix of the parameter that is sampled for a log-uniform prior


def distribution(prior: Prior) -> Any:
    """Return a prior as a PyMC distribution without a name.

    Raises
    ------
    KeyError
        For a family that PyMC has no distribution for here: point and log-uniform priors are made by `variable`.
    """
    import pymc as pm

    makers = {
        "normal": lambda p: pm.Normal.dist(p["mean"], p["sd"]),
        "student_t": lambda p: pm.StudentT.dist(nu=p["df"], mu=p["mean"], sigma=p["scale"]),
        "half_normal": lambda p: pm.HalfNormal.dist(p["scale"]),
        "half_t": lambda p: pm.HalfStudentT.dist(nu=p["df"], sigma=p["scale"]),
        "half_cauchy": lambda p: pm.HalfCauchy.dist(p["scale"]),
        "uniform": lambda p: pm.Uniform.dist(p["lower"], p["upper"]),
        "gamma": lambda p: pm.Gamma.dist(alpha=p["shape"], beta=p["rate"]),
        "inverse_gamma": lambda p: pm.InverseGamma.dist(alpha=p["shape"], beta=p["scale"]),
        "flat": lambda p: pm.Flat.dist(),
    }
    return makers[prior.family](prior.values)


def variable(name: str, prior: Prior) -> Any:
    """Return a named variable of the PyMC model in context, or a number if the prior is a point."""
    import pymc as pm
    import pytensor.tensor as pt

    if prior.fixed:
        return prior["value"]
    if prior.family == "log_uniform":
        log = pm.Uniform(LOG + name, np.log(prior["lower"]), np.log(prior["upper"]))
        return pm.Deterministic(name, pt.exp(log))
    return pm.Model.get_context().register_rv(distribution(prior), name)
