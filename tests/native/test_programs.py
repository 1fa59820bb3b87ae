"""What becomes of native loops in programs that are exported, serialised, partitioned, or run without numba."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.experimental import serialize_executable

from jconv import native
from jconv._order.rank import rank_filter
from jconv.native import _build
from tests.native.child import run

pytestmark = [
    pytest.mark.core,
    pytest.mark.skipif(native.refusal() is not None, reason=f"no native loops here: {native.refusal()}"),
]
X = np.random.default_rng(0).standard_normal((20, 30))


def median(x):
    return rank_filter(x, np.ones((3, 3), bool), 4)


def test_programs_for_cpu_call_the_loop_and_others_do_not():
    lowered = jax.jit(median).trace(X).lower(lowering_platforms=("cpu",)).as_text()
    assert "jconv.native.register/network_float64_9_4" in lowered
    for platforms in (("cuda",), ("tpu",)):
        assert "jconv.native" not in jax.jit(median).trace(X).lower(lowering_platforms=platforms).as_text()


def test_exported_programs_hold_no_loop_and_give_the_same_values():
    exported = export.export(jax.jit(median), platforms=("cpu", "cuda"))(X)
    assert "jconv.native" not in exported.mlir_module()
    np.testing.assert_array_equal(exported.call(X), median(X))


def test_without_jit_the_values_are_the_same():
    with jax.disable_jit():
        np.testing.assert_array_equal(median(X), jax.jit(median)(X))


_LOAD = """
import pickle, sys, numpy as np
from jax.experimental import serialize_executable
{register}
payload, x = pickle.load(open(sys.argv[1] if len(sys.argv) > 1 else {path!r}, "rb"))
try:
    print(float(np.asarray(serialize_executable.deserialize_and_load(*payload)(x)).sum()))
except Exception as error:
    print(str(error))
"""


def test_a_serialised_program_names_the_import_that_it_needs(tmp_path):
    path = str(tmp_path / "program")
    compiled = jax.jit(median).lower(X).compile()
    with open(path, "wb") as file:
        pickle.dump((serialize_executable.serialize(compiled), X), file)
    register = "from jconv.native import _build, _kernels; _build.register(_kernels.network(np.dtype(float), 9, 4))"
    assert float(run(_LOAD.format(register=register, path=path))) == pytest.approx(float(median(X).sum()))
    assert "jconv.native.register" in run(_LOAD.format(register="", path=path))


_CACHED = """
import io, logging
import jax, jax.numpy as jnp, numpy as np
from jconv import ndimage, signal
jax.config.update("jax_compilation_cache_dir", {path!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
jax.config.update("jax_log_compiles", True)
log = io.StringIO()
logging.getLogger("jax").addHandler(logging.StreamHandler(log))
x = jnp.arange(600.0).reshape(20, 30) % 7
filters = jax.jit(lambda x: (ndimage.median_filter(x, 3), signal.lfilter(np.ones(2), np.array([1.0, -0.5]), x)))
print([float(v.sum()) for v in filters(x)])
text = log.getvalue()
print(text.count("Finished XLA compilation"), text.count("Persistent compilation cache hit"))
"""


def test_a_second_process_takes_the_program_from_jaxs_cache(tmp_path):
    code = _CACHED.format(path=str(tmp_path))
    first, second = (run(code).splitlines() for _ in range(2))
    assert second[0] == first[0]
    compiled, hits = map(int, second[1].split())
    assert compiled == hits > 0


_VALUES = """
import warnings; warnings.simplefilter("error")
{hide}
import jax.numpy as jnp, numpy as np
from jconv import native
from jconv._order.rank import rank_filter
print(native.refusal())
print(float(rank_filter(jnp.arange(30.0) % 7, np.ones(5, bool), 2).sum()))
"""
_HIDE = "import importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *a: None if n == 'numba' else f(n, *a)"
_MISMATCH = """
warnings.simplefilter("ignore")
import jconv.native._availability as a
a._probe = lambda device: False
"""


def test_without_numba_and_with_another_layout_the_values_are_the_same():
    expected = float(rank_filter(jnp.arange(30.0) % 7, np.ones(5, bool), 2).sum())
    for hide, word in ((_HIDE, "numba is not installed"), (_MISMATCH, "not laid out")):
        reason, value = run(_VALUES.format(hide=hide)).splitlines()
        assert word in reason
        assert float(value) == expected


def test_another_layout_is_said_once(monkeypatch):
    from jconv.native import _availability

    monkeypatch.setattr(_availability, "_probe", lambda device: False)
    fresh = _availability.refusal.__wrapped__
    with pytest.warns(RuntimeWarning, match="not laid out as the loops expect"):
        assert fresh() is not None


def test_what_lies_in_the_cache_is_read_where_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("JCONV_CACHE_DIR", str(tmp_path))
    kernel = _build.Kernel("jconv.native._probe_loop", "probe", "int32")
    path = _build._path(kernel)
    assert _build._read(path) is None
    _build._write(path, b"machine code")
    assert _build._read(path) == b"machine code"
    path.write_bytes(path.read_bytes()[:-1])
    assert _build._read(path) is None
    path.unlink()
    (tmp_path / "native").rmdir()
    (tmp_path / "native").write_text("a file where the directory would be")
    _build._write(path, b"machine code")  # not an error
    assert _build._read(path) is None


_SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
from jconv._order.rank import rank_filter
mesh = jax.make_mesh((8,), ("batch",))
x = jax.device_put(jnp.arange(8.0 * 60).reshape(8, 6, 10) % 7, NamedSharding(mesh, P("batch")))
f = jax.jit(lambda x: rank_filter(x, np.ones((1, 3, 3), bool), 4))
text = f.lower(x).compile().as_text()
inside = jax.jit(jax.shard_map(f, mesh=mesh, in_specs=P("batch"), out_specs=P("batch")))
print("all-gather" in text, "jconv.native" in inside.lower(x).as_text(), bool((f(x) == inside(x)).all()))
"""


def test_partitioned_programs_gather_nothing_and_shard_map_keeps_the_loop():
    out = run(_SHARDED, XLA_FLAGS="--xla_force_host_platform_device_count=8")
    assert out.split() == ["False", "True", "True"]


_THREADS = """
import threading, jax, jax.numpy as jnp, numpy as np
from jconv._order.rank import rank_filter
x = jnp.asarray(np.random.default_rng(0).standard_normal((400, 400)).astype("f"))
f = jax.jit(lambda x: rank_filter(x, np.ones((3, 3), bool), 4))
expected = np.asarray(f(x))
wrong = []
def work():
    for _ in range(20):
        if not np.array_equal(f(x), expected):
            wrong.append(1)
threads = [threading.Thread(target=work) for _ in range(16)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(wrong))
"""


def test_sixteen_threads_at_once_share_the_pool():
    assert run(_THREADS).split() == ["0"]
