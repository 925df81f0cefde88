"""Threshold regression and its tests against published values: ``data/classical_targets.toml``."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines.classical import (
    f_statistics,
    random_effects,
    segments,
    sup_lm,
    sup_test,
    threshold_regression,
)

DATA = Path(__file__).parent / "data"
TARGETS = {t["id"]: t for t in tomllib.loads((DATA / "classical_targets.toml").read_text(encoding="utf-8"))["target"]}


def numbers(name, *columns):
    with (DATA / f"classical_{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[column]) for row in rows]) for column in columns]


def check(identifier, **found):
    target = TARGETS[identifier]
    for key, value in found.items():
        tolerance = target.get("tolerances", {}).get(key, target["tolerance"])
        np.testing.assert_allclose(
            value, target["expected"][key], rtol=0, atol=tolerance, err_msg=f"{identifier} {key}"
        )


@pytest.fixture(scope="module")
def growth():
    """Durlauf and Johnson's growth data as Hansen (2000) uses them: outcome, design, GDP of 1960, literacy."""
    names = ("gdp1960", "gdp1985", "popgrowth", "investment", "school", "literacy")
    start, end, growth, investment, school, literacy = numbers("dur_john", *names)
    x = np.stack(
        [
            np.ones(start.size),
            np.log(start),
            np.log(investment / 100),
            np.log(growth / 100 + 0.05),
            np.log(school / 100),
        ],
        axis=1,
    )
    return np.log(end) - np.log(start), x, start, literacy


def white(x, y):
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ y
    scores = x * (y - x @ beta)[:, None]
    return beta, np.sqrt(np.diag(bread @ scores.T @ scores @ bread))


def test_hansen_2000_data(growth):
    """The data file is the published one: the linear regression by plain least squares."""
    y, x, _, _ = growth
    beta, se = white(x, y)
    check("thr.hansen2000.linear", n=len(y), b=beta, se=se, SSE=np.sum((y - x @ beta) ** 2))


def test_hansen_2000_first_split(growth):
    y, x, gdp, _ = growth
    fit = threshold_regression(y, x, gdp, trim=0.0)
    check(
        "thr.hansen2000.first_split",
        threshold=fit.threshold,
        SSE=fit.sse,
        R2_joint=1 - fit.sse / np.sum((y - y.mean()) ** 2),
        ci90=fit.confidence_set(0.90, scale="hansen2000"),
        ci95=fit.confidence_set(0.95, scale="hansen2000"),
        ci99=fit.confidence_set(0.99, scale="hansen2000"),
        n_regime=[fit.n_low, fit.n_high],
        b_low=fit.low,
        b_high=fit.high,
        se_low=fit.se_low,
        se_high=fit.se_high,
    )
    assert fit.sse_linear == pytest.approx(TARGETS["thr.hansen2000.linear"]["expected"]["SSE"], abs=1e-6)


def test_hansen_2000_sup_lm(growth):
    y, x, gdp, literacy = growth
    expected = TARGETS["thr.hansen2000.sup_lm"]["expected"]
    high = gdp > 863
    cases = {
        "gdp": (slice(None), gdp),
        "literacy": (slice(None), literacy),
        "high_gdp_literacy": (high, literacy),
        "high_gdp_gdp": (high, gdp),
        "low_gdp_gdp": (~high, gdp),
    }
    for name, (rows, q) in cases.items():
        statistic, where, p = sup_lm(y[rows], x[rows], q[rows], draws=1000, seed=1)
        assert statistic == pytest.approx(expected[name]["LM"], abs=1e-5)
        assert where == expected[name]["at"]
        # Four Monte Carlo standard errors of the difference of two runs of 1000 draws at p = .2.
        assert p == pytest.approx(expected[name]["p_1000"], abs=4 * np.sqrt(2 * 0.2 * 0.8 / 1000))


def test_nile():
    (volume,) = numbers("nile", "volume")
    ones = np.ones((100, 1))
    found = f_statistics(volume, ones)
    check("thr.nile.strucchange", supF=found.sup, aveF=found.ave, expF=found.exp, supF_p=found.p_sup)
    fit = threshold_regression(volume, ones, np.arange(1871, 1971))
    check("thr.nile.strucchange", break_year=fit.threshold, segment_means=[fit.low[0], fit.high[0]])
    parts = segments(volume, ones)
    check("thr.nile.strucchange", RSS=[part.rss for part in parts], BIC=[part.bic for part in parts])
    assert [part.breaks for part in parts[:3]] == [(), (28,), (28, 83)]


def test_uk_driver_deaths():
    (deaths,) = numbers("ukdriverdeaths", "deaths")
    y = np.log10(deaths)
    now = np.arange(12, 192)
    found = f_statistics(y[now], np.stack([np.ones(180), y[now - 1], y[now - 12]], axis=1), trim=0.1)
    check(
        "thr.ukdriverdeaths",
        supF=found.sup,
        supF_p=found.p_sup,
        aveF=found.ave,
        aveF_p=found.p_ave,
        expF=found.exp,
        expF_p=found.p_exp,
    )


def bcg():
    a, b, c, d, latitude = numbers("bcg", "tpos", "tneg", "cpos", "cneg", "ablat")
    y, v = np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return y, v, latitude


def test_metacart_one_split_of_bcg():
    """The best single split by latitude, DerSimonian–Laird heterogeneity re-estimated at each, three trials a side."""
    y, v, latitude = bcg()
    fits = {}
    for c in np.unique(latitude)[:-1]:
        above = latitude > c
        if 3 <= above.sum() <= 10:
            fits[c] = random_effects(y, v, np.stack([~above, above], axis=1), method="DL")

    def between(fit):
        return (fit.beta[1] - fit.beta[0]) ** 2 / (fit.se**2).sum()

    best = max(fits, key=lambda c: between(fits[c]))
    assert best == 33
    check(
        "thr.metacart.bcg_ablat",
        Qb=between(fits[best]),
        tau2_before=random_effects(y, v, method="DL").tau2,
        tau2_after=fits[best].tau2,
        g=fits[best].beta,
        se=fits[best].se,
        naive_p=special.chdtrc(1, between(fits[best])),
    )


def test_search_is_paid_for_on_bcg():
    """Same gap as metacart's split; the statistic differs (covariance of the null), so only the order of p holds."""
    y, v, latitude = bcg()
    found = sup_test(table_from_arrays(y, v, latitude), null="flat", levels=("study",), draws=1999, min_studies=3)
    assert found.threshold == (33.0, 42.0)
    assert found.permuted == "exposures"
    assert found.p_naive < found.p_permutation < 0.1
    assert found.p_naive < found.p_bootstrap < 0.1
