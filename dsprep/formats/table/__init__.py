"""Tables: rows of columns, made into conversations by a mapping, which is given or inferred from the columns."""

from __future__ import annotations

from dsprep.formats.table.inference import Inferred, infer_mapping
from dsprep.formats.table.mapping import Mapping, MappingError, TableNormaliser

__all__ = ["Inferred", "Mapping", "MappingError", "TableNormaliser", "infer_mapping"]
