"""Reading any table of effects: what is accepted, and what each kind of bad file is told."""

from pathlib import Path

import numpy as np
import pytest

from metaanalysis.effects.csv_table import read_table
from metaanalysis.errors import InputError

GOOD = "trial,yi,se,dose,base,year\na,0.1,0.2,1,,2001\nb,0.3,0.1,2,1,2002\na,0.2,0.2,3,NA,2003\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_grouped_by_study_and_empty_references_are_unexposed(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, GOOD), y="yi", se="se", x="dose", x0="base", study="trial", rho=0.5)
    assert table.study == ("a", "a", "b")
    np.testing.assert_allclose(table.y, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(table.blocks[0], [[0.04, 0.02], [0.02, 0.04]])
    assert np.isnan(table.x0[:2]).all()
    assert table.x0[2] == 1.0
    np.testing.assert_allclose(table.columns["year"].astype(float), [2001, 2003, 2002])


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        (GOOD, {"y": "effect", "se": "se", "x": "dose"}, ("effect", "no such column", "yi")),
        (GOOD, {"y": "yi", "x": "dose"}, ("either v or se",)),
        (GOOD.replace("0.3", "abc"), {"y": "yi", "se": "se", "x": "dose"}, ("line 3, yi", "'abc'")),
        (GOOD.replace("0.3", ""), {"y": "yi", "se": "se", "x": "dose"}, ("line 3, yi", "''")),
        (GOOD.replace("b,0.3,0.1", "b,0.3,-0.1"), {"y": "yi", "se": "se", "x": "dose"}, ("line 3, se", "positive")),
        (GOOD.replace("b,0.3,0.1", "b,0.3,0"), {"y": "yi", "v": "se", "x": "dose"}, ("v", "positive")),
        (GOOD + "c,1\n", {"y": "yi", "se": "se", "x": "dose"}, ("line 5", "cells")),
        ("yi,se,dose\n", {"y": "yi", "se": "se", "x": "dose"}, ("no rows",)),
    ],
)
def test_bad_files_are_refused(text: str, columns: dict[str, str], words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_table(write(tmp_path, text), **columns)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv"):
        read_table(tmp_path / "gone.csv", y="y", v="v", x="x")
