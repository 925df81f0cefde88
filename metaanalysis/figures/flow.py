"""Flow of studies and effects from identification to analysis, after PRISMA 2020."""

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from metaanalysis.figures import style
from metaanalysis.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDS: Final = ("flow",)
WIDTH: Final = style.PAGE
_LINE: Final = 0.34
_PAD: Final = 0.22
_GAP: Final = 0.55
_MAIN: Final = 5.2
_SIDE: Final = (6.4, 10.1)
_REASON: Final = 60
"""Characters of a reason on one line."""


@dataclass(slots=True)
class Stage:
    """A total of the flow and what left on the way to it."""

    name: str
    studies: int
    effects: int
    left_out: list[tuple[str, int, int]] = field(default_factory=list)


def stages(flow: "pd.DataFrame") -> list[Stage]:
    """Return the totals of the flow in order, each with the reasons for leaving between the one before and it."""
    out: list[Stage] = []
    waiting: list[tuple[str, int, int]] = []
    for step, reason, studies, effects in zip(
        flow["step"], flow["reason"], flow["studies"], flow["effects"], strict=True
    ):
        if reason:
            waiting.append((str(reason), int(studies), int(effects)))
        else:
            out.append(Stage(str(step), int(studies), int(effects), waiting))
            waiting = []
    return out


def draw(results: Results) -> "tuple[Figure, ...]":
    """Draw totals as a column of boxes and the reasons for leaving beside the arrows between them."""
    listed = stages(results.frames["flow"])
    sides = [_side_lines(stage) for stage in listed]
    main_height = 2 * _LINE + 2 * _PAD
    gaps = [max(len(lines) * _LINE + 2 * _PAD + 0.3, _GAP) if lines else _GAP for lines in sides]
    height = len(listed) * main_height + sum(gaps[1:]) + 0.1
    with style.drawing():
        figure = style.new(WIDTH, height)
        ax = style.place(figure, 0, 0, WIDTH, height)
        style.bare(ax)
        ax.set_xlim(0, WIDTH)
        ax.set_ylim(0, height)
        top = height - 0.05
        for index, (stage, lines) in enumerate(zip(listed, sides, strict=True)):
            if index:
                _arrow(ax, (_MAIN / 2, top), (_MAIN / 2, top - gaps[index]))
                if lines:
                    _side(ax, lines, top - gaps[index] / 2)
                top -= gaps[index]
            _box(ax, (0.1, top - main_height, _MAIN - 0.2, main_height), fill=style.PALE)
            middle = top - main_height / 2
            ax.text(_MAIN / 2, middle + _LINE / 2, stage.name, ha="center", va="center", weight="bold")
            ax.text(_MAIN / 2, middle - _LINE / 2, _counts(stage.studies, stage.effects), ha="center", va="center")
            top -= main_height
    return (figure,)


def describe(results: Results) -> str:
    """Return the alternative text."""
    parts = []
    for stage in stages(results.frames["flow"]):
        if stage.left_out:
            reasons = ", ".join(f"{reason} ({_counts(s, e)})" for reason, s, e in stage.left_out)
            parts.append(f"left out: {reasons}")
        parts.append(f"{stage.name}: {_counts(stage.studies, stage.effects)}")
    return f"Flow diagram. {'; '.join(parts)}."


def _counts(studies: int, effects: int) -> str:
    return f"{studies} {'study' if studies == 1 else 'studies'}, {effects} {'effect' if effects == 1 else 'effects'}"


def _side_lines(stage: Stage) -> list[tuple[str, str]]:
    """Return the lines of a side box: the reason, wrapped, and on its first line the counts."""
    lines: list[tuple[str, str]] = []
    for reason, studies, effects in stage.left_out:
        first, *rest = textwrap.wrap(reason, _REASON, subsequent_indent="   ")
        lines += [(first, f"{studies} / {effects}"), *((line, "") for line in rest)]
    return [("left out", "studies / effects"), *lines] if lines else []


def _side(ax: "Axes", lines: list[tuple[str, str]], middle: float) -> None:
    height = len(lines) * _LINE + 2 * _PAD
    left, width = _SIDE
    _arrow(ax, (_MAIN / 2, middle), (left, middle))
    _box(ax, (left, middle - height / 2, width, height), fill="white")
    for number, (line, counts) in enumerate(lines):
        y = middle + height / 2 - _PAD - (number + 0.5) * _LINE
        weight, colour = ("normal", style.INK) if number else ("bold", style.MUTED)
        for x, text, side in ((left + 0.2, line, "left"), (left + width - 0.2, counts, "right")):
            ax.text(x, y, text, va="center", ha=side, fontsize=style.SMALL, weight=weight, color=colour)


def _box(ax: "Axes", place: tuple[float, float, float, float], *, fill: str) -> None:
    from matplotlib.patches import Rectangle

    left, bottom, width, height = place
    ax.add_patch(Rectangle((left, bottom), width, height, facecolor=fill, edgecolor=style.MUTED, lw=0.6))


def _arrow(ax: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "lw": 0.7,
            "color": style.MUTED,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 7,
        },
    )
