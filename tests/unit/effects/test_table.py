"""The effect table itself."""

import numpy as np
import pytest

from metaanalysis.effects.overlap import overlap, working_correlation
from metaanalysis.effects.table import table_from_arrays
from metaanalysis.errors import InputError


@pytest.fixture
def table():
    return table_from_arrays(
        [0.1, 0.2, 0.3, 0.4],
        [0.01, 0.04, 0.09, 0.16],
        [1, 2, 3, 4],
        x0=[np.nan, 1, np.nan, np.nan],
        study=["b", "a", "b", "a"],
        sample=["one", "one", "two", "one"],
        rho=0.5,
        columns={"year": np.array([1.0, 2.0, 3.0, 4.0])},
    )


def test_rows_of_a_study_are_contiguous_in_order_of_first_appearance(table):
    assert table.study == ("b", "b", "a", "a")
    assert table.y.tolist() == [0.1, 0.3, 0.2, 0.4]
    assert table.columns["year"].tolist() == [1, 3, 2, 4]
    assert table.studies == ("b", "a")
    assert table.starts.tolist() == [0, 2]
    assert table.study_index.tolist() == [0, 0, 1, 1]


def test_covariance_within_samples_only(table):
    # study a: sqrt(.04 * .16) * .5 = .04; study b has two samples
    expected = np.diag([0.01, 0.09, 0.04, 0.16])
    expected[2, 3] = expected[3, 2] = 0.04
    np.testing.assert_allclose(table.covariance(), expected)
    np.testing.assert_allclose(table.v, [0.01, 0.09, 0.04, 0.16])


def test_taking_rows_keeps_order_and_covariance(table):
    part = table.take([3, 2, 0])
    assert part.y.tolist() == [0.1, 0.2, 0.4]
    np.testing.assert_allclose(part.covariance(), table.covariance()[np.ix_([0, 2, 3], [0, 2, 3])])
    assert part.columns["year"].tolist() == [1, 2, 4]
    assert table.without("b").study == ("a", "a")
    with pytest.raises(InputError, match="no effect is left"):
        part.take(np.zeros(3, dtype=bool))


def test_frame_has_a_row_for_each_effect(table):
    frame = table.frame()
    assert frame["se"].tolist() == pytest.approx([0.1, 0.3, 0.2, 0.4])
    assert frame.columns.tolist() == ["study", "sample", "effect", "y", "se", "x", "x0", "year"]


def test_range_is_that_of_both_arms(table):
    assert table.exposure_range == (1, 4)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"y": []}, "there is no effect"),
        ({"v": [0.1]}, "has 1 values where y has 2"),
        ({"y": [0.1, np.inf]}, "row 2 is not a finite number"),
        ({"v": [0.1, 0.0]}, "row 2 has the variance 0"),
        ({"rho": 1.0}, "a correlation of 1.0 is impossible"),
        ({"study": ["a"]}, "study: has 1 values"),
    ],
)
def test_unusable_input_is_refused(changes, word):
    given = {"y": [0.1, 0.2], "v": [0.1, 0.1], "x": [1, 2], **changes}
    with pytest.raises(InputError, match=word):
        table_from_arrays(**given)


def test_overlap_is_by_name():
    assert overlap("main", "main")
    assert overlap("main_novices", "main")
    assert not overlap("main_novices", "main_experts")
    assert not overlap("main", "mainland")


def test_one_sample_has_the_correlation_asked_for_however_high():
    np.testing.assert_allclose(working_correlation(["s"] * 3, 0.99), np.full((3, 3), 0.99) + 0.01 * np.eye(3))
