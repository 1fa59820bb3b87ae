"""Programs that XLA partitions over devices by itself gather no more than lax's own convolution does."""

import os
import re
import subprocess
import sys

import jax
import pytest

CODE = '''
import functools, re, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
import jconv

mesh = Mesh(np.array(jax.devices()), ("d",))
CASES = {
    "dense": ((8, 32, 32, 16), (3, 3, 16, 32), {}),
    "grouped": ((8, 32, 32, 32), (3, 3, 4, 32), {"feature_group_count": 8}),
    "depthwise": ((8, 32, 32, 16), (5, 5, 1, 16), {"feature_group_count": 16}),
    "depthwise, large": ((8, 64, 64, 8), (31, 31, 1, 8), {"feature_group_count": 8}),
    "image": ((8, 256, 256, 1), (21, 21, 1, 1), {}),
    "signal": ((8, 8192, 1), (301, 1, 1), {}),
    "transposed": ((8, 16, 16, 16), (4, 4, 16, 8), {"lhs_dilation": (2, 2), "padding": [(2, 2)] * 2}),
}

def traffic(f, *arrays):
    """Elements that the compiled program moves between devices, by kind of collective."""
    text, moved = jax.jit(f).lower(*arrays).compile().as_text(), {}
    kinds = "all-gather|all-to-all|all-reduce|collective-permute"
    for shape, kind in re.findall(rf"= \\w+\\[([\\d,]*)\\][^=]*? ({kinds})[\\w-]*\\(", text):
        moved[kind] = moved.get(kind, 0) + int(np.prod([int(n) for n in shape.split(",") if n] or [1]))
    return moved

for name, (lhs, rhs, options) in CASES.items():
    n = len(lhs) - 2
    letters = "HW"[:n]
    numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    options = {"window_strides": (1,) * n, "padding": "SAME", "dimension_numbers": numbers, **options}
    out = jax.eval_shape(functools.partial(jax.lax.conv_general_dilated, **options),
                         jax.ShapeDtypeStruct(lhs, jnp.float32), jax.ShapeDtypeStruct(rhs, jnp.float32)).shape
    for axis in range(n + 2):
        if lhs[axis] % 8 or out[axis] % 8:
            continue
        spec = P(*("d" if i == axis else None for i in range(n + 2)))
        place = lambda shape, spec: jax.ShapeDtypeStruct(shape, jnp.float32, sharding=NamedSharding(mesh, spec))
        x, w, ct = place(lhs, spec), place(rhs, P()), place(out, spec)
        def passes(convolve):
            f = functools.partial(convolve, **options)
            return {
                "forward": (f, x, w),
                "dx": (lambda w, ct: jax.linear_transpose(lambda x: f(x, w), x)(ct)[0], w, ct),
                "dw": (lambda x, ct: jax.linear_transpose(lambda w: f(x, w), w)(ct)[0], x, ct),
            }
        plain = {k: traffic(*v) for k, v in passes(jax.lax.conv_general_dilated).items()}
        ours = {k: traffic(*v) for k, v in passes(jconv.conv_general_dilated).items()}
        with jconv.accelerate():
            under = {k: traffic(*v) for k, v in passes(jax.lax.conv_general_dilated).items()}
        for k in plain:
            for way, moved in (("jconv", ours[k]), ("accelerated", under[k])):
                extra = {kind: count for kind, count in moved.items() if count > 1.1 * plain[k].get(kind, 0) + 64}
                print("same" if not extra else f"MORE {name} axis {axis} {k} {way}: {moved} instead of {plain[k]}")
'''.replace("\\\\", "\\")


@pytest.mark.core
def test_no_pass_gathers_more_than_lax():
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    env["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert len(lines) > 60
    assert [line for line in lines if line != "same"] == []
    assert not re.search("Involuntary full rematerialization", done.stderr) or jax.__version_info__ < (0, 11)


def test_unreduced_axes_are_mesh_axes():
    """JAX refuses to iterate over a specification that has some: accelerate() must leave such products alone."""
    from jax.sharding import PartitionSpec

    from jconv._core import jax_internals as internals

    class Sharding:
        def __init__(self, spec):
            self.spec = spec

    assert internals.names_mesh_axes(Sharding(PartitionSpec("x", unreduced={"y"})))
    assert internals.names_mesh_axes(Sharding(PartitionSpec(None, "x")))
    assert not internals.names_mesh_axes(Sharding(PartitionSpec(None, None)))
    assert not internals.names_mesh_axes(None)
