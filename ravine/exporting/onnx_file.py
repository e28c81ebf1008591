"""The network as ONNX, for onnxruntime and everything else that reads it, without PyTorch and without ravine."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from ravine.errors import UsageError
from ravine.exporting.parity import Answer

_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_LARGEST = 2**31 - 1  # bytes, what a protobuf message can be


def missing() -> list[str]:
    """The packages that write or run ONNX and are not installed."""
    return [name for name in _NEEDED if find_spec(name) is None]


def check_installed() -> None:
    """Raises UsageError where a package is missing."""
    if names := missing():
        raise UsageError(f"needs {', '.join(names)}", where="--onnx", cure='Install it: pip install "ravine[onnx]"')


def write(path: Path, program: torch.export.ExportedProgram, card: Mapping[str, str], input_name: str) -> None:
    """Writes the graph as one file, with the input `input_name` and the output `probabilities`; `card` as metadata.

    Raises:
        UsageError: a network that is too large for the format. OSError: the file system refused.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in program.state_dict.values())
    if size > _LARGEST - 2**24:  # room for the graph
        found, cure = f"{size / 1e9:.1f} GB of weights", "Export one --member, or with --half"
        raise UsageError(found, where="--onnx", expected="at most 2 GB, the format's own limit", cure=cure)
    with _without_chatter():
        names = ([input_name], ["probabilities"])
        made = torch.onnx.export(program, (), dynamo=True, verbose=False, input_names=names[0], output_names=names[1])
    assert made is not None  # noqa: S101  (it is None only for the exporter of old)
    model = made.model_proto
    free = model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        del value.metadata_props[:]
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param == free:
                dimension.dim_param = "N"
    for node in model.graph.node:
        del node.metadata_props[:]  # how PyTorch saw it: half the file of a small network
    for name, text in card.items():
        model.metadata_props.add(key=name, value=text)
    path.write_bytes(model.SerializeToString())


def answering(path: Path) -> Answer:
    """What the file says of rows, by onnxruntime on the CPU with as many threads as PyTorch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def answer(rows: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, {name: rows})[0])

    return answer


@contextmanager
def _without_chatter() -> Iterator[None]:
    """The exporter tells of torchvision, which is not needed, and of what it will change in itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
