"""What a user waits for: imports and whole commands, each in a process of its own."""

import sys
import tempfile
from functools import partial

from benchmarks.timing import Row, command, measured, repeat


def startup(*, repeats: int = 7) -> list[Row]:
    """Time Python itself, importing the package, and the data commands."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "import metaanalysis": ["-c", "import metaanalysis"],
        "metaanalysis check": ["-m", "metaanalysis", "check"],
        "metaanalysis effects": ["-m", "metaanalysis", "effects"],
    }
    return [
        measured(
            "start-up",
            name,
            "process",
            repeat(partial(command, [sys.executable, *arguments]), repeats),
        )
        for name, arguments in commands.items()
    ]


def report(*, repeats: int = 1) -> list[Row]:
    """Time a whole report: tables, models, sensitivity analyses, figures, PDF."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [sys.executable, "-m", "metaanalysis", "report", "practice", "--out", folder]
        times = repeat(partial(command, arguments), repeats, warm=False)
    return [measured("start-up", "metaanalysis report practice", "process", times, note="no warm-up")]
