"""`jconv info`: what a bug report needs to say about this machine and this installation."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from jconv._core.cache import cache_dir
from jconv._core.cores import cores
from jconv._core.limits import max_bytes

_PACKAGES = (
    "jax", "jaxlib", "numpy", "flax", "optax", "orbax-checkpoint", "scipy", "matplotlib", "pillow", "tifffile",
    "imageio", "soundfile", "scikit-image", "scikit-learn", "pycocotools", "grain", "tensorboardX", "numba",
)  # fmt: skip
_VARIABLES = ("JCONV_", "JAX_", "XLA_", "CUDA_VISIBLE_DEVICES", "MALLOC_", "OMP_NUM_THREADS", "PYTHONPATH")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "info",
        help="describe this installation, for a bug report",
        description="Print versions, devices, which fast paths are in use and why others are not, caches with their "
        "sizes, and the environment variables that are set.",
        example="jconv info --json",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the facts."""
    facts = collect()
    if args.json:
        print(json.dumps(facts, indent=2))
        return
    for section, entries in facts.items():
        print(f"{section}:")
        for name, value in entries.items():
            print(f"  {name}: {value}")


def collect() -> dict[str, dict[str, Any]]:
    """Return the facts by section, as JSON values."""
    import jax

    from jconv import __version__

    return {
        "versions": {
            "jconv": __version__,
            "python": platform.python_version(),
            **{name: version for name in _PACKAGES if (version := _version(name))},
        },
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": cores(),
            "devices": ", ".join(f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()),
            "64-bit types": bool(jax.config.jax_enable_x64),  # pyright: ignore[reportAttributeAccessIssue]
        },
        "fast paths": _fast_paths(),
        "files": {
            "jconv": str(Path(__file__).parents[1]),
            "cache": _folder(cache_dir()),
            "wisdom": _file(os.environ.get("JCONV_WISDOM")),
            "JAX compilation cache": _folder(jax.config.jax_compilation_cache_dir),  # pyright: ignore[reportAttributeAccessIssue]
            "largest file, in bytes": max_bytes(),
        },
        "environment variables": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)
        },
    }


def _fast_paths() -> dict[str, str]:
    """Which fast paths are in use, and why not."""
    import jax.numpy as jnp
    from jax import ShapeDtypeStruct

    import jconv

    image, kernel = ShapeDtypeStruct((8, 64, 64, 64), jnp.float32), ShapeDtypeStruct((3, 3, 64, 64), jnp.float32)
    plan = jconv.plan(image, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    refusals = {candidate.algorithm: getattr(candidate, "refused", None) for candidate in plan.candidates}
    reason = refusals.get("onednn", "this version does not have it")
    paths = {"oneDNN's convolutions": f"not in use: {reason}" if reason else "in use"}
    try:
        importlib.import_module("jconv.native")
    except ImportError:
        paths["native loops"] = "not in use: this version does not have them"
    else:
        missing = None if _version("numba") else "numba is not installed; pip install 'jconv[native]'"
        paths["native loops"] = f"not in use: {missing}" if missing else "in use"
    return paths


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _folder(path: str | os.PathLike[str] | None) -> str:
    if not path:
        return "none"
    files = [file for file in Path(path).rglob("*") if file.is_file()] if Path(path).is_dir() else []
    return f"{path} ({len(files)} files, {sum(file.stat().st_size for file in files)} bytes)"


def _file(path: str | None) -> str:
    if not path:
        return "none"
    return f"{path} ({Path(path).stat().st_size} bytes)" if Path(path).is_file() else f"{path} (there is no such file)"
