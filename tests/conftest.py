"""What holds for all tests."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure: speed is compared in benchmarks/.
settings.register_profile("dsprep", deadline=None)
settings.load_profile("dsprep")

# No test writes into the home of whoever runs it.
os.environ["DSPREP_CACHE_KEY"] = "that of the tests"
_caches = itertools.count()


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where commands keep their cache: no test finds what another one has left."""
    before = os.environ.get("DSPREP_CACHE_DIR")
    folder = tmp_path_factory.getbasetemp() / f"cache-{next(_caches)}"
    os.environ["DSPREP_CACHE_DIR"] = str(folder)
    yield folder
    if before is None:
        del os.environ["DSPREP_CACHE_DIR"]
    else:
        os.environ["DSPREP_CACHE_DIR"] = before
