"""The package imports lightly, and offers what it says."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jconv

HEAVY = {"flax", "optax", "matplotlib", "scipy", "orbax", "tqdm", "PIL"}


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
    runs = [subprocess.run(command, env=env, capture_output=True, text=True, check=True) for _ in range(2)]
    lines = [run.stdout.split("\n") for run in runs]
    assert lines[0][1] == "[]"
    assert min(float(line[0]) for line in lines) < 0.1


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
    root = Path(jconv.__file__).parent
    assert {p.name: n for p in root.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400} == {}


@pytest.mark.parametrize("name", ["README.md", "docs/training.md"])
def test_the_python_of_the_documents_runs(name):
    text = (Path(jconv.__file__).parents[1] / name).read_text()
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, {})


def test_the_readme_has_its_two_commands():
    lines = (Path(jconv.__file__).parents[1] / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2
    assert commands[0].endswith(".venv/bin/jconv learn --out out/learn")
    assert commands[1].endswith(".venv/bin/python -m pytest")
