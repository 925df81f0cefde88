"""Figures as data: what is drawn stands where the frame says."""

import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.figure import Figure

from metaanalysis import figures
from metaanalysis.figures import curves, flow, forest, grid, sensitivity, style, threshold
from metaanalysis.results import Results
from metaanalysis.verdict import BANDS

NAMES = ("curves", "flow", "forest", "grid", "sensitivity", "threshold")


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text()]


def test_the_folder_is_the_registry() -> None:
    assert figures.names() == NAMES
    with pytest.raises(KeyError, match="no figure 'pie'; known: curves"):
        figures.load("pie")


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_draws_describes_itself_and_fits_the_page(name: str, results: Results) -> None:
    module = figures.load(name)
    pages = module.draw(results)
    assert len(pages) == 1
    width, height = pages[0].get_size_inches() * 2.54
    assert width == pytest.approx(module.WIDTH)
    assert width <= style.PAGE + 1e-9
    assert height <= 23.5
    alt = module.describe(results)
    assert len(alt) > 80
    assert alt.endswith(".")
    assert "nan" not in alt


@pytest.mark.parametrize("name", NAMES)
def test_nothing_drawn_is_set_too_small_or_runs_off_the_figure(name: str, results: Results) -> None:
    with style.drawing():
        (figure,) = figures.load(name).draw(results)
        figure.canvas.draw()
        box = figure.bbox
        for ax in figure.axes:
            low, high = sorted(ax.get_xlim())
            across = [t.label1 for t in ax.xaxis.get_major_ticks() if low <= t.get_loc() <= high]
            low, high = sorted(ax.get_ylim())
            up = [t.label1 for t in ax.yaxis.get_major_ticks() if low <= t.get_loc() <= high]
            for text in [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label, *across, *up]:
                if not text.get_text() or not text.get_visible():
                    continue
                assert text.get_fontsize() >= 5.5
                extent = text.get_window_extent()
                assert extent.x0 >= box.x0 - 2, text.get_text()
                assert extent.x1 <= box.x1 + 2, text.get_text()
                assert extent.y0 >= box.y0 - 2, text.get_text()
                assert extent.y1 <= box.y1 + 2, text.get_text()


@pytest.mark.parametrize(
    "frame", ["flow", "models", "grid", "curves", "threshold", "width", "parameters", "sensitivity"]
)
def test_an_empty_frame_leaves_out_the_figures_that_need_it(frame: str, made_up: ModuleType) -> None:
    less = made_up.results(without=(frame,))
    found = figures.available(less)
    assert set(NAMES) - set(found) == {name for name in NAMES if frame in figures.load(name).NEEDS}
    for name in found:
        assert figures.load(name).draw(less)
        assert figures.load(name).describe(less)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_results_give_the_same_bytes_and_leave_no_global_state(
    name: str, results: Results, tmp_path: Path
) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    written = []
    for number in range(2):
        path = tmp_path / f"{number}.svg"
        with style.drawing():
            style.save(figures.load(name).draw(results)[0], path)
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert b"<dc:date>" not in written[0]
    assert dict(mpl.rcParams) == before


def test_forest_puts_every_effect_at_its_value_in_ascending_order_of_exposure(results: Results) -> None:
    (page,) = forest.draw(results)
    _, strip, main, values = page.axes
    rows = forest.ordered(style.effects(results))
    assert list(rows["x"]) == sorted(rows["x"])
    squares = next(c for c in main.collections if len(c.get_offsets()) == len(rows))
    np.testing.assert_allclose(np.asarray(squares.get_offsets())[:, 0], rows["y"])
    ticks = [c for c in main.collections if len(c.get_offsets()) == len(rows)][1]
    np.testing.assert_allclose(np.asarray(ticks.get_offsets())[:, 0], rows["fitted"])
    dots = next(c for c in strip.collections if c.get_label() == "treated")
    np.testing.assert_allclose(np.asarray(dots.get_offsets())[:, 0], rows["x"])
    slots = np.asarray(squares.get_offsets())[:, 1]
    assert (np.diff(slots) >= 1).all()
    rings = next(c for c in strip.collections if c.get_label() == "reference")
    drawn = np.ma.masked_invalid(np.asarray(rings.get_offsets(), dtype=float)[:, 0]).compressed()
    np.testing.assert_allclose(drawn, rows["x0"].dropna())
    shown = [t.get_text() for t in values.texts]
    first = rows.iloc[0]
    assert style.change(first["y"]) in shown
    assert f"[{style.change(first['lower'])}, {style.change(first['upper'])}]" in shown


