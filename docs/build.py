"""Write docs/rules/ from the rules themselves. A test holds the pages to what this would write."""

from __future__ import annotations

import json
from pathlib import Path

from dsprep.catalog.builtin import RULES as OWN
from dsprep.catalog.packs import pack_schema
from dsprep.catalog.pages import rule_page
from dsprep.catalog.registry import rule_class, rule_references

RULES = Path(__file__).parent / "rules"
SCHEMA = Path(__file__).parent / "pack.schema.json"


def main() -> None:
    RULES.mkdir(exist_ok=True)
    wanted = set()
    index = ["# Rules", "", "| code | name | severity | fix | what it finds |", "|---|---|---|---|---|"]
    for code in rule_references():
        meta = rule_class(code).meta
        page = RULES / f"{meta.name}.md"
        page.write_text(rule_page(code), "utf-8")
        wanted.add(page.name)
        index.append(f"| {code} | [{meta.name}]({meta.name}.md) | {meta.severity} | {meta.fix} | {meta.summary} |")
    (RULES / "README.md").write_text("\n".join(index) + "\n", "utf-8")
    SCHEMA.write_text(json.dumps(pack_schema(iter(OWN)), indent=1, ensure_ascii=False) + "\n", "utf-8")
    for stray in RULES.glob("*.md"):
        if stray.name not in wanted | {"README.md"}:
            stray.unlink()


if __name__ == "__main__":
    main()
