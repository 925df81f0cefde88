"""The classical engine against published meta-analyses: ``data/classical_targets.toml`` holds source and tolerance."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines.classical import (
    cluster_robust,
    component_interval,
    cumulative,
    multilevel,
    profile_likelihood,
    q_profile,
    random_effects,
    sign_flip_test,
)

DATA = Path(__file__).parent / "data"
TARGETS = {t["id"]: t for t in tomllib.loads((DATA / "classical_targets.toml").read_text(encoding="utf-8"))["target"]}


def read(name):
    with (DATA / f"classical_{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def numbers(name, *columns):
    data = read(name)
    return [data[column].astype(float) for column in columns]


def check(identifier, **found):
    target = TARGETS[identifier]
    for key, value in found.items():
        tolerance = target.get("tolerances", {}).get(key, target["tolerance"])
        np.testing.assert_allclose(
            value, target["expected"][key], rtol=0, atol=tolerance, err_msg=f"{identifier} {key}"
        )


def bcg(measure="RR"):
    a, b, c, d = numbers("bcg", "tpos", "tneg", "cpos", "cneg")
    if measure == "OR":
        return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def design(*columns):
    return np.stack([np.ones(len(columns[0])), *columns], axis=1)


def singletons(v):
    return [np.array([[value]]) for value in v]


def nested(table):
    """The Konstantopoulos table: schools (effects) within districts (studies)."""
    y, v = numbers(table, "yi", "vi")
    return table_from_arrays(y, v, np.zeros(y.size), study=read(table)["district"], exposure_range=(0.0, 1.0))


def test_bcg_by_every_estimator():
    y, v = bcg()
    for method, expected in TARGETS["uni.bcg.all_estimators"]["expected"].items():
        fit = random_effects(y, v, method=method)
        if method == "PMM":
            assert fit.tau2 == pytest.approx(expected["tau2"], abs=3e-5)
        else:
            check("uni.bcg.all_estimators", **{method: [fit.beta[0], fit.se[0], fit.tau2]})


def test_paule_mandel_is_empirical_bayes():
    """The two solve the same equation; metafor's printed Paule–Mandel value stops at its convergence tolerance."""
    y, v = bcg()
    fits = [random_effects(y, v, method=method).tau2 for method in ("PM", "EB")]
    assert fits[0] == fits[1]
    w = 1 / (v + fits[0])
    assert w @ (y - w @ y / w.sum()) ** 2 == pytest.approx(12, abs=1e-10)


def test_bcg_by_reml():
    y, v = bcg()
    fit = random_effects(y, v)
    _, low, high = fit.predict([1.0])
    check(
        "uni.bcg.reml",
        mu=fit.beta[0],
        se=fit.se[0],
        tau2=fit.tau2,
        I2=fit.i2,
        Q=fit.q,
        exp_mu=np.exp(fit.beta[0]),
        exp_ci=np.exp(fit.interval()[0]),
        exp_pi=np.exp([low, high]),
    )


def test_bcg_by_knapp_hartung():
    fit = random_effects(*bcg(), knapp_hartung=True)
    check(
        "uni.bcg.knapp_hartung",
        se=fit.se[0],
        t=fit.beta[0] / fit.se[0],
        p=fit.p_values()[0],
        ci=fit.interval()[0],
    )


def test_bcg_odds_ratios_as_stata_metan():
    y, v = bcg("OR")
    equal, fit = random_effects(y, v, method="EE"), random_effects(y, v, method="DL")
    check("uni.bcg.metan_or", EE_mu=equal.beta[0], Q=equal.q, DL_mu=fit.beta[0], DL_tau2=fit.tau2, DL_I2=fit.i2)


def test_viechtbauer_2005():
    y = [-0.581, 0.53, 0.771, 1.031, 0.553, 0.295, 0.078, 0.573, -0.176, -0.232]
    v = [0.023, 0.052, 0.06, 0.115, 0.095, 0.203, 0.2, 0.211, 0.051, 0.04]
    fits = [random_effects(y, v, method=method) for method in ("HS", "HE", "DL", "ML", "REML", "EB", "SJ")]
    check(
        "uni.viechtbauer2005.ex1",
        tau2=[fit.tau2 for fit in fits],
        I2=[fit.i2 for fit in fits],
        H2=[fit.h2 for fit in fits],
        se_tau2=[fit.se_tau2 for fit in fits],
    )