def test_forest_intervals_span_their_limits_unless_they_leave_the_axis(results: Results) -> None:
    (page,) = forest.draw(results)
    main = page.axes[2]
    rows = forest.ordered(style.effects(results))
    low, high = main.get_xlim()
    lines = max((c for c in main.collections if hasattr(c, "get_segments")), key=lambda c: len(c.get_segments()))
    ends = np.array([[s[0][0], s[1][0]] for s in lines.get_segments()])
    np.testing.assert_allclose(ends[:, 0], rows["lower"].clip(low))
    np.testing.assert_allclose(ends[:, 1], rows["upper"].clip(upper=high))


def test_forest_closes_with_the_mean_and_the_prediction(results: Results, made_up: ModuleType) -> None:
    (page,) = forest.draw(results)
    assert {"pooled mean, practice ignored", "a new study: prediction interval"} <= set(texts(page))
    without = made_up.with_numbers(results, prediction__lower=None, prediction__upper=None)
    (page,) = forest.draw(without)
    assert "a new study: prediction interval" not in texts(page)


@pytest.mark.parametrize("count", [1, 36, forest.ROWS, forest.ROWS + 1, 130])
def test_forest_goes_on_to_further_pages_and_loses_no_row(count: int, made_up: ModuleType) -> None:
    many = made_up.results(count)
    pages = forest.draw(many)
    assert len(pages) == math.ceil(count / forest.ROWS)
    drawn = sum(len(next(c for c in p.axes[1].collections if c.get_label() == "treated").get_offsets()) for p in pages)
    assert drawn == count
    assert sum("pooled mean, practice ignored" in texts(p) for p in pages) == 1


def test_forest_labels_keep_the_year_and_tell_effects_of_one_study_apart(results: Results) -> None:
    rows = forest.ordered(style.effects(results))
    labels = forest.row_labels(rows)
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 46 for label in labels)
    long = next(label for label in labels if label.startswith("Department"))
    assert long.endswith("2024")


def test_grid_points_are_the_frame_and_bands_are_those_of_the_verdict(results: Results) -> None:
    (figure,) = grid.draw(results)
    (ax,) = figure.axes
    frame = results.frames["grid"].sort_values("scale")
    line = next(line for line in ax.lines if len(line.get_xdata()) == len(frame))
    np.testing.assert_allclose(np.asarray(line.get_xdata(), dtype=float), frame["scale"])
    np.testing.assert_allclose(np.asarray(line.get_ydata(), dtype=float), frame["log_bf"])
    edges = {round(float(patch.get_y()), 9) for patch in ax.patches}
    assert round(math.log(BANDS[1].low), 9) in edges
    assert {t.get_text() for t in ax.texts} >= {"inconclusive", "moderate"}


def test_evidence_axis_shows_every_band_that_is_reached() -> None:
    figure = style.new(8, 6)
    ax = style.place(figure, 1, 1, 6, 4)
    low, high = style.evidence_axis(ax, math.log(5000), which="y")
    assert low == -high
    assert {t.get_text() for t in ax.texts} == {band.name for band in BANDS}
    assert next(t.get_text() for t in ax.get_yticklabels()) == "1:10000"


def test_curves_draw_the_average_through_the_data_and_mark_where_they_end(results: Results) -> None:
    (figure,) = curves.draw(results)
    top = figure.axes[0]
    average = results.frames["curves"].query("model == 'average'")
    end = style.data_end(results)
    solid = next(line for line in top.lines if len(line.get_xdata()) == (average["x"] <= end).sum())
    np.testing.assert_allclose(solid.get_ydata(), average.loc[average["x"] <= end, "mean"])
    assert any(list(line.get_xdata()) == [end, end] for line in top.lines)
    assert "data end " in [t.get_text() for t in top.texts]
    rows = style.effects(results)
    points = next(c for c in top.collections if len(c.get_offsets()) == rows["x0"].isna().sum() and c.get_zorder() == 4)
    np.testing.assert_allclose(sorted(np.asarray(points.get_offsets())[:, 1]), sorted(rows.loc[rows["x0"].isna(), "y"]))
    titles = [ax.get_title(loc="left") for ax in figure.axes[1:]]
    assert titles[0].startswith("flat")
    assert len(titles) == len(results.frames["models"])


def test_curves_draw_contrasts_between_two_ways_as_rises_from_the_average(results: Results) -> None:
    (figure,) = curves.draw(results)
    rows = style.effects(results)
    average = results.frames["curves"].query("model == 'average'")
    for _, row in rows[rows["x0"].notna()].iterrows():
        base = np.interp(row["x0"], average["x"], average["mean"])
        assert any(
            np.allclose(line.get_xdata(), [row["x0"], row["x"]])
            and np.allclose(line.get_ydata(), [base, base + row["y"]])
            for line in figure.axes[0].lines
            if len(line.get_xdata()) == 2
        )


