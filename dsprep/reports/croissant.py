"""Croissant 1.1: the data set described in JSON-LD, for search engines and for loaders such as `mlcroissant`.

By the specification of MLCommons (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html). It asks for a
licence, a creator, a URL and a date of publication, too: those are written if the publisher has said them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from dsprep.model.card import CONFIG, Card, Column
from dsprep.model.report import Report
from dsprep.reports import visible

NAME: Final = "croissant.json"

#: The context of the specification's appendix, with the address of schema.org that `mlcroissant` knows.
_CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "conformsTo": "dct:conformsTo",
    **{
        name: f"cr:{name}"
        for name in (
            *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes"),
            *("extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray"),
            *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
            *("readLines", "repeated", "replace", "samplingRate", "sdVersion", "separator", "source", "subField"),
            *("transform", "unArchive", "value"),
        )
    },
}
_FILES: Final = "files"
_SPLITS: Final = "splits"
_KINDS: Final = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
_TYPES: Final = {"string": "sc:Text", "int64": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}
#: What a JSON path can name without quotes.
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PROPERTY: Final = "sha256 of this description without its identifier, as JSON with sorted keys"


def dumps(card: Card, report: Report) -> bytes:
    """The description as a file in UTF-8. The same data, settings and seed give the same bytes."""
    data = as_json(card, report)
    data["identifier"] = {"@type": "PropertyValue", "propertyID": _PROPERTY, "value": _digest(data)}
    return json.dumps(data, indent=2).encode() + b"\n"


def is_untouched(data: bytes) -> bool:
    """Whether `data` is a description as dsprep has written it, however its lines end."""
    try:
        found = json.loads(data)
        known = found.pop("identifier")
        return bool(known["propertyID"] == _PROPERTY and known["value"] == _digest(found))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def as_json(card: Card, report: Report) -> dict[str, Any]:
    """The description as plain data, but for its identifier."""
    out: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": visible(card.name),
        "description": card.description or card.summary,
    }
    if card.licence is not None:
        out["license"] = card.licence.url or card.licence.name
    if card.creator:
        out["creator"] = {"@type": "sc:Organization", "name": card.creator}
    given = (("url", card.url), ("datePublished", card.published), ("version", card.version))
    out |= {name: value for name, value in given if value}
    if card.spoken:
        out["inLanguage"] = card.spoken
    out["prov:wasDerivedFrom"] = [
        {"@type": "prov:Entity", "prov:label": visible(name), "sha256": info.sha256}
        for name, info in zip(card.sources, report.inputs, strict=True)
    ]
    out["prov:wasGeneratedBy"] = {
        "@type": "prov:Activity",
        "prov:label": card.command,
        "prov:wasAssociatedWith": {"@type": "prov:SoftwareAgent", "prov:label": report.tool},
    }
    if card.splits:
        out["distribution"] = _distribution(card)
        out["recordSet"] = _record_sets(card)
    return out


def _distribution(card: Card) -> list[dict[str, Any]]:
    files = [
        {
            "@type": "cr:FileObject",
            "@id": split.file,
            "name": split.file,
            "contentUrl": split.file,
            "contentSize": f"{split.bytes} B",
            "encodingFormat": "application/jsonlines",
            "sha256": split.sha256,
        }
        for split in card.splits
    ]
    together = {
        "@type": "cr:FileSet",
        "@id": _FILES,
        "name": _FILES,
        "description": "All splits; the name of a file is that of its split.",
        "encodingFormat": "application/jsonlines",
        "includes": [split.file for split in card.splits],
    }
    return [*files, together]


def _record_sets(card: Card) -> list[dict[str, Any]]:
    names = [split.name for split in card.splits]
    known = {
        "@type": "cr:RecordSet",
        "@id": _SPLITS,
        "name": _SPLITS,
        "description": "The splits.",
        "dataType": "cr:Split",
        "key": {"@id": f"{_SPLITS}/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"{_SPLITS}/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": f"{_SPLITS}/url", "name": "url", "dataType": ["sc:URL", "cr:Split"]},
        ],
        "data": [{f"{_SPLITS}/name": name, f"{_SPLITS}/url": _KINDS[name]} for name in names],
    }
    fields, left_out = _fields(card.columns)
    said = f"{card.rows} records, one a line."
    if left_out:
        said += f" Not described here, being nested too deep or not alike in all records: {', '.join(left_out)}."
    split = {
        "@type": "cr:Field",
        "@id": f"{CONFIG}/split",
        "name": "split",
        "description": "The split of the record.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": _FILES},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf"^(?:.*/)?({'|'.join(names)})\.jsonl$"},
        },
        "references": {"field": {"@id": f"{_SPLITS}/name"}},
    }
    records = {
        "@type": "cr:RecordSet",
        "@id": CONFIG,
        "name": CONFIG,
        "description": said,
        "field": [split, *fields],
    }
    return [known, records]


def _fields(columns: Iterable[Column]) -> tuple[list[dict[str, Any]], list[str]]:
    """The fields of a record, and the names of what cannot be described as one."""
    fields: list[dict[str, Any]] = []
    left_out: list[str] = []
    for column in columns:
        _top(column, column.name, (), column.name, fields, left_out)
    return fields, left_out


def _top(
    column: Column, name: str, path: Sequence[str], root: str, fields: list[dict[str, Any]], left_out: list[str]
) -> None:
    """Append the field of a column, which stands at `path` (JSON paths, one after the other) in the column `root`.

    A field and its parts are as far as `mlcroissant` looks. So a list of objects within an object is a field of its
    own.
    """
    if column.type == "struct":
        own = Column(name, "struct", tuple(member for member in column.inner if _described(member)))
        if own.inner:
            _append(own, name, path, root, fields, left_out)
        for member in column.inner:
            if not _described(member):
                step = _step(member.name)
                if step is None:
                    left_out.append(visible(f"{name}.{member.name}"))
                else:
                    _top(member, f"{name}.{member.name}", (*path, step), root, fields, left_out)
    elif _described(column) or (column.type == "list" and column.item.type == "struct"):
        _append(column, name, path, root, fields, left_out)
    else:
        left_out.append(visible(name))


def _append(
    column: Column, name: str, path: Sequence[str], root: str, fields: list[dict[str, Any]], left_out: list[str]
) -> None:
    out: dict[str, Any] = {"@type": "cr:Field", "@id": f"{CONFIG}/{_id(name)}", "name": visible(name)}
    listed = column.type == "list"
    inner = column.item if listed else column
    if listed:
        out |= {"isArray": True, "arrayShape": "-1"}
    if inner.type != "struct":
        out |= {"dataType": _data_type(name, inner), "source": _source(root, path)}
        fields.append(out)
        return
    parts = []
    for member in inner.inner:
        step = _step(member.name)
        if step is None or not _described(member) or (listed and member.type == "list"):
            left_out.append(visible(f"{name}{'[]' if listed else ''}.{member.name}"))
            continue
        part: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{out['@id']}/{_id(member.name)}",
            "name": visible(member.name),
        }
        if member.type == "list":
            part |= {"isArray": True, "arrayShape": "-1"}
        of = member.item if member.type == "list" else member
        parts.append({**part, "dataType": _data_type("", of), "source": _source(root, (*path, step))})
    if parts:
        fields.append({**out, "subField": parts})


def _described(column: Column) -> bool:
    """Whether a column is a value with a type, or a list of such."""
    return column.type in _TYPES or (column.type == "list" and column.item.type in _TYPES)


def _data_type(name: str, column: Column) -> str | list[str]:
    known = _TYPES[column.type]
    return [known, "cr:Label"] if name == "label" else known


def _source(root: str, path: Sequence[str]) -> dict[str, Any]:
    out: dict[str, Any] = {"fileSet": {"@id": _FILES}, "extract": {"column": root}}
    if path:
        steps = [{"jsonPath": step} for step in path]
        out["transform"] = steps[0] if len(steps) == 1 else steps
    return out


def _step(name: str) -> str | None:
    """The JSON path of a member; None if it has none that all readers of such paths understand."""
    if _PLAIN.fullmatch(name):
        return f"$.{name}"
    return None if re.search(r"['\"\\]", name) or visible(name) != name or not name else f"$['{name}']"


def _id(name: str) -> str:
    """`name` as a part of an IRI."""
    return quote(name.encode("utf-8", "surrogatepass"), safe="")


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
