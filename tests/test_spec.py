import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.errors import UsageError
from ravine.spec import Spec, build, parse, parse_list

values = st.one_of(
    st.integers(-1000, 1000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
)
words = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True).filter(
    lambda w: w not in {"true", "false", "none"} and w.isidentifier() and not __import__("keyword").iskeyword(w)
)


@given(words, st.lists(values, max_size=3), st.dictionaries(words, values, max_size=3))
def test_text_and_spec_are_the_same_thing(name, args, settings):
    spec = Spec(name, tuple(args), settings)
    assert parse(str(spec)) == spec


def test_several_pieces():
    assert [s.name for s in parse_list("flip, translate(4), scale(0.8, 1.25)")] == ["flip", "translate", "scale"]
    assert parse_list("none") == []
    assert parse("momentum(nesterov=true)").settings == {"nesterov": True}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "adam(",
        "adam(lr=open('x'))",
        "__import__('os').system('x')",
        "adam(**x)",
        "a.b(1)",
        "adam(lr=1, lr=2)",
        "1",
        "a b",
    ],
)
def test_whatever_is_not_a_name_with_literals_is_refused(text):
    with pytest.raises(UsageError, match="--optimizer"):
        parse(text, flag="--optimizer")


def piece(size, width=3, *, scale=1.0):
    return size, width, scale


def test_build_binds_names_and_says_what_there_is():
    assert build(Spec("piece", (7,)), {"piece": piece}, size=2) == (2, 7, 1.0)
    assert build(Spec("piece", (), {"width": 5}), {"piece": piece}, size=2) == (2, 5, 1.0)
    with pytest.raises(UsageError, match="Did you mean 'piece'"):
        build(Spec("peice"), {"piece": piece}, size=2)
    with pytest.raises(UsageError, match="Did you mean 'width'"):
        build(Spec("piece", (), {"widht": 5}), {"piece": piece}, size=2)
    with pytest.raises(UsageError, match="no setting 'size'"):
        build(Spec("piece", (), {"size": 5}), {"piece": piece}, size=2)
    with pytest.raises(UsageError, match="too many values"):
        build(Spec("piece", (7,), {"width": 5}), {"piece": piece}, size=2)
