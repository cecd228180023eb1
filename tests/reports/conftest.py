"""Fixtures of the report tests: three reports made by hand, and the comparison with snapshots."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from handmade import clean_report, full_report, hostile_report

from dsprep.model.report import Report

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"


@pytest.fixture
def report() -> Report:
    return full_report()


@pytest.fixture
def clean() -> Report:
    return clean_report()


@pytest.fixture
def hostile() -> Report:
    return hostile_report()


@pytest.fixture
def snapshot() -> Callable[[str, str | bytes], None]:
    """Compares with a plain file under tests/snapshots; DSPREP_UPDATE_SNAPSHOTS=1 writes the files instead."""

    def compare(name: str, actual: str | bytes) -> None:
        data = actual.encode() if isinstance(actual, str) else actual
        path = SNAPSHOTS / name
        if os.environ.get("DSPREP_UPDATE_SNAPSHOTS"):
            path.write_bytes(data)
        assert path.exists(), f"no snapshot {name}; run with DSPREP_UPDATE_SNAPSHOTS=1 and look at it"
        assert data.decode() == path.read_bytes().decode()

    return compare
