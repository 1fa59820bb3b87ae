"""XLA's call frame, read from a compiled loop: the only file that follows its pointers. It imports numba.

A loop receives the frame as a pointer to 64-bit words. `argument(frame, 0, floats)` is the first operand's memory,
`result(frame, 0, doubles)` the first result's, `extent(frame, ARGUMENTS, 0, 1)` the size of the first operand's second
axis, and `parameter(frame, 0)` the first of the static integers that the call carries.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from jconv.native import _layout as at

if TYPE_CHECKING:

    def intrinsic(implementation: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function that loops call: without the context, which numba passes."""
        ...
else:
    from numba.extending import intrinsic

ARGUMENTS, RESULTS = at.FRAME_ARGUMENTS, at.FRAME_RESULTS

# numba's own types are not annotated, hence `Any` in the signatures of intrinsics.


def pointer(element: Any) -> Callable[[int], Any]:
    """A function for loops that turns an address into a pointer to `element`."""

    @intrinsic
    def cast(context: Any, address: Any) -> Any:
        kind = types.CPointer(element)
        return kind(types.int64), lambda cx, builder, signature, args: builder.inttoptr(
            args[0], cx.get_value_type(kind)
        )

    return cast


words = pointer(types.int64)
halves = pointer(types.int32)
doubles = pointer(types.float64)
POINTERS = {np.dtype(name): pointer(getattr(types, name)) for name in (
    "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"
)}  # fmt: skip


@njit(inline="always")
def buffer(frame: Any, side: int, index: int) -> Any:
    """The words of an operand's or a result's XLA_FFI_Buffer."""
    return words(words(frame[side + at.LIST_POINTERS])[index])


@njit(inline="always")
def argument(frame: Any, index: int, kind: Any) -> Any:
    """The memory of an operand."""
    return kind(buffer(frame, at.FRAME_ARGUMENTS, index)[at.BUFFER_DATA])


@njit(inline="always")
def result(frame: Any, index: int, kind: Any) -> Any:
    """The memory of a result."""
    return kind(buffer(frame, at.FRAME_RESULTS, index)[at.BUFFER_DATA])


@njit(inline="always")
def extent(frame: Any, side: int, index: int, axis: int) -> int:
    """The size of an operand's or a result's axis."""
    return words(buffer(frame, side, index)[at.BUFFER_DIMENSIONS])[axis]


@njit(inline="always")
def rank(frame: Any, side: int, index: int) -> int:
    """The number of an operand's or a result's axes."""
    return buffer(frame, side, index)[at.BUFFER_RANK]


@njit(inline="always")
def parameters(frame: Any) -> Any:
    """The static integers of the call, its one attribute: an array of int64."""
    attribute = words(words(frame[at.FRAME_ATTRIBUTES + at.ATTRIBUTES_POINTERS])[0])
    return words(attribute[at.ARRAY_DATA])


@njit(inline="always")
def answer_metadata(frame: Any) -> bool:
    """Whether XLA asks for the version of the interface, not for work; if so, answer."""
    if frame[at.FRAME_EXTENSION] == 0:
        return False
    extension = words(frame[at.FRAME_EXTENSION])
    if halves(frame[at.FRAME_EXTENSION])[2 * at.EXTENSION_TYPE] != at.METADATA_TYPE:
        return False
    version = halves(extension[at.EXTENSION_METADATA])
    version[2 * at.METADATA_VERSION] = at.API_MAJOR
    version[2 * at.METADATA_VERSION + 1] = at.API_MINOR
    return True


@njit(inline="always")
def is_as_expected(frame: Any) -> bool:
    """Whether the sizes that XLA writes in front of its structs are those that `_layout` relies on."""
    if frame[at.FRAME_SIZE] < 8 * (at.FRAME_ATTRIBUTES + 6):
        return False
    if frame[at.FRAME_ARGUMENTS] != at.LIST_BYTES or frame[at.FRAME_RESULTS] != at.LIST_BYTES:
        return False
    if frame[at.FRAME_ATTRIBUTES] != at.ATTRIBUTES_BYTES:
        return False
    api = words(frame[at.FRAME_API])
    if api[0] < 8 * (at.API_THREADS + 1) or halves(frame[at.FRAME_API])[2 * at.API_VERSION] != at.API_MAJOR:
        return False
    for index in range(frame[at.FRAME_ARGUMENTS + at.LIST_COUNT]):
        if buffer(frame, at.FRAME_ARGUMENTS, index)[0] != at.BUFFER_BYTES:
            return False
    return True


# What loops need of the C library and of the processor.


def _external(name: str) -> Callable[[int], int]:
    """A function of the C library that takes one word, resolved when a loop is loaded.

    All are called as functions from a word to a word: what returns nothing leaves a word that nobody reads.
    """

    @intrinsic
    def call(context: Any, word: Any) -> Any:
        def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(ir.IntType(64), [ir.IntType(64)])
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

        return types.int64(types.int64), generate

    return call


malloc = _external("malloc")
free = _external("free")
yield_processor = _external("SwitchToThread" if sys.platform == "win32" else "sched_yield")


@intrinsic
def call_with_pointer(context: Any, function: Any, argument: Any) -> Any:
    """Call the C function at an address with one address; returns the address that it returns."""

    def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        callee = builder.inttoptr(args[0], ir.FunctionType(word, [word]).as_pointer())
        return builder.call(callee, [args[1]])

    return types.int64(types.int64, types.int64), generate


@intrinsic
def atomic_add(context: Any, memory: Any, index: Any, value: Any) -> Any:
    """Add to a word that other threads see; returns what it was."""

    def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "seq_cst")

    return types.int64(types.CPointer(types.int64), types.int64, types.int64), generate


def local_memory(dtype: np.dtype | type, count: int) -> Callable[[], Any]:
    """A function for loops that gives memory of `count` numbers on the stack, the same at every call from one place."""
    element = getattr(types, np.dtype(dtype).name)

    @intrinsic
    def memory(context: Any) -> Any:
        def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
            return cgutils.alloca_once(builder, cx.get_value_type(element), size=count)

        return types.CPointer(element)(), generate

    return memory


def local_words(count: int) -> Callable[[], Any]:
    """The same for 64-bit words."""
    return local_memory(np.int64, count)


@intrinsic
def address_of(context: Any, memory: Any) -> Any:
    """The address that a pointer holds."""

    def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(memory), generate
