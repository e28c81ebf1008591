"""The grammar by which blocks are chosen."""

import pytest

from ravine.errors import UsageError
from ravine.transfer import chosen

NAMES = ["stem", "layer1.0", "layer1.1", "layer10", "norm", "head"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("none", ""),
        ("all", "stem layer1.0 layer1.1 layer10 norm head"),
        ("all but head", "stem layer1.0 layer1.1 layer10 norm"),
        ("all but layer1, head", "stem layer10 norm"),
        ("first 0", ""),
        ("first 3", "stem layer1.0 layer1.1"),
        ("first  6", "stem layer1.0 layer1.1 layer10 norm head"),
        ("stem, layer1", "stem layer1.0 layer1.1"),
        (" norm ,stem,norm", "stem norm"),
        ("layer1.1", "layer1.1"),
        ("STEM, Layer1", "stem layer1.0 layer1.1"),
        ("First 2", "stem layer1.0"),
        ("ALL but Head", "stem layer1.0 layer1.1 layer10 norm"),
        ("None", ""),
    ],
)
def test_what_a_text_means(text, meant):
    assert [n for n, taken in zip(NAMES, chosen(NAMES, text, "--freeze"), strict=True) if taken] == meant.split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("first 7", "there are 6 blocks: stem, .* expected first 0 to first 6"),
        (
            "layr1",
            "no block 'layr1'; expected none, .*first 3.*, or blocks: stem, layer1.0, .* head. Did you mean 'layer1'?",
        ),
        ("stem, hed", "no block 'hed'; .* Did you mean 'head'?"),
        ("first", "no block 'first'"),
        ("first -1", "no block 'first -1'"),
        ("layer", "no block 'layer'; .* Did you mean"),
        ("", 'no name; expected none, all, "all but head"'),
        ("stem,,head", "no name"),
        ("all but none", "no block 'none'"),
    ],
)
def test_what_means_nothing_is_refused_with_the_flag(text, said):
    with pytest.raises(UsageError, match=f"--keep {text!r}: .*{said}"):
        chosen(NAMES, text, "--keep")


def test_names_that_differ_in_case_alone_are_told_apart():
    names = ["Conv", "conv", "head"]
    assert chosen(names, "Conv", "--freeze") == (True, False, False)
    assert chosen(names, "conv", "--freeze") == (False, True, False)
    with pytest.raises(UsageError, match="no block 'CONV'"):
        chosen(names, "CONV", "--freeze")
