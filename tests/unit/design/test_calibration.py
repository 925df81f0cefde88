"""Calibration finds what is wrong, lets pass what is right, and does not depend on the order of its tasks."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaanalysis.design.calibration import Plan, keys, run_task
from metaanalysis.design.command import calibrate, holds
from metaanalysis.design.record import build_record, design_mapping, design_table, header, model_from_mapping, p_values
from metaanalysis.design.simulate import generator, simulate
from metaanalysis.design.tasks import run_tasks
from metaanalysis.design.uniformity import ecdf_p_value
from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.errors import InputError, NumericalError
from metaanalysis.models.model import Model, build_model
from metaanalysis.models.priors import normal

NAMES = ("flat", "linear", "step")


def design() -> EffectTable:
    rng = np.random.default_rng(3)
    return table_from_arrays(
        np.zeros(12),
        rng.uniform(0.002, 0.03, 12),
        np.tile([0.0, 1.5, 4.0, 6.0], 3),
        study=[f"study {i}" for i in (0, 0, 1, 1, 2, 3, 4, 5, 5, 6, 7, 7)],
        rho=0.5,
        exposure_range=(0.0, 10.0),
        name="a small design",
    )


def plan() -> Plan:
    return Plan(design(), {name: build_model(name, exposure_range=(0.0, 10.0)) for name in NAMES}, seed=5)


def made_up(count: int, *, lean: float = 0.0, narrow: float = 1.0) -> dict[str, Mapping[str, Any]]:
    """Results of a family of two whose probabilities are overstated by `lean` on the log-odds scale."""
    rng = np.random.default_rng(4)
    results: dict[str, Mapping[str, Any]] = {}
    for i in range(count):
        for name in NAMES:
            pit = {"intercept": float(rng.beta(narrow, narrow))}
            said = float(rng.random())
            beyond = {"probability": said, "true": bool(rng.random() < said)}
            extra = {"beyond": beyond} if name == "step" else {}
            results[f"posterior/{name}/{i}"] = {"pit": pit, "error": 1e-6, "seconds": 0.0, **extra}
        right = rng.dirichlet([1.0, 1.0, 2.0])
        truth = NAMES[int(rng.choice(3, p=right))]
        shown = right * np.exp([0.0, 0.0, lean])
        probabilities = dict(zip(NAMES, (shown / shown.sum()).tolist(), strict=True))
        pit = {"jump": float(rng.random())}
        results[f"models/{i}"] = {"truth": truth, "probabilities": probabilities, "pit": pit, "seconds": 0.0}
    return results


def test_tasks_are_mixed_evenly() -> None:
    assert keys(["a", "b"], 2) == [
        "posterior/a/0", "posterior/b/0", "models/0", "posterior/a/1", "posterior/b/1", "models/1",
    ]  # fmt: skip
    with pytest.raises(InputError, match="positive"):
        keys(["a"], 0)


def test_a_task_notes_every_quantity() -> None:
    step = run_task("posterior/step/0", plan=plan())
    assert set(step["pit"]) == {
        "intercept", "jump", "threshold", "tau_within", "tau_between", "curve(2.5)", "curve(7.5)", "log_likelihood",
    }  # fmt: skip
    family = run_task("models/0", plan=plan())
    assert family["truth"] in NAMES
    assert sum(family["probabilities"].values()) == pytest.approx(1.0)
    for value in [*step["pit"].values(), *family["pit"].values(), step["beyond"]["probability"]]:
        assert 0 <= value <= 1


def test_results_depend_on_neither_order_nor_processes(tmp_path: Path) -> None:
    wanted = keys(NAMES, 1)
    task = functools.partial(run_task, plan=plan())
    alone = run_tasks(task, wanted, tmp_path / "a.jsonl", header={}, workers=1)
    together = run_tasks(task, wanted[::-1], tmp_path / "b.jsonl", header={}, workers=2)
    for key in wanted:
        assert {**alone[key], "seconds": 0} == {**together[key], "seconds": 0}


def test_a_wrong_prior_is_found_and_the_right_one_passes() -> None:
    """The intercept is drawn three times as wide as the fitted prior says, on a design that leaves it uncertain."""
    table = design().take([0])

    def model(sd: float) -> Model:
        prior = normal(0.0, sd, reason="test")
        het = {"between": 0.3, "within": 0.1}
        return build_model("flat", exposure_range=(0.0, 10.0), priors={"intercept": prior}, heterogeneity=het)

    fitted = model(0.2)
    below: dict[float, list[float]] = {0.2: [], 0.6: []}
    for sd, values in below.items():
        for i in range(150):
            drawn = simulate(model(sd), table, generator(1, f"{sd}/{i}"))
            fit = exact.fit(fitted, drawn.table)
            values.append(float(fit.marginal("intercept").probability_below(drawn.parameters["intercept"])))
    assert ecdf_p_value(below[0.2]) > 1e-3
    assert ecdf_p_value(below[0.6]) < 1e-6


def test_a_right_record_holds() -> None:
    record = build_record(plan(), made_up(300), analysis="test", simulations=300)
    assert holds(record)
    assert record["test"]["tests"] == len(p_values(record)) > 20
    assert sum(record["pit"]["flat"]["intercept"]["counts"]) == 300
    assert set(record["first"]) == {f"posterior/{name}/{i}" for name in NAMES for i in (0, 1)}


@pytest.mark.parametrize(
    ("results", "where"),
    [
        (made_up(300, narrow=0.5), "pit / "),
        (made_up(300, narrow=2.5), "pit / "),
        (made_up(300, lean=1.5), "probabilities / "),
        (made_up(300, lean=-1.5), "probabilities / "),
    ],
)
def test_a_wrong_record_does_not_hold(results: dict[str, Mapping[str, Any]], where: str) -> None:
    record = build_record(plan(), results, analysis="test", simulations=300)
    assert not holds(record)
    assert record["test"]["where"].startswith(where)


def test_a_failed_fit_is_noted_and_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise NumericalError("the quadrature did not converge")

    results = made_up(50)
    monkeypatch.setattr(exact, "fit", fails)
    results["posterior/flat/7"] = run_task("posterior/flat/7", plan=plan())
    record = build_record(plan(), results, analysis="test", simulations=50)
    assert record["failures"] == {"posterior/flat/7": "the quadrature did not converge"}
    assert not holds(record)


def test_a_record_contains_its_own_design_and_models() -> None:
    wanted = plan()
    record = json.loads(json.dumps(build_record(wanted, made_up(20), analysis="test", simulations=20)))
    table = design_table(record["design"])
    assert design_mapping(table, wanted.models) == record["design"]
    models = {name: model_from_mapping(mapping) for name, mapping in record["models"].items()}
    again = Plan(table, models, wanted.seed)
    assert header(again, analysis="test") == header(wanted, analysis="test")
    first = run_task("posterior/linear/1", plan=wanted)
    assert run_task("posterior/linear/1", plan=again)["pit"] == first["pit"]


def test_the_command_resumes_and_writes_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, record = tmp_path / "results.jsonl", tmp_path / "record.json"
    arguments: dict[str, Any] = {"analysis": "test", "out": out, "workers": 1}
    calibrate(plan(), simulations=1, **arguments)
    with pytest.raises(InputError, match="--resume"):
        calibrate(plan(), simulations=2, **arguments)
    calibrate(plan(), simulations=3, resume=True, record=record, **arguments)
    found = json.loads(record.read_text(encoding="utf-8"))
    assert found["simulations"] == 3
    assert sum(found["pit"]["step"]["jump"]["counts"]) == 3
    assert "p-values" in capsys.readouterr().out
