"""The classical engine against metafor run to convergence, on public data and a made-up table of dependent effects.

``metafor.json`` is what ``metafor.R`` printed. Where R and metafor are installed the script runs again, and the record
must still be what it prints.
"""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines.classical import cluster_robust, cumulative, multilevel, q_profile, random_effects

HERE = Path(__file__).parent
DATA = HERE.parent / "reference" / "data"
RECORD = json.loads((HERE / "metafor.json").read_text(encoding="utf-8"))
RELATIVE = 2e-6
"""Variance components from metafor's optimiser are good to about 1e-6."""


def read(name):
    with (DATA / f"classical_{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def bcg():
    data = read("bcg")
    return [data[key].astype(float) for key in ("tpos", "tneg", "cpos", "cneg", "ablat", "year")]


def risk_ratios():
    a, b, c, d, _, _ = bcg()
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def dependent():
    data = read("dependent")
    return table_from_arrays(
        data["yi"].astype(float),
        data["vi"].astype(float),
        data["x"].astype(float),
        study=data["study"],
        sample=data["sample"],
        rho=0.6,
    )


def matches(name, *found):
    np.testing.assert_allclose(
        np.concatenate([np.ravel(value) for value in found]), RECORD[name], rtol=RELATIVE, atol=1e-9
    )


@pytest.mark.parametrize("method", ["ML", "REML", "EB", "PM"])
def test_independent_effects(method):
    fit = random_effects(*risk_ratios(), method=method)
    matches(f"bcg_{method}", fit.beta, fit.se, fit.tau2, fit.se_tau2, fit.i2)


@pytest.mark.parametrize("test", ["z", "knha"])
def test_two_moderators(test):
    *_, latitude, year = bcg()
    x = np.stack([np.ones(13), latitude, year], axis=1)
    fit = random_effects(*risk_ratios(), x, knapp_hartung=test == "knha")
    matches(f"bcg_ablat_year_{test}", fit.beta, fit.se, fit.tau2, fit.p_values(), fit.loglik)


def test_odds_ratios_by_maximum_likelihood():
    a, b, c, d, latitude, _ = bcg()
    fit = random_effects(
        np.log(a * d / (b * c)),
        1 / a + 1 / b + 1 / c + 1 / d,
        np.stack([np.ones(13), latitude], axis=1),
        method="ML",
    )
    matches("odds_ablat_ML", fit.beta, fit.se, fit.tau2)


def test_q_profile():
    data = read("konstantopoulos2011")
    matches("schools_q_profile", q_profile(data["yi"].astype(float), data["vi"].astype(float)))


def test_cumulative():
    matches("bcg_cumulative", cumulative(*risk_ratios(), bcg()[-1])[0][1:])


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_dependent_effects(method):
    table = dependent()
    fit = multilevel(table, np.stack([np.ones(len(table)), table.x], axis=1), method=method)
    matches(f"dependent_two_{method}", fit.beta, fit.se, list(fit.sigma2.values()), fit.loglik)


def test_robust_errors_of_dependent_effects():
    table = dependent()
    fit = multilevel(table, np.stack([np.ones(len(table)), table.x], axis=1))
    robust = cluster_robust(fit.residual, fit.design, fit.beta, fit.blocks, kind="CR1")
    matches("dependent_robust", robust.beta, robust.se, robust.p_values())


def test_three_levels():
    fit = multilevel(dependent(), levels=("study", "sample", "effect"))
    matches("dependent_three_REML", fit.beta, fit.se, list(fit.sigma2.values()), fit.loglik)


def test_record_is_what_metafor_prints():
    """The record covers every comparison; R, where it is installed with metafor, still prints it."""
    assert len(RECORD) == 14
    printed = RECORD
    rscript = shutil.which("Rscript")
    if rscript and not subprocess.run([rscript, "-e", "library(metafor)"], capture_output=True, check=False).returncode:
        command = [rscript, str(HERE / "metafor.R"), str(DATA)]
        printed = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert printed.keys() == RECORD.keys()
    for name in RECORD.keys() - {"versions"}:
        np.testing.assert_allclose(printed[name], RECORD[name], rtol=RELATIVE, atol=1e-9)