def test_collins_1985_intervals_of_tau2():
    a, m, c, n = numbers("collins1985b", "x1", "n1", "x2", "n2")
    y, v = np.log(a * (n - c) / (c * (m - a))), 1 / a + 1 / (m - a) + 1 / c + 1 / (n - c)
    expected = TARGETS["uni.collins1985b"]["expected"]
    for method, value in expected["tau2"].items():
        assert random_effects(y, v, method=method).tau2 == pytest.approx(value, abs=6e-5)
    assert q_profile(y, v) == pytest.approx(expected["ci"]["QP"], abs=6e-5)
    for method in ("ML", "REML"):
        assert profile_likelihood(y, v, method=method) == pytest.approx(expected["ci"][f"PL_{method}"], abs=6e-5)


def test_raudenbush_2009():
    y, v = numbers("raudenbush1985", "yi", "vi")
    methods = ("EE", "ML", "REML", "DL", "HE")
    fits = [random_effects(y, v, method=method) for method in methods]
    sandwich = [
        cluster_robust(y - f.beta[0], design(y)[:, :1], f.beta, singletons(v + f.tau2), kind="CR1") for f in fits
    ]
    check(
        "uni.raudenbush1985.table",
        tau2=[fit.tau2 for fit in fits],
        mu=[fit.beta[0] for fit in fits],
        se=[fit.se[0] for fit in fits],
        se_knha=[random_effects(y, v, method=method, knapp_hartung=True).se[0] for method in methods],
        se_huber_white=[robust.se[0] * np.sqrt(18 / 19) for robust in sandwich],  # the source leaves out S/(S − 1)
        Q=fits[0].q,
        z_reml=fits[2].beta[0] / fits[2].se[0],
    )


def test_cohen_1981():
    r, n = numbers("cohen1981", "ri", "ni")
    fit = random_effects(np.arctanh(r), 1 / (n - 3))
    mean, low, high = fit.predict([1.0])
    check(
        "uni.cohen1981",
        mu=fit.beta[0],
        se=fit.se[0],
        tau2=fit.tau2,
        Q=fit.q,
        r=np.tanh(mean),
        r_ci=np.tanh(fit.interval()[0]),
        r_pi=np.tanh([low, high]),
    )


def test_normand_1999():
    n, m, s, k, o, t = numbers("normand1999", "n1i", "m1i", "sd1i", "n2i", "m2i", "sd2i")
    pooled = ((n - 1) * s**2 + (k - 1) * t**2) / (n + k - 2)
    y, v = m - o, pooled * (1 / n + 1 / k)
    expected = TARGETS["uni.normand1999.md"]["expected"]
    for method in ("EE", "DL", "REML"):
        fit, wanted = random_effects(y, v, method=method), expected[f"pooled_sd_{method}"]
        assert fit.beta[0] == pytest.approx(wanted["mu"], abs=6e-5)
        assert fit.interval()[0] == pytest.approx(wanted["ci"], abs=6e-5)
        assert fit.tau2 == pytest.approx(wanted.get("tau2", 0.0), abs=6e-5)
    f = n + k - 2
    exact = np.exp(special.gammaln(f / 2) - special.gammaln((f - 1) / 2)) / np.sqrt(f / 2)
    g = exact * (m - o) / np.sqrt(pooled)
    treated, control = s**2 / (n * m**2), t**2 / (k * o**2)
    cases = {
        "ls_REML": (y, s**2 / n + t**2 / k),
        "smd_REML": (g, 1 / n + 1 / k + g**2 / (2 * (n + k))),
        "rom_REML_uncorrected": (np.log(m / o), treated + control),
        "rom_REML_bias_corrected": (
            np.log(m / o) + (treated - control) / 2,
            treated + control,
        ),
    }
    for name, (effects, variances) in cases.items():
        fit, wanted = random_effects(effects, variances), expected[name]
        assert [fit.beta[0], fit.se[0]] == pytest.approx([wanted["mu"], wanted["se"]], abs=6e-5)
        assert fit.q == pytest.approx(wanted.get("Q", fit.q), abs=6e-5)
        assert fit.tau2 == pytest.approx(wanted["tau2"], abs=2e-4)  # metafor's stopping rule shows in 684.6462


