"""How rows would become conversations, said as a mapping to save and edit."""

from __future__ import annotations

from dsprep import formats
from dsprep.api.session import Paths, inputs_from
from dsprep.formats import Mapping as ColumnMapping
from dsprep.formats import RowsNormaliser, mapping_yaml
from dsprep.sources import open_source


def explain(paths: Paths, *, mapping: ColumnMapping | None = None, records: str | None = None) -> str:
    """The mapping that `convert` would use for each of `paths`, in YAML, with what was assumed as comments.

    A file of conversations needs no mapping, and says so in a comment. Raises InputError if nothing fits.
    """
    inputs, _ = inputs_from(paths)
    parts = []
    for i, item in enumerate(inputs):
        source = open_source(item.path, index=i, display=item.display, records=records)
        normaliser, said = formats.normaliser_for(source, mapping, infer=True)
        if isinstance(normaliser, RowsNormaliser):
            chosen = normaliser.mapping
            if records is not None and chosen.records is None:
                chosen = chosen.model_copy(update={"records": records})
            parts.append(mapping_yaml(chosen, [f"{source.display} ({source.format})", *said]))
        else:
            parts.append(f"# {source.display} holds conversations, which need no mapping\n")
    return "---\n".join(parts)
