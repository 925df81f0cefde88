"""A run can be interrupted, killed and taken up again; nothing is lost, nothing counts twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from metaanalysis.design.tasks import Progress, read_results, run_tasks
from metaanalysis.errors import InputError

HEADER = {"seed": 1, "design": "abc"}
KEYS = [json.dumps({"value": i}) for i in range(12)]
SLOW = """
import sys, time
from pathlib import Path
from metaanalysis.design.tasks import run_tasks

def slow(key):
    time.sleep(0.05)
    return {"length": len(key)}

run_tasks(slow, ["k" * i for i in range(200)], Path(sys.argv[1]), header={"seed": 1}, workers=1)
"""


def task(key: str) -> Mapping[str, Any]:
    return dict(json.loads(key))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_results_come_in_the_order_of_the_keys_and_are_kept(tmp_path: Path) -> None:
    seen: list[Progress] = []
    found = run_tasks(task, KEYS, tmp_path / "r.jsonl", header=HEADER, workers=1, progress=seen.append)
    assert list(found) == KEYS
    assert [result["value"] for result in found.values()] == list(range(12))
    assert [(p.done, p.total) for p in seen] == [(i, 12) for i in range(13)]
    assert seen[-1].left == 0
    assert read_results(tmp_path / "r.jsonl", HEADER) == found


def test_two_processes_find_the_same(tmp_path: Path) -> None:
    found = run_tasks(json.loads, KEYS, tmp_path / "r.jsonl", header=HEADER, workers=2)
    assert found == {key: json.loads(key) for key in KEYS}
    assert sorted(line["task"] for line in lines(tmp_path / "r.jsonl")[1:]) == sorted(KEYS)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    run_tasks(task, KEYS[:5], path, header=HEADER, workers=1)
    called: list[str] = []

    def counting(key: str) -> Mapping[str, Any]:
        called.append(key)
        return task(key)

    found = run_tasks(counting, KEYS, path, header=HEADER, resume=True, workers=1)
    assert called == KEYS[5:]
    assert found == {key: json.loads(key) for key in KEYS}


def test_a_line_cut_off_is_done_again_and_a_repeated_one_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    run_tasks(task, KEYS[:6], path, header=HEADER, workers=1)
    whole = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*whole[:-1], whole[2], whole[-1][:20]]), encoding="utf-8")
    found = run_tasks(task, KEYS[:6], path, header=HEADER, resume=True, workers=1)
    assert found == {key: json.loads(key) for key in KEYS[:6]}
    assert read_results(path, HEADER) == found


def test_a_run_that_was_killed_can_be_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(path)])
    while not path.exists() or len(path.read_bytes().splitlines()) < 6:
        time.sleep(0.02)
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = len(read_results(path, {"seed": 1}))
    assert before >= 5
    called: list[str] = []

    def rest(key: str) -> Mapping[str, Any]:
        called.append(key)
        return {"length": len(key)}

    keys = ["k" * i for i in range(200)]
    found = run_tasks(rest, keys, path, header={"seed": 1}, resume=True, workers=1)
    assert len(called) == 200 - before
    assert [result["length"] for result in found.values()] == list(range(200))


def test_a_file_that_is_there_or_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    run_tasks(task, KEYS[:1], path, header=HEADER, workers=1)
    with pytest.raises(InputError, match="--resume"):
        run_tasks(task, KEYS, path, header=HEADER, workers=1)
    with pytest.raises(InputError, match="another run: seed differ"):
        run_tasks(task, KEYS, path, header={**HEADER, "seed": 2}, resume=True, workers=1)
    path.write_text("not results\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no results"):
        run_tasks(task, KEYS, path, header=HEADER, resume=True, workers=1)


def test_no_workers_and_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one"):
        run_tasks(task, KEYS, tmp_path / "r.jsonl", header=HEADER, workers=0)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        run_tasks(task, KEYS, tmp_path / "file" / "r.jsonl", header=HEADER, workers=1)
