import pytest
import safetensors.torch
import torch
from every_type import ALL, bits

from ravine.checkpoints import safetensors_writer as writer
from ravine.errors import UsageError


def serialised(tensors, metadata=None):
    return b"".join([writer.header(tensors, metadata), *writer.data(tensors)])


def test_their_library_reads_every_type_and_layout_with_equal_bits():
    loaded = safetensors.torch.load(serialised(ALL))
    assert loaded.keys() == ALL.keys()
    for name, tensor in ALL.items():
        assert loaded[name].dtype == tensor.dtype, name
        assert loaded[name].shape == tensor.shape, name
        assert bits(loaded[name]) == bits(tensor), name


def test_nothing_is_a_valid_file():
    assert safetensors.torch.load(serialised({})) == {}


def test_data_start_at_a_multiple_of_8_and_tensors_at_a_multiple_of_their_element():
    loaded = safetensors.torch.load(serialised({"odd": torch.zeros(3, dtype=torch.uint8), "wide": torch.ones(2)}))
    assert len(writer.header(ALL)) % 8 == 0
    assert loaded["wide"].tolist() == [1, 1]
    assert b'"wide":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}' in writer.header(
        {"odd": ALL["byte"][:3], "wide": ALL["single"][0, 0, 0, :2]}
    )


def test_a_large_tensor_comes_in_pieces_and_without_a_copy():
    large = torch.zeros(9 * 2**20)  # 36 MiB
    pieces = list(writer.data({"large": large}))
    assert [len(piece) for piece in pieces] == [16 * 2**20, 16 * 2**20, 4 * 2**20]
    large[-1] = 1.0
    assert bytes(pieces[-1][-4:]) == b"\x00\x00\x80\x3f"


def test_equal_content_gives_equal_bytes():
    tensors = {"b": torch.ones(2), "a": torch.zeros(3)}
    assert serialised(tensors, {"x": "1"}) == serialised({name: t.clone() for name, t in tensors.items()}, {"x": "1"})


@pytest.mark.parametrize(
    ("name", "tensor"), [("z", torch.zeros(2, dtype=torch.complex64)), ("__metadata__", torch.zeros(2))]
)
def test_what_the_format_lacks_is_refused_by_name(name, tensor):
    with pytest.raises(UsageError, match=f"tensor '{name}'.*expected a type among float64"):
        writer.header({name: tensor})


def test_the_order_of_the_dictionary_does_not_matter():
    a, b, c = torch.ones(3), torch.zeros(2, dtype=torch.int64), torch.full((1,), 2.0)
    one, other = {"a": a, "b": b, "c": c}, {"c": c, "b": b, "a": a}
    assert serialised(one) == serialised(other)
