"""The safetensors format as a stream: its own library builds the file in memory first, or leaves no bytes to hash.

    8 bytes   length of the header, little-endian
    header    JSON: {"__metadata__": {...}, name: {"dtype", "shape", "data_offsets": [begin, end]}, ...}, space-padded
    data      the tensors' bytes in the header's order, without gaps, little-endian as all machines of PyTorch's wheels

Wide types come first, so that every tensor starts at a multiple of its element size.
"""

import json
from collections.abc import Iterator, Mapping

import torch

from ravine.errors import UsageError

_CHUNK = 16 * 2**20
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def header(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The length and the JSON header, a multiple of 8 bytes. Equal names, shapes and types give equal bytes.

    Raises:
        UsageError: a type that the format does not have, or a tensor named `__metadata__`.
    """
    entries: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    begin = 0
    for name, tensor in _in_file_order(tensors):
        if tensor.dtype not in _DTYPES or name == "__metadata__":
            known = ", ".join(str(dtype).removeprefix("torch.") for dtype in _DTYPES)
            expected = f"a type among {known}, and a name other than __metadata__"
            raise UsageError("cannot be saved", where=f"tensor {name!r} of type {tensor.dtype}", expected=expected)
        end = begin + tensor.numel() * tensor.element_size()
        entries[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def data(tensors: Mapping[str, torch.Tensor]) -> Iterator[memoryview]:
    """The tensors' bytes in pieces of at most 16 MiB; only what is on a GPU or not contiguous is copied, one by one."""
    for _, tensor in _in_file_order(tensors):
        whole = tensor.detach().cpu().contiguous()
        array = whole.reshape(-1).view(torch.uint8).numpy().data
        for begin in range(0, len(array), _CHUNK):
            yield array[begin : begin + _CHUNK]


def _in_file_order(tensors: Mapping[str, torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
    # Names settle the rest: a dictionary that was read from a file comes in whatever order the library hands it out,
    # and equal tensors shall give equal bytes
    return sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
