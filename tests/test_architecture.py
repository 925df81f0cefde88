"""The architecture holds: layers, sizes, the README's tree, start-up without heavy imports, no private traces."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "metaanalysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("pymc", "pytensor", "arviz", "matplotlib", "seaborn", "typst", "statsmodels", "pandas", "scipy.stats")


def tracked() -> list[Path]:
    """Files under version control, or all files of the tree where git is not there."""
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [p for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_layers() -> None:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            length = (node.end_lineno or 0) - node.lineno + 1 - docstring.count("\n")
            assert length <= 50, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_and_public_name_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if tree.body:
        assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_one_home_for_each_heavy_library() -> None:
    """PyMC lives in engines/pymc*, Matplotlib and seaborn in figures, Typst in report*."""
    homes = {"pymc": r"engines/pymc", "matplotlib": r"figures/", "seaborn": r"figures/", "typst": r"report"}
    for path in MODULES:
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            roots = []
            if isinstance(node, ast.Import):
                roots = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                roots = [node.module.split(".")[0]]
            for root in roots:
                if root in homes:
                    assert re.match(homes[root], name), f"{name} imports {root}"


@pytest.mark.parametrize("command", ["import metaanalysis", "import metaanalysis.studies.check"])
def test_start_up_imports_nothing_heavy(command: str) -> None:
    script = f"import sys; {command}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def test_readme_tree_is_the_real_tree() -> None:
    """Every path in the README's tree exists, and every folder and module of the top levels is in it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## The tree\n+```text\n(.*?)```", text, re.DOTALL)
    assert block
    shown = set()
    parents: list[str] = []
    for line in block.group(1).splitlines():
        if not line.strip():
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        parents = [*parents[:depth], name.rstrip("/")]
        shown.add("/".join(parents))
        assert (ROOT / "/".join(parents)).exists(), f"{'/'.join(parents)} is in the README but not there"
    for path in [*PACKAGE.iterdir(), *(PACKAGE / "engines").iterdir()]:
        name = path.relative_to(ROOT).as_posix()
        if path.name.startswith("__") or path.name == "py.typed":
            continue
        if path.parent == PACKAGE or path.is_dir():
            assert name in shown, f"{name} is not in the README's tree"


def test_no_traces_of_a_machine_or_registry() -> None:
    """No absolute home paths, registry hosts or private notes in any tracked text file."""
    private = re.compile(r"(^|[^A-Za-z.])/(work|root|tmp|home)/[a-z.]|--(extra-)?index-url|files\.pythonhosted")
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".typ", ".json", ".yaml", ".cff", ".csv", ".lock", ""}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            found = private.search(text)
            assert not found, f"{path.name}: {found.group(0) if found else ''}"


def test_lock_names_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    for requirement in wanted:
        name = re.split(r"[<>=!\[ ]", requirement)[0].lower()
        assert re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE), name
