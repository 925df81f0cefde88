"""The BCG target through the public interface: a spec that names a CSV file, run as any analysis is.

Source and tolerances: see test_exact_bcg.py. The numbers here come out of `run_analysis`, so that the path from CSV to
frames and headline numbers is held to the same values.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from metaanalysis.analysis import run_analysis
from metaanalysis.effects.measures.log_risk_ratio import log_risk_ratio
from metaanalysis.results import Results
from metaanalysis.spec import load_spec

COUNTS = Path(__file__).parent / "data" / "bcg.csv"
SPEC = """
title = "BCG vaccine and latitude"
question = "Does the protection by BCG vaccine jump at some latitude?"
models = ["flat", "linear", "logistic", "kink", "step"]
[table]
source = "csv"
path = "trials.csv"
columns = { y = "yi", v = "vi", x = "ablat", study = "trial" }
[exposure]
label = "absolute latitude"
low = 13
high = 55
[priors]
intercept = { family = "normal", mean = 0, sd = 1, reason = "as published" }
slope = { family = "normal", mean = 0, sd = 1, reason = "as published" }
jump = { family = "normal", mean = 0, sd = 1, reason = "as published" }
rise = { family = "normal", mean = 0, sd = 1, reason = "as published" }
bend = { family = "normal", mean = 0, sd = 1, reason = "as published" }
threshold = { family = "uniform", lower = 13, upper = 55, reason = "as published" }
width = { family = "log_uniform", lower = 0.5, upper = 42, reason = "as published" }
[heterogeneity]
between = { family = "half_normal", scale = 0.5, reason = "as published" }
within = 0
[grid]
scales = [0.5, 1, 2]
reason = "twice as narrow to twice as wide"
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("bcg")
    with COUNTS.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    a, b, c, d = (np.array([float(row[name]) for row in rows]) for name in ("tpos", "tneg", "cpos", "cneg"))
    effects = log_risk_ratio(a, a + b, c, c + d)
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trial", "yi", "vi", "ablat"])
        for row, y, v in zip(rows, effects.yi, effects.vi, strict=True):
            writer.writerow([row["trial"], repr(float(y)), repr(float(v)), row["ablat"]])
    (folder / "bcg.toml").write_text(SPEC, encoding="utf-8")
    return run_analysis(load_spec(folder / "bcg.toml"), folder=folder)


def test_log_evidence(results: Results) -> None:
    frame = results.frames["models"].set_index("model")["log_evidence"]
    expected = {"flat": -15.888446, "linear": -12.923207, "step": -13.641822, "kink": -12.755011}
    for model, value in expected.items():
        assert frame[model] == pytest.approx(value, abs=1.5e-6)
    assert frame["logistic"] == pytest.approx(-13.61067, abs=1e-5)


def test_the_threshold_is_located_and_its_sharpness_is_not(results: Results) -> None:
    gaps = results.frames["threshold"]
    step = gaps[(gaps["model"] == "step") & (gaps["low"] == 33)]["probability"]
    assert float(step.iloc[0]) == pytest.approx(0.83858, abs=2e-5)
    assert results.numbers["sharp.bf"] == pytest.approx(0.9693, abs=1e-4)


def test_errors_are_stated_and_small(results: Results) -> None:
    assert 0 < float(results.frames["models"]["error"].max()) <= 1e-6
    assert results.numbers["k.effects"] == 13
    assert len(results.frames["flow"]) == 0