def test_hine_1989():
    m, n, a, c = numbers("hine1989", "n1i", "n2i", "ai", "ci")
    p, q = a / m, c / n
    y, v = 100 * (p - q), 1e4 * (p * (1 - p) / m + q * (1 - q) / n)
    fit = random_effects(y, v, method="EE")
    check(
        "uni.hine1989",
        EE_mu=fit.beta[0],
        ci=fit.interval()[0],
        tau2=random_effects(y, v, method="DL").tau2,
        exact_permutation_p=sign_flip_test(y, v),
    )


def test_bcg_by_latitude():
    y, v = bcg()
    x = design(*numbers("bcg", "ablat"))
    fit, hartung = random_effects(y, v, x), random_effects(y, v, x, knapp_hartung=True)
    check(
        "reg.bcg.ablat",
        b=fit.beta,
        se=fit.se,
        tau2=fit.tau2,
        R2=100 * (1 - fit.tau2 / random_effects(y, v).tau2),
        QM=(fit.beta[1] / fit.se[1]) ** 2,
        QE=fit.q,
        loglik=fit.loglik,
        knha_se=hartung.se,
        knha_p_slope=hartung.p_values()[1],
    )


def test_bcg_by_latitude_and_year():
    y, v = bcg()
    fit = random_effects(y, v, design(*numbers("bcg", "ablat", "year")))
    check(
        "reg.bcg.ablat_year",
        b=fit.beta,
        se=fit.se,
        tau2=fit.tau2,
        R2=100 * (1 - fit.tau2 / random_effects(y, v).tau2),
        QM=fit.beta[1:] @ np.linalg.solve(fit.vcov[1:, 1:], fit.beta[1:]),
        QE=fit.q,
    )


def test_berkey_1995():
    y, _ = bcg()
    a, b, c, d = numbers("bcg", "tpos", "tneg", "cpos", "cneg")
    smooth = np.sum(b / a) / (13 * (a + b)) + np.sum(d / c) / (13 * (c + d))
    expected = TARGETS["reg.berkey1995"]["expected"]
    fit, wanted = random_effects(y, smooth, method="EB"), expected["intercept_only"]
    assert [fit.beta[0], fit.se[0], fit.tau2] == pytest.approx(list(wanted.values()), abs=6e-5)
    centred = design(numbers("bcg", "ablat")[0] - 33.46)
    fit, wanted = random_effects(y, smooth, centred, method="EB"), expected["ablat_centred"]
    assert [*fit.beta, *fit.se, fit.tau2] == pytest.approx([*wanted["b"], *wanted["se"], wanted["tau2"]], abs=6e-5)


def test_colditz_1994():
    y, v = bcg("OR")
    expected = TARGETS["mv.colditz1994"]["expected"]
    assert np.exp(random_effects(y, v, method="EE").beta[0]) == pytest.approx(expected["EE_OR"], abs=6e-5)
    fit, wanted = random_effects(y, v, method="ML"), expected["ML_OR"]
    assert np.exp([fit.beta[0], *fit.interval()[0]]) == pytest.approx([wanted["or"], *wanted["ci"]], abs=6e-5)
    assert fit.tau2 == pytest.approx(wanted["tau2"], abs=6e-5)
    sloped, wanted = random_effects(y, v, design(*numbers("bcg", "ablat")), method="ML"), expected["ML_ablat"]
    assert [*sloped.beta, *sloped.se, sloped.tau2] == pytest.approx(
        [*wanted["b"], *wanted["se"], wanted["tau2"]], abs=2e-4
    )
    # R² magnifies what metafor's stopping rule leaves on τ² = .004.
    assert 100 * (1 - sloped.tau2 / fit.tau2) == pytest.approx(wanted["R2"], abs=1e-2)