def test_dodged_points_stay_near_and_around_their_exposure() -> None:
    moved = curves.dodged([1.0, 1.0, 1.0, 2.0], [0.3, 0.1, 0.2, 0.0], 0.1)
    assert moved == pytest.approx([1.1, 0.9, 1.0, 2.0])
    crowd = curves.dodged([1.0] * 40, list(range(40)), 0.1)
    assert max(crowd) - min(crowd) == pytest.approx(0.4)
    assert np.mean(crowd) == pytest.approx(1.0)


def test_threshold_areas_are_probabilities_and_the_prior_is_drawn(results: Results) -> None:
    (figure,) = threshold.draw(results)
    frame = results.frames["threshold"]
    models = [m for m in results.frames["models"]["model"] if m in set(frame["model"])]
    assert len(models) == frame["model"].nunique()
    for ax, model in zip(figure.axes, models, strict=False):
        rows = frame[frame["model"] == model]
        posterior, prior = (patch.get_data() for patch in ax.patches if hasattr(patch, "get_data"))
        areas = posterior.values * np.diff(posterior.edges)
        np.testing.assert_allclose(areas, rows["probability"])
        assert areas.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(prior.values * np.diff(prior.edges), rows["prior"])


def test_the_width_stands_beside_the_threshold_with_its_prior(results: Results, made_up: ModuleType) -> None:
    (figure,) = threshold.draw(results)
    width = figure.axes[-1]
    prior = next(line for line in width.lines if line.get_label() == "prior")
    np.testing.assert_allclose(prior.get_ydata(), results.frames["width"]["prior"])
    (alone,) = threshold.draw(made_up.results(without=("width",)))
    assert len(alone.axes) == len(figure.axes) - 1


def test_sensitivity_has_one_row_for_each_variant(results: Results) -> None:
    (figure,) = sensitivity.draw(results)
    _, main, jump = figure.axes
    rows = results.frames["sensitivity"]
    dots = next(line for line in main.lines if len(line.get_xdata()) == len(rows))
    np.testing.assert_allclose(np.asarray(dots.get_xdata(), dtype=float), rows["log_bf"])
    points = next(c for c in jump.collections if len(c.get_offsets()) == len(rows))
    np.testing.assert_allclose(np.asarray(points.get_offsets())[:, 0], rows["jump"])
    assert "25 / 36" in texts(figure)


def test_flow_groups_reasons_between_totals(results: Results) -> None:
    stages = flow.stages(results.frames["flow"])
    assert [s.name for s in stages] == ["identified", "included", "analysed"]
    assert [len(s.left_out) for s in stages] == [0, 4, 3]
    (figure,) = flow.draw(results)
    shown = " ".join(texts(figure))
    for reason, studies, effects in stages[1].left_out:
        assert reason in shown
        assert f"{studies} / {effects}" in shown


def test_colours_follow_the_bands_or_the_scale() -> None:
    bands = (("low", 0.0, 3.5), ("high", 3.5, 10.0))
    banded = style.Exposure("score", 0.0, 10.0, bands)
    plain = style.Exposure("score", 0.0, 10.0)
    assert style.colour(banded, 1) == style.colour(banded, 3.5) != style.colour(banded, 4)
    assert style.colour(plain, 1) != style.colour(plain, 3.5)
    assert style.colour(plain, 99) == style.colour(plain, 10)


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (math.log(1.25), "log_ratio", "+25"),
        (math.log(0.81), "log_ratio", "−19"),
        (0.001, "log_ratio", "0"),
        (-0.001, "log_ratio", "0"),
        (math.log(2), "log_odds_ratio", "2.00"),
        (-0.5, "effect", "−0.50"),
        (math.nan, "log_ratio", "–"),
    ],
)
def test_effects_are_shown_as_readers_know_them(value: float, kind: str, shown: str) -> None:
    assert style.change(value, kind) == shown


@pytest.mark.parametrize("kind", ["log_odds_ratio", "effect"])
def test_other_measures_and_missing_bands_draw_too(kind: str, results: Results) -> None:
    spec = dict(results.spec)
    spec["table"] = {**spec["table"], "measure": kind}
    spec["exposure"] = {k: v for k, v in spec["exposure"].items() if k != "bands"}
    other = replace(results, spec=spec)
    for name in figures.available(other):
        assert figures.load(name).draw(other)
    assert "odds ratio" in forest.describe(other) or kind == "effect"


def test_no_reference_arm_with_ai_draws_no_ring(results: Results) -> None:
    frames = {**results.frames, "effects": results.frames["effects"].assign(x0=None)}
    (figure,) = curves.draw(replace(results, frames=frames))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert "between two ways of using AI" not in [t.get_text() for t in legend.get_texts()]


def test_shortened_labels() -> None:
    assert style.shorten("abcdef", 6) == "abcdef"
    assert style.shorten("abcdefg", 6) == "abcde…"
    assert style.shorten_label("A very long list of names 2024", 16) == "A very lon… 2024"
