import pytest

from integritee.metadata import RuntimeMetadata

from .golden import FILES, parsed


@pytest.fixture
def metadata() -> RuntimeMetadata:
    """Integritee Paseo, spec 50, V14."""
    return parsed(FILES[0])


@pytest.fixture(params=FILES)
def any_metadata(request: pytest.FixtureRequest) -> RuntimeMetadata:
    return parsed(request.param)