def test_konstantopoulos_2011():
    expected = TARGETS["ml.konstantopoulos2011"]["expected"]
    table = nested("konstantopoulos2011")
    fit, wanted = random_effects(table.y, table.v), expected["two_level_REML"]
    found = [fit.beta[0], fit.se[0], fit.tau2, fit.se_tau2, *q_profile(table.y, table.v)]
    assert found == pytest.approx([wanted[k] for k in ("mu", "se", "tau2", "se_tau2")] + wanted["ci_tau2"], abs=1e-4)
    fit, wanted = multilevel(table, method="ML"), expected["three_level_ML"]
    assert [fit.beta[0], fit.se[0], *fit.sigma2.values()] == pytest.approx(
        [wanted["mu"], wanted["se"], *wanted["sigma2"]], abs=6e-5
    )
    assert fit.predict([1.0])[1:] == pytest.approx(wanted["pi"], abs=6e-5)


def test_konstantopoulos_2011_by_year():
    wanted = TARGETS["ml.konstantopoulos2011"]["expected"]["three_level_ML_year"]
    table = nested("konstantopoulos2011")
    year = numbers("konstantopoulos2011", "year")[0]
    fit = multilevel(table, design(year - year.mean()), method="ML")
    assert [*fit.beta, *fit.se, *fit.sigma2.values()] == pytest.approx(
        [*wanted["b"], *wanted["se"], *wanted["sigma2"]], abs=6e-5
    )


def test_konstantopoulos_2011_by_reml():
    wanted = TARGETS["ml.konstantopoulos2011"]["expected"]["three_level_REML"]
    table = nested("konstantopoulos2011")
    fit = multilevel(table)
    between, within = fit.sigma2.values()
    assert [fit.beta[0], fit.se[0], between, within] == pytest.approx(
        [wanted["mu"], wanted["se"], *wanted["sigma2"]], abs=2e-6
    )
    assert between / (between + within) == pytest.approx(wanted["icc"], abs=6e-5)
    assert fit.loglik == pytest.approx(wanted["loglik"], abs=6e-5)
    assert component_interval(table, component="study") == pytest.approx(wanted["ci_s1"], abs=6e-5)
    assert component_interval(table, component="effect") == pytest.approx(wanted["ci_s2"], abs=6e-5)


def test_begg_1989():
    data = read("begg1989")
    y, v, arms = (data[column].astype(float) for column in ("yi", "vi", "arms"))
    transplant = (data["trt"] == "BMT").astype(float)
    expected = TARGETS["mv.begg1989"]["expected"]
    paired = arms == 2
    fit = random_effects(y[paired][::2] - y[paired][1::2], v[paired][::2] + v[paired][1::2], method="DL")
    wanted = expected["controlled_DL"]
    assert [fit.beta[0], fit.se[0], fit.q] == pytest.approx(list(wanted.values()), abs=2e-6)
    table = table_from_arrays(y, v, transplant, study=data["study"], sample=[f"arm {i}" for i in range(y.size)])
    model, wanted = multilevel(table, design(transplant), levels=("study",), method="ML"), expected["ML_treatment"]
    assert [*model.beta, *model.se, model.sigma2["study"]] == pytest.approx(
        [*wanted["b"], *wanted["se"], wanted["sigma2"]], abs=2e-6
    )
    assert (model.beta[1] / model.se[1]) ** 2 == pytest.approx(wanted["QM"], abs=0.005)
    equal = multilevel(table, design(transplant), levels=(), method="ML")
    assert equal.residual**2 @ (1 / v) == pytest.approx(wanted["QE"], abs=0.005)


def test_gleser_2009_shared_control_arms():
    study = np.array([0, 0, 1, 2, 2, 2])
    treatment = np.array([0, 1, 0, 0, 1, 2])
    a, m = np.array([40, 40, 10, 150, 150, 150.0]), np.array([1000, 1000, 200, 2000, 2000, 2000.0])
    c, n = np.array([100, 150, 15, 40, 80, 50.0]), np.array([4000, 4000, 400, 1000, 1000, 1000.0])
    expected = TARGETS["es.dependent_arms.gleser2009_rd"]["expected"]
    p, q = a / m, c / n  # one control arm in each trial, several treatments
    y = p - q
    blocks = []
    for s in range(3):
        rows = study == s
        blocks.append(np.diag((q * (1 - q) / n)[rows]) + (p * (1 - p) / m)[rows][0])
    names = tuple(f"s{s}" for s in study)
    table = EffectTable(
        "gleser",
        "risk difference",
        names,
        names,
        names,
        y,
        tuple(blocks),
        treatment * 1.0,
        np.full(6, np.nan),
        (0.0, 2.0),
    )
    fit = multilevel(table, np.eye(3)[treatment], levels=(), method="ML")
    quadratic = fit.residual @ np.linalg.solve(table.covariance(), fit.residual)
    check("es.dependent_arms.gleser2009_rd", yi=y, coef=fit.beta, QE=quadratic)
    assert 1e6 * fit.vcov == pytest.approx(np.array(expected["vcov_1e6"]), abs=6e-4)


