"""One member out of many is that row of the answers."""

import numpy as np
import pytest
from drawn_network import network, rows

from ravine import Ensemble
from ravine.errors import UsageError
from ravine.exporting import member


@pytest.mark.parametrize(
    "many", [network(members=3), network(), Ensemble([network(members=2), network("mlp([])", seed=1)])]
)
def test_a_member_is_its_row(many):
    x = rows(many)
    each = many.each(x)
    for k, row in enumerate(each):
        one = member(many, k)
        np.testing.assert_allclose(one.probabilities(x), row, atol=1e-7)
        assert one.about["members"] == 1
    for k in (-1, len(each)):
        with pytest.raises(UsageError, match=f"no member {k}; expected 0 to {len(each) - 1}"):
            member(many, k)


def test_its_epoch_goes_with_it():
    assert member(network(members=3), 2).about["epochs"] == [2]
