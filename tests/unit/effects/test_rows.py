"""All effects as rows, and files of them."""

import csv

import pytest

from metaanalysis.effects.rows import effect_rows, write_rows
from metaanalysis.errors import InputError


@pytest.fixture
def rows(effect, study):
    studies = {
        "b": study(
            "b", effect("percent", about={"family": "success_rate"}, mean_treated=30, mean_reference=10, n_treated=40)
        ),
        "a": study(
            "a",
            effect("log_points", estimate=0.2, se=0.1),
            effect("level", about={"id": "level"}, estimate=3),
            excluded={"category": "overlap", "reason": "pooled elsewhere"},
        ),
    }
    return effect_rows(studies, None)


def test_every_effect_has_a_row_in_order(rows):
    assert [(row["study"], row["effect"]) for row in rows] == [("a", "main"), ("a", "level"), ("b", "main")]
    assert rows[0]["y"] == 0.2
    assert rows[1]["y"] is None
    assert rows[1]["reason"]
    assert rows[0]["excluded"] == "overlap"
    assert rows[0]["x"] is None


def test_success_rates_are_shown_as_odds_ratios(rows):
    assert [row["measure"] for row in rows] == ["log_ratio", "log_ratio", "log_odds_ratio"]


def test_csv_round_trip(rows, tmp_path):
    path = tmp_path / "effects.csv"
    write_rows(rows, path)
    with path.open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream))
    assert [row["study"] for row in read] == ["a", "a", "b"]
    assert float(read[0]["se"]) == 0.1
    assert read[1]["y"] == ""


def test_parquet_round_trip(rows, tmp_path):
    from pyarrow import parquet

    path = tmp_path / "effects.parquet"
    write_rows(rows, path)
    assert parquet.read_table(path).to_pylist() == rows


def test_a_failure_leaves_the_old_file(rows, tmp_path):
    path = tmp_path / "effects.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="dict contains fields not in fieldnames"):
        write_rows([*rows, {"another": 1}], path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["effects.csv"]


@pytest.mark.parametrize("name", ["effects.xlsx", "effects"])
def test_unknown_formats_are_refused(rows, tmp_path, name):
    with pytest.raises(InputError, match=r"Use \.csv or \.parquet"):
        write_rows(rows, tmp_path / name)


def test_nothing_to_write(tmp_path):
    with pytest.raises(InputError, match="no row"):
        write_rows([], tmp_path / "effects.csv")
