"""Compiling a loop, keeping the machine code on disk, and registering it with XLA.

numba translates a Python loop to LLVM's language, and is imported only where the machine code is not at hand; llvmlite,
which comes with it, turns that into an object file and loads it. The object files lie under `native` in jconv's cache
directory, one for each loop, processor and set of versions. A file that is missing, damaged or cannot be written costs
a compilation, never an error: files are written beside and renamed, and carry a digest of their contents.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib
import platform
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jconv._core import sorting_network
from jconv._core.cache import cache_dir
from jconv._core.files import atomic

# The module whose import registers every loop: its name stands in front of every target's, so that XLA's complaint
# about a target that it does not know says which import is missing.
_REGISTER = "jconv.native.register"


class Kernel(NamedTuple):
    """A loop: `module.factory(dtype, *numbers)` gives its `parts` and its `work` (see `_share.entry`)."""

    module: str
    factory: str
    dtype: str
    numbers: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The loop and its variant in one word."""
        return "_".join(map(str, (self.factory, self.dtype, *self.numbers)))

    @property
    def target(self) -> str:
        """The name under which XLA knows the loop."""
        return f"{_REGISTER}/{self.name}"

    @property
    def symbol(self) -> str:
        """The name of its function in the object file."""
        return f"jconv_{self.name}"


_lock = threading.RLock()
# What keeps loaded machine code alive: XLA holds bare addresses.
_loaded: dict[Kernel, object] = {}


def register(kernel: Kernel) -> str:
    """Compile a loop or take it from the cache, and register it with XLA's CPU backend; returns the target's name."""
    with _lock:
        if kernel not in _loaded:
            path = _path(kernel)
            code = _read(path)
            if code is None:
                code = compile_object(kernel)
                _write(path, code)
            engine, address = _load(kernel, code)
            function = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)
            jax.ffi.register_ffi_target(kernel.target, jax.ffi.pycapsule(function), platform="cpu")
            _loaded[kernel] = engine, function
    return kernel.target


def is_cached(kernel: Kernel) -> bool:
    """Whether a loop's machine code lies in the cache, whole."""
    return _read(_path(kernel)) is not None


def _path(kernel: Kernel) -> Path:
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    facts = [
        kernel.symbol,
        platform.machine(),
        sys.platform,
        llvm.get_host_cpu_name(),
        features,
        sys.version,
        _digest(),
    ]
    facts += [f"{name} {metadata.version(name)}" for name in ("numba", "llvmlite", "numpy")]
    return cache_dir() / "native" / f"{kernel.symbol}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:20]}.o"


@functools.cache
def _digest() -> str:
    """Of the source of all loops."""
    whole = hashlib.sha256()
    for path in sorted([*Path(__file__).parent.glob("*.py"), Path(sorting_network.__file__)]):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, code = data[:32], data[32:]
    return code if code and hashlib.sha256(code).digest() == digest else None


def _write(path: Path, code: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as file:
            file.write(hashlib.sha256(code).digest() + code)
    except OSError:
        pass  # a directory that cannot be written costs a compilation in each process, nothing else


def compile_object(kernel: Kernel) -> bytes:
    """The machine code of a loop for this processor: a handler for XLA and a task for its thread pool."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(_translate(kernel))
    for function in module.functions:
        if function.is_declaration and not function.name.startswith("llvm.") and function.name not in _EXTERNAL:
            raise RuntimeError(
                f"the loop {kernel.symbol} calls {function.name}, which is not known to be there where it is loaded; "
                f"write the loop without it, or add it to {__name__}._EXTERNAL"
            )
    return _machine().emit_object(module)  # pyright: ignore[reportAttributeAccessIssue]


# Functions of the C library that a loop may call.
_EXTERNAL = ("malloc", "free", "sched_yield", "SwitchToThread", "memset", "memcpy", "memmove", "fmod", "fmodf")


def _translate(kernel: Kernel) -> str:
    """A loop in LLVM's language: what numba makes of it, and two functions in front that C can call."""
    import llvmlite.binding as llvm
    from llvmlite import ir
    from numba import types
    from numba.core import compiler
    from numba.core.registry import cpu_target

    from jconv.native._share import entry

    factory = getattr(importlib.import_module(kernel.module), kernel.factory)
    parts, work = factory(np.dtype(kernel.dtype), *kernel.numbers)
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True  # pyright: ignore[reportAttributeAccessIssue]
    flags.error_model = "numpy"  # pyright: ignore[reportAttributeAccessIssue]
    frame = types.CPointer(types.int64)
    signature = (types.int64, frame, types.int64)
    cpu_target.typing_context.refresh()  # pyright: ignore[reportAttributeAccessIssue]
    cpu_target.target_context.refresh()  # pyright: ignore[reportAttributeAccessIssue]
    done = compiler.compile_extra(
        cpu_target.typing_context, cpu_target.target_context, entry(parts, work), signature, types.int64, flags, {}
    )
    context = done.target_context
    wrapper = ir.Module("wrapper")
    callee = context.declare_function(wrapper, done.fndesc)
    word = ir.IntType(64)
    kind = ir.FunctionType(word, [word])
    task = ir.Function(wrapper, kind, f"{kernel.symbol}_task")
    for function, is_task in ((ir.Function(wrapper, kind, kernel.symbol), 0), (task, 1)):
        builder = ir.IRBuilder(function.append_basic_block())
        given = (
            builder.ptrtoint(task, word),
            builder.inttoptr(function.args[0], context.get_value_type(frame)),
            ir.Constant(word, is_task),
        )
        _, returned = context.call_conv.call_function(builder, callee, types.int64, signature, given)
        builder.ret(returned)
    module = llvm.parse_assembly(done.library.get_llvm_str())
    module.link_in(llvm.parse_assembly(str(wrapper)))
    return str(module)


def _machine() -> object:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="default",
        codemodel="jitdefault",
        jit=True,
    )


def _load(kernel: Kernel, code: bytes) -> tuple[object, int]:
    """Load machine code; what keeps it alive, and the handler's address."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine, engine.get_function_address(kernel.symbol)
