"""Where the fields of XLA's structs lie, from the C header that jaxlib ships."""

import re
from pathlib import Path

import jax

_SIZES = {"size_t": 8, "int64_t": 8, "int": 4, "int32_t": 4, "uint32_t": 4, "XLA_FFI_Handler_Traits": 4}
_STRUCT = re.compile(r"(?:typedef )?struct (\w+) \{(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"(?:const )?(?:struct )?(\w+)\s*(\*{0,2})\s*(\w+);")


def header() -> str:
    text = (Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h").read_text()
    text = re.sub(r"//[^\n]*", "", text)
    # Every entry of the table of functions is a pointer.
    return re.sub(r"_XLA_FFI_API_STRUCT_FIELD\((\w+)\);", r"void* \1;", text)


def structs() -> dict[str, dict[str, int]]:
    """The byte offset of every field of every struct, and under "" the struct's size."""
    text = header()
    enums = set(re.findall(r"typedef enum \{[^}]*\} (\w+);", text))
    known: dict[str, dict[str, int]] = {}
    for name, body in _STRUCT.findall(text):
        body = re.sub(r"void \(\*(\w+)\)\([^)]*\);", r"void* \1;", body)
        at, widest, fields = 0, 1, {}
        for kind, stars, field in _FIELD.findall(body):
            size = 8 if stars else 4 if kind in enums else _SIZES.get(kind) or known[kind][""]
            align = min(size, 8)
            at = -(-at // align) * align
            fields[field] = at
            at, widest = at + size, max(widest, align)
        known[name] = {**fields, "": -(-at // widest) * widest}
    return known
