"""Fixtures: `gateway`, a factory of running gateways, and `fakes`, the fake providers alone."""

import pytest

import kinds
from harness import PROVIDERS, Fakes, Gateways


@pytest.fixture(scope="session")
def gateways():
    with Gateways() as kept:
        yield kept


@pytest.fixture
def gateway(gateways):
    """`gateway(policy=…, config="envoy.yaml", …)`: see `harness.Gateways.get`."""
    return gateways.get


@pytest.fixture(scope="session")
def _fakes():
    with Fakes(list(PROVIDERS)) as running:
        yield running


@pytest.fixture
def fakes(_fakes):
    """The fake providers without a gateway, with nothing planned and nothing recorded."""
    _fakes.reset()
    return _fakes


@pytest.fixture(scope="session")
def compatibility():
    """The cells of COMPATIBILITY.md."""
    table = kinds.Table("compatibility")
    yield table
    table.write()


@pytest.fixture(scope="session")
def fault_table():
    """The cells of FAULTS.md."""
    table = kinds.Table("faults")
    yield table
    table.write()
