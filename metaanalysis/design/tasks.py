"""Many independent tasks on several processes, with their results kept in a file as they come.

The file has one line of JSON per task, after a header that says what the tasks are. A line is written in one piece
and flushed to disk; one that was cut off by a crash is ignored and its task done again; a task that occurs twice
counts once. So a run can be interrupted or killed at any time and taken up again.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from metaanalysis.errors import MetaAnalysisError, bad
from metaanalysis.files import display

Result = Mapping[str, Any]
Task = Callable[[str], Result]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done, total : int
        Tasks done, those of earlier runs included, and all.
    left : float
        Estimated seconds until the end, from the tasks of this run; NaN before the first.
    """

    done: int
    total: int
    left: float


def read_results(path: Path, header: Result) -> dict[str, Result]:
    """Return the results in a file by task.

    Raises
    ------
    InputError
        If the file is of another run: its header differs.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = list(_parsed(lines))
    if not found or "run" not in found[0]:
        raise bad(display(path), "", "holds no results", "Give another file, or remove it.")
    differing = sorted(key for key in {*header, *found[0]["run"]} if header.get(key) != found[0]["run"].get(key))
    if differing:
        listed = ", ".join(differing)
        raise bad(display(path), "", f"is of another run: {listed} differ", "Give another file, or remove it.")
    return {line["task"]: line["result"] for line in found if "task" in line}


def run_tasks(
    task: Task,
    keys: Sequence[str],
    path: Path,
    *,
    header: Result,
    resume: bool = False,
    workers: int = 2,
    progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Result]:
    """Do every task that is not yet in the file, and return the results of all, in the order of `keys`.

    Parameters
    ----------
    task : callable
        Key to result, plain data; it must be importable or a `functools.partial` of something importable.
    keys : sequence of str
        The tasks.
    path : Path
        The file of results.
    header : mapping
        What the tasks are, plain data; a file with another header is refused.
    resume : bool
        Whether the file may exist already.
    workers : int
        Processes; with one, tasks are done in this process.
    progress : callable
        Told after every task.

    Raises
    ------
    InputError
        If the file exists and `resume` is not set, is of another run, or cannot be written.
    """
    if workers < 1:
        raise bad("--workers", "", f"{workers} processes cannot work", "Give at least one.")
    header = json.loads(json.dumps(header))
    known = _open(path, header, resume)
    waiting = [key for key in keys if key not in known]
    started = time.perf_counter()
    done = len(keys) - len(waiting)
    progress(Progress(done, len(keys), float("nan")))
    with path.open("a", encoding="utf-8") as stream:
        for i, (key, result) in enumerate(_results(task, waiting, workers), start=1):
            _append(stream, {"task": key, "result": result})
            known[key] = json.loads(json.dumps(result))
            left = (time.perf_counter() - started) / i * (len(waiting) - i)
            progress(Progress(done + i, len(keys), left))
    return {key: known[key] for key in keys}


def _open(path: Path, header: Result, resume: bool) -> dict[str, Result]:
    """Return the results that are there already; make the file if there is none."""
    try:
        if path.exists():
            if not resume:
                raise bad(display(path), "", "is there already", "Add --resume to go on with it, or remove it.")
            known = read_results(path, header)
            if not path.read_bytes().endswith(b"\n"):
                with path.open("a", encoding="utf-8") as stream:
                    stream.write("\n")
            return known
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            _append(stream, {"run": header})
    except OSError as error:
        raise bad(display(path), "", f"cannot be written: {error.strerror}", "Choose another place.") from None
    return {}


def _append(stream: Any, line: Result) -> None:
    """Write one line in one piece and see it to the disk."""
    stream.write(json.dumps(line) + "\n")
    stream.flush()
    os.fsync(stream.fileno())


def _parsed(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Return the lines that are whole."""
    for line in lines:
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict):
            yield found


def _results(task: Task, keys: Sequence[str], workers: int) -> Iterator[tuple[str, Result]]:
    """Return tasks with their results as they are done."""
    if workers == 1 or len(keys) < 2:
        for key in keys:
            yield key, task(key)
        return
    context = multiprocessing.get_context("spawn")
    with (
        _starting_workers(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool,
    ):
        try:
            yield from _as_done(pool, task, keys, ahead=4 * workers)
        except BrokenProcessPool:
            raise MetaAnalysisError("a worker process was ended from outside; go on with --resume") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _as_done(pool: ProcessPoolExecutor, task: Task, keys: Sequence[str], *, ahead: int) -> Iterator[tuple[str, Result]]:
    """Return results as they come, never more than `ahead` tasks handed out at a time."""
    remaining = iter(keys)
    running: dict[Future[Result], str] = {}
    for key in remaining:
        running[pool.submit(task, key)] = key
        if len(running) >= ahead:
            break
    while running:
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            key = running.pop(future)
            yield key, future.result()
            following = next(remaining, None)
            if following is not None:
                running[pool.submit(task, following)] = following


@contextmanager
def _starting_workers() -> Iterator[None]:
    """Let processes started here use one thread each for linear algebra, and import the package only.

    A new process otherwise imports the caller's main script again, which would run it if it has no guard.
    """
    before, main = {name: os.environ.get(name) for name in THREADS}, sys.modules["__main__"]
    os.environ.update(dict.fromkeys(THREADS, "1"))
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _prepare() -> None:
    """In a worker: leave interrupts to the parent, and stop when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_with, args=(parent,), daemon=True).start()


def _stop_with(process: multiprocessing.process.BaseProcess) -> None:
    """Stop this process when another one is gone."""
    process.join()
    os._exit(1)
