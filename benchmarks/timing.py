"""Wall-clock measurements: warm up, repeat, keep the median and the range."""

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    group, case, tool : str
        What is compared with what.
    seconds, lowest, highest : float or None
        Median and range of the repeats; None if the peer was skipped.
    repeats : int
        Repeats after one that is not counted.
    values : mapping
        What was computed, so that equal speed is not mistaken for equal work.
    note : str
        What is counted, or why it was skipped.
    """

    group: str
    case: str
    tool: str
    seconds: float | None
    lowest: float | None = None
    highest: float | None = None
    repeats: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def measured(group: str, case: str, tool: str, seconds: Sequence[float], **more: Any) -> Row:
    """Return the row of repeated measurements."""
    times = sorted(seconds)
    return Row(group, case, tool, statistics.median(times), times[0], times[-1], len(times), **more)


def skipped(group: str, case: str, tool: str, reason: str) -> Row:
    """Return the row of a peer that is not there."""
    return Row(group, case, tool, None, note=f"skipped: {reason}")


def repeat(function: Callable[[], Any], repeats: int, *, warm: bool = True) -> list[float]:
    """Return the seconds of `repeats` calls, after one call that is not counted."""
    if warm:
        function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return times


def command(arguments: Sequence[str]) -> str:
    """Run a command from the root of the repository and return what it printed.

    Raises
    ------
    RuntimeError
        With the last line of its errors, if it failed.
    """
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise RuntimeError(f"{Path(arguments[0]).name} failed: {lines[-1]}")
    return done.stdout
