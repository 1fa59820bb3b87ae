"""Where XLA's typed FFI keeps what a native loop reads: `xla/ffi/api/c_api.h`, in 64-bit words.

`tests/native/test_layout.py` walks the header that jaxlib ships and holds these numbers against it. This file is plain
data, so that it can be read without numba.
"""

from __future__ import annotations

# The version of the interface that the loops were written for; XLA refuses a handler of a newer one.
API_MAJOR, API_MINOR = 0, 3

# XLA_FFI_CallFrame
FRAME_SIZE, FRAME_EXTENSION, FRAME_API, FRAME_CONTEXT = 0, 1, 2, 3
FRAME_ARGUMENTS, FRAME_RESULTS, FRAME_ATTRIBUTES = 5, 10, 15  # XLA_FFI_Args, XLA_FFI_Rets, XLA_FFI_Attrs
# XLA_FFI_Args and XLA_FFI_Rets: struct_size, extension_start, size, types, pointers
LIST_COUNT, LIST_POINTERS, LIST_BYTES = 2, 4, 40
# XLA_FFI_Attrs: struct_size, extension_start, size, types, names, attrs
ATTRIBUTES_POINTERS, ATTRIBUTES_BYTES = 5, 48
# XLA_FFI_Buffer: struct_size, extension_start, dtype, data, rank, dims
BUFFER_DATA, BUFFER_RANK, BUFFER_DIMENSIONS, BUFFER_BYTES = 3, 4, 5, 48
# XLA_FFI_Array, an attribute: dtype, size, data
ARRAY_COUNT, ARRAY_DATA = 1, 2
# XLA_FFI_Metadata_Extension: extension_base (struct_size, type, next), metadata; XLA_FFI_Metadata: struct_size,
# api_version (struct_size, extension_start, two 32-bit numbers), traits
EXTENSION_TYPE, EXTENSION_METADATA, METADATA_TYPE = 1, 3, 1
METADATA_VERSION = 3
# XLA_FFI_Api: struct_size, extension_start, api_version, internal_api, functions
API_VERSION, API_ERROR_DESTROY, API_SCHEDULE, API_THREADS = 4, 8, 17, 18
# XLA_FFI_ThreadPool_Schedule_Args: struct_size, extension_start, ctx, task, data
SCHEDULE_BYTES = 40
# XLA_FFI_ThreadPool_NumThreads_Args: struct_size, extension_start, ctx, num_threads
THREADS_BYTES = 32
# XLA_FFI_Error_Destroy_Args: struct_size, extension_start, error
DESTROY_BYTES = 24