def test_bcg_robust():
    y, v = bcg()
    expected = TARGETS["rob.bcg"]["expected"]
    fit = random_effects(y, v)
    for kind in ("CR1", "CR2"):
        robust = cluster_robust(y - fit.beta[0], np.ones((13, 1)), fit.beta, singletons(v + fit.tau2), kind=kind)
        found = [robust.vcov[0, 0], robust.beta[0] / robust.se[0], robust.df[0]]
        assert found == pytest.approx([expected[kind][key] for key in ("vcov", "t", "df")], abs=1e-5)
    x = design(*numbers("bcg", "ablat", "year"))
    fit = random_effects(y, v, x)
    robust = cluster_robust(y - x @ fit.beta, x, fit.beta, singletons(v + fit.tau2))
    wanted = expected["CR2_ablat_year"]
    # metafor's τ² is .110787 at its convergence tolerance, .110784697 exactly; the errors inherit 2e-6, relative.
    assert robust.se == pytest.approx(wanted["se"], rel=3e-5)
    assert robust.df == pytest.approx(wanted["df"], abs=5e-6)
    f, df1, df2, p = robust.wald([1, 2])
    assert [f, df1, df2, p] == pytest.approx([wanted[key] for key in ("F", "df1", "df2", "p")], abs=3e-5)


def test_robumeta_hierarchical():
    """Robust errors with several effects in a study; robumeta's two moment estimates of variance are inputs here."""
    tau2, omega2 = 0.02362070861792023, 0.1086550542958002
    study = read("hierdat")["studyid"]
    y, v, *columns = numbers("hierdat", "effectsize", "var", "binge", "followup", "sreport", "age")
    table = table_from_arrays(y, v, columns[0], study=study, sample=[f"row {i}" for i in range(y.size)])
    assert table.y == pytest.approx(y)
    x = design(*columns)
    weights = 1 / (v + tau2 + omega2)
    beta = np.linalg.solve(x.T @ (weights[:, None] * x), x.T @ (weights * y))
    blocks = [np.diag(block) for block in np.split(1 / weights, table.starts[1:])]
    robust = cluster_robust(y - x @ beta, x, beta, blocks)
    check(
        "rob.robumeta_hier",
        intercept=beta[0],
        se_intercept=robust.se[0],
        df_intercept=robust.df[0],
        binge=beta[1],
        se_binge=robust.se[1],
        df_binge=robust.df[1],
        p_binge=robust.p_values()[1],
        followup=beta[2],
        sreport=beta[3],
        age=beta[4],
    )


def test_cumulative_by_year():
    y, v = bcg()
    check("diag.bcg.cumulative_by_year", mu=cumulative(y, v, numbers("bcg", "year")[0])[0])


def test_exact_sign_flips():
    check("diag.bcg.exact_permutation", p=sign_flip_test(*bcg()))


def test_follmann_proschan_1999():
    table = np.array(
        [
            [173, 5331, 210, 5296],
            [157, 1906, 193, 1900],
            [131, 4541, 121, 4516],
            [56, 2051, 84, 2030],
            [52, 424, 65, 422],
            [36, 1149, 42, 1129],
            [62, 6582, 20, 1663],
            [2, 88, 2, 30],
        ],
        float,
    )
    a, m, c, n = table.T
    events, total = a + c, m + n
    v = events * (total - events) * m * n / (total**2 * (total - 1))
    p = sign_flip_test((a - events * m / total) / v, 1 / v, method="DL", statistic="mean")
    assert TARGETS["diag.follmann_proschan"]["expected"]["p"] == "10/256"
    assert p == 10 / 256
