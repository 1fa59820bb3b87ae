"""The package imports lightly, and offers what it says."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jconv

ROOT = Path(__file__).parents[1]
HEAVY = {"flax", "optax", "matplotlib", "scipy", "orbax", "tqdm", "PIL", "skimage", "numba", "IPython", "sphinx"}


@pytest.mark.core
def test_import_is_light(tmp_path):
    code = (
        "import sys, time, jax; before = set(sys.modules); begin = time.process_time(); import jconv; "
        "seconds = time.process_time() - begin; "
        f"print(seconds); print(sorted({HEAVY!r} & (set(sys.modules) - before)))"
    )
    # The second run finds what the first has compiled, as everywhere but where Python is told to write no bytecode.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    command = [sys.executable, "-c", code]
    seconds = []
    while len(seconds) < 2 or (min(seconds) >= 0.1 and len(seconds) < 8):  # other processes may disturb some of them
        run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        time, heavy, _ = run.stdout.split("\n")
        assert heavy == "[]"
        seconds.append(float(time))
    assert min(seconds) < 0.1


POLITE = """
import ctypes, logging, os, signal, sys, threading, warnings
import jax, numpy as np

calls = []

class Mallopt:
    def __call__(self, *setting):
        calls.append(setting)
        return 1

class Library:
    gnu_get_libc_version, mallopt = True, Mallopt()

ctypes.CDLL = lambda name: Library()

def process():
    return {
        "environment": dict(os.environ), "JAX": dict(jax.config.values), "NumPy": np.geterr(), "path": list(sys.path),
        "warnings": list(warnings.filters), "handlers": [signal.getsignal(s) for s in signal.valid_signals()],
        "hook": sys.excepthook, "logging": list(logging.root.handlers), "threads": threading.active_count(),
    }

before = process()
import jconv
after = process()
print(sorted(name for name in before if before[name] != after[name]), calls)
jconv.accelerate()
print(len(calls))
"""


@pytest.mark.core
def test_the_import_changes_nothing_in_the_process():
    own = ("MALLOC_", "GLIBC_TUNABLES", "JCONV_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    done = subprocess.run([sys.executable, "-c", POLITE], env=env, capture_output=True, text=True, check=True)
    changes, asked = done.stdout.splitlines()
    assert changes == "[] []"
    assert int(asked) >= 3  # accelerate() asks glibc to keep freed memory: `jconv.keep_freed_memory`


def test_there_is_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "jconv/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", jconv.__version__)


def test_the_packages_that_users_are_promised_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    always = {re.split(r"[<>=]", word)[0] for word in project["dependencies"]}
    assert always == {"jax", "jaxlib", "numpy"}
    extras = project["optional-dependencies"]
    declared = {re.split(r"[<>=\[]", word)[0] for words in extras.values() for word in words}
    assert {"flax", "optax", "chex", "pytest"} <= declared


MISSING = """
import sys
sys.modules[{package!r}] = None  # an import of it fails, as where it is not installed
try:
    import jconv.{subpackage}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("subpackage", "package", "extra"),
    [
        ("nn", "flax", "nn"),
        ("training", "optax", "train"),
        ("tasks", "tqdm", "train"),
        ("plotting", "matplotlib", "plot"),
    ],
)
def test_a_missing_extra_is_named_with_the_line_that_installs_it(subpackage, package, extra):
    code = MISSING.format(package=package, subpackage=subpackage)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == f"this needs the package {package!r}; install it with: pip install 'jconv[{extra}]'\n"


def test_the_command_line_names_a_missing_extra():
    code = "import sys; sys.modules['flax'] = None; from jconv.cli import main; sys.exit(main(['learn']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'jconv[train]'" in done.stderr


def test_every_environment_variable_is_documented():
    files = [*Path(jconv.__file__).parent.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    read = {name for file in files for name in re.findall(r"\bJCONV_[A-Z_]+", file.read_text())}
    read -= {"JCONV_ONEDNN_CHILD"}  # jconv sets it for a process of its own
    documented = set(re.findall(r"^\| `(JCONV_[A-Z_]+)`", (ROOT / "docs" / "environment.md").read_text(), re.MULTILINE))
    assert {"JCONV_ACCELERATE", "JCONV_ONEDNN", "JCONV_WISDOM"} <= read
    assert documented == read


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name)
def test_files_that_documents_name_exist(path):
    text = path.read_text()
    named = set(re.findall(r"`((?:jconv|tests|benchmarks|docs|examples)/[\w./]*\w)`", text))
    named |= {str((path.parent / link).relative_to(ROOT)) for link in re.findall(r"\]\((?!https?:)([\w./]+)\)", text)}
    package = Path(jconv.__file__).parents[1]
    assert [name for name in sorted(named) if not ((ROOT / name).exists() or (package / name).exists())] == []


def packages():
    found = ["jconv"]
    for module in pkgutil.walk_packages(jconv.__path__, "jconv."):
        if module.ispkg:
            found.append(module.name)
    return found


@pytest.mark.parametrize("name", packages())
def test_public_names_exist_and_are_documented(name):
    module = importlib.import_module(name)
    public = getattr(module, "__all__", [])
    assert len(set(public)) == len(public)
    for entry in public:
        thing = getattr(module, entry)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), f"{name}.{entry} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'convolv2d'"):
        jconv.convolv2d  # noqa: B018
    assert set(jconv.__all__) <= set(dir(jconv))


def test_no_file_is_overlong():
    root = Path(jconv.__file__).parent  # the package that is tested, from the source or installed
    assert {p.name: n for p in root.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400} == {}


@pytest.mark.parametrize("name", ["README.md", "docs/training.md"])
def test_the_python_of_the_documents_runs(name):
    text = (ROOT / name).read_text()
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, {})


def test_the_readme_has_its_two_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2
    assert commands[0].endswith(".venv/bin/jconv learn --out out/learn")
    assert commands[1].endswith(".venv/bin/python -m pytest")
