"""The numbers that the loops read XLA's call frame by, held against jaxlib's own header."""

import re

import pytest

from jconv.native import _layout as at
from tests.native.header import header, structs

pytestmark = pytest.mark.core
STRUCTS = structs()


@pytest.mark.parametrize(
    ("word", "struct", "field"),
    [
        (at.FRAME_SIZE, "XLA_FFI_CallFrame", "struct_size"),
        (at.FRAME_EXTENSION, "XLA_FFI_CallFrame", "extension_start"),
        (at.FRAME_API, "XLA_FFI_CallFrame", "api"),
        (at.FRAME_CONTEXT, "XLA_FFI_CallFrame", "ctx"),
        (at.FRAME_ARGUMENTS, "XLA_FFI_CallFrame", "args"),
        (at.FRAME_RESULTS, "XLA_FFI_CallFrame", "rets"),
        (at.FRAME_ATTRIBUTES, "XLA_FFI_CallFrame", "attrs"),
        (at.LIST_COUNT, "XLA_FFI_Args", "size"),
        (at.LIST_POINTERS, "XLA_FFI_Args", "args"),
        (at.LIST_COUNT, "XLA_FFI_Rets", "size"),
        (at.LIST_POINTERS, "XLA_FFI_Rets", "rets"),
        (at.ATTRIBUTES_POINTERS, "XLA_FFI_Attrs", "attrs"),
        (at.BUFFER_DATA, "XLA_FFI_Buffer", "data"),
        (at.BUFFER_RANK, "XLA_FFI_Buffer", "rank"),
        (at.BUFFER_DIMENSIONS, "XLA_FFI_Buffer", "dims"),
        (at.ARRAY_COUNT, "XLA_FFI_Array", "size"),
        (at.ARRAY_DATA, "XLA_FFI_Array", "data"),
        (at.EXTENSION_METADATA, "XLA_FFI_Metadata_Extension", "metadata"),
        (at.API_ERROR_DESTROY, "XLA_FFI_Api", "XLA_FFI_Error_Destroy"),
        (at.API_SCHEDULE, "XLA_FFI_Api", "XLA_FFI_ThreadPool_Schedule"),
        (at.API_THREADS, "XLA_FFI_Api", "XLA_FFI_ThreadPool_NumThreads"),
    ],
)
def test_words(word, struct, field):
    assert STRUCTS[struct][field] == 8 * word


def test_versions_lie_where_they_are_written_and_read():
    version = STRUCTS["XLA_FFI_Api_Version"]["major_version"]
    assert STRUCTS["XLA_FFI_Metadata"]["api_version"] + version == 8 * at.METADATA_VERSION
    assert STRUCTS["XLA_FFI_Api"]["api_version"] + version == 8 * at.API_VERSION
    assert STRUCTS["XLA_FFI_Api_Version"]["minor_version"] == version + 4
    assert re.search(rf"define XLA_FFI_API_MAJOR {at.API_MAJOR}\b", header())
    minor = re.search(r"define XLA_FFI_API_MINOR (\d+)", header())
    assert minor is not None
    assert int(minor[1]) >= at.API_MINOR


def test_the_kind_of_an_extension():
    base = next(STRUCTS[name] for name in ("XLA_FFI_InternalExtension", "XLA_FFI_Extension_Base") if name in STRUCTS)
    assert base["type"] == 8 * at.EXTENSION_TYPE
    assert re.search(rf"XLA_FFI_Extension_Metadata = {at.METADATA_TYPE}\b", header())


@pytest.mark.parametrize(
    ("size", "struct"),
    [
        (at.LIST_BYTES, "XLA_FFI_Args"),
        (at.LIST_BYTES, "XLA_FFI_Rets"),
        (at.ATTRIBUTES_BYTES, "XLA_FFI_Attrs"),
        (at.BUFFER_BYTES, "XLA_FFI_Buffer"),
        (at.SCHEDULE_BYTES, "XLA_FFI_ThreadPool_Schedule_Args"),
        (at.THREADS_BYTES, "XLA_FFI_ThreadPool_NumThreads_Args"),
        (at.DESTROY_BYTES, "XLA_FFI_Error_Destroy_Args"),
    ],
)
def test_sizes(size, struct):
    assert STRUCTS[struct][""] == size
