"""The version of dsprep, from the installed package's own metadata."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("dsprep")
except PackageNotFoundError:  # a checkout on the path, not installed
    VERSION = "0+unknown"
