import pytest
from drawn_network import KINDS, network


@pytest.fixture(autouse=True)
def _timed_once(monkeypatch):
    """Two passes through each file, and no more for the sake of a better time."""
    monkeypatch.setattr("ravine.exporting.parity._SECONDS", 0)


@pytest.fixture(params=KINDS, scope="session")
def any_network(request):
    """Each model and each kind of input once."""
    return network(**KINDS[request.param])
