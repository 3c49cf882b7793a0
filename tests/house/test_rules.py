"""Sizes of files and functions, names of packages, and content that must not be committed."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 60


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


PYTHON = [path for path in tracked() if path.suffix == ".py"]
TEXTS = [
    path
    for path in tracked()
    if path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".sh", ""}
    and path != Path(__file__)
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


PACKAGES = [path for path in PYTHON if path.name == "__init__.py" and "tests" not in path.parts]


@pytest.mark.parametrize("package", PACKAGES, ids=name)
def test_every_package_has_a_map_of_its_modules(package: Path) -> None:
    words = set(re.findall(r"\w+", ast.get_docstring(ast.parse(package.read_text())) or ""))
    modules = {path.stem for path in PYTHON if path.parent == package.parent}
    subpackages = {path.parent.name for path in PACKAGES if path.parent.parent == package.parent}
    assert modules - {"__init__", "__main__"} | subpackages <= words


def test_every_package_of_the_product_is_listed_in_pyproject() -> None:
    """A package that is not listed is missing in the wheel, and works in this checkout."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    roots = {folder for folder in setuptools["package-dir"].values() if "/" not in folder}
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in PACKAGES
        if path.relative_to(ROOT).parts[0] in roots
    }
    listed = {name.removeprefix("funasr_fleet.") for name in setuptools["packages"]}
    assert found == listed


def test_packages_have_unique_names() -> None:
    vague = re.compile(r"(^|/)(utils?|helpers?|common|misc|manager)(\.py|/)")
    assert [name(path) for path in tracked() if vague.search(name(path))] == []


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_no_local_path_and_no_registry_is_committed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for private in ("/work" + "/", "/root" + "/", "/opt/wheels", "pythonhosted", "pypi" + ".org"):
        assert private not in text


CLOCKS = {"perf_counter", "monotonic", "process_time"}


def is_elapsed(node: ast.AST, names: set[str]) -> bool:
    """Whether it is a difference of clock readings, or the name of one."""
    if isinstance(node, ast.Name):
        return node.id in names
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    read = {getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls}
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and bool(read & CLOCKS)


@pytest.mark.parametrize("path", [path for path in PYTHON if "tests" in path.parts], ids=name)
def test_no_test_asserts_that_something_was_fast(path: Path) -> None:
    """Timing assertions fail on a busy machine; use pytest's timeout or a count of steps."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        assigned = [one for one in ast.walk(function) if isinstance(one, ast.Assign)]
        names = {ast.unparse(one.targets[0]) for one in assigned if is_elapsed(one.value, set())}
        asserted = [one.test for one in ast.walk(function) if isinstance(one, ast.Assert)]
        compared = [one for one in asserted if isinstance(one, ast.Compare)]
        upper = [one for one in compared if isinstance(one.ops[0], ast.Lt | ast.LtE)]
        assert not [ast.unparse(one) for one in upper if is_elapsed(one.left, names)]


LIBRARY = ("broker", "contract", "producer", "storage", "worker")
_A_COMMAND = re.compile(r"(fleet|FLEET_MODEL=\S+ \{\}) [a-z]+[^;`]*")
"""A complete command, which may contain its options."""
_AN_OPTION = re.compile(r"(?<![\w-])--[a-z]")


def messages(tree: ast.AST) -> list[str]:
    """All strings of a module except docstrings; values in f-strings are replaced by {}."""
    parts: dict[int, str] = {}
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # a docstring of a module, class, function or attribute
            inner.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            inner |= {id(one) for one in node.values}
            texts = (getattr(one, "value", "") for one in node.values)
            parts[id(node)] = "".join(one if isinstance(one, str) else "{}" for one in texts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts[id(node)] = node.value
    return [text for key, text in parts.items() if key not in inner]


@pytest.mark.parametrize(
    "path",
    [path for path in PYTHON if path.relative_to(ROOT).parts[0] in LIBRARY],
    ids=name,
)
def test_no_message_of_the_library_names_an_option_of_the_command_line(path: Path) -> None:
    """Python callers have no options; messages name arguments, settings or whole commands."""
    if path.name in {"style.py", "launch.py"}:  # CSS variables; the command line of Celery
        return
    texts = messages(ast.parse(path.read_text(encoding="utf-8")))
    assert [text for text in texts if _AN_OPTION.search(_A_COMMAND.sub("", text))] == []
