"""Both ways of reading sockets, for tests of whole engines: `pytestmark = pytest.mark.usefixtures("both_readers")`."""

from collections.abc import Iterator

import pytest

from app.loadgen import native


@pytest.fixture(scope="module", params=["native", "python"])
def both_readers(request: pytest.FixtureRequest) -> Iterator[str]:
    """Engines started by the test read with this one."""
    if request.param == "native" and not native.is_available():
        pytest.skip("this checkout was installed without a C compiler")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(native.CHOICE, request.param)
        yield request.param
