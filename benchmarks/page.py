"""docs/benchmarks.md from results.json: by hand is only what each comparison says of itself."""

from __future__ import annotations

from statistics import median
from typing import Any

from comparisons import COMPARISONS, Comparison, Goal

HEADINGS = "| comparison | examples | figure | dsprep | peer | ratio | goal | met |\n|---|--:|---|--:|--:|--:|--:|---|"

_INTRODUCTION = """# Benchmarks

dsprep against the tools that do parts of its work, by `benchmarks/run.py`. Every figure is a ratio of two sides that
ran in turns in the same run; the machine is named below, and other machines give other seconds. This page is written
from `benchmarks/results.json`, misses included.

```sh
python benchmarks/run.py --full --docs                     # all of it, and this page
python benchmarks/run.py --only cookbook --examples 52000  # one comparison
python benchmarks/run.py --data train.jsonl                # on a file of chat JSON lines
```
"""

_HOW = """## How it is measured

- The corpus is built by `benchmarks/corpus.py` from the documentation and code of Python's standard library: about 1 kB
  an example, seeded, with 2 % exact duplicates and 8 % near-duplicates whose similarity is known, spread evenly from
  0.5 to 1.
- A side is a whole process with all it starts, from an empty cache: wall seconds, CPU seconds, and the peak of its
  memory (pages that processes share are counted once). A figure is the median of the runs; a ratio is the median of the
  ratios of each turn. CPU seconds stand beside wall seconds because a second core is not always a whole one.
- Where a library alone is compared, each side says how long it took from texts in memory to its answer, on one thread.
- Recall is the share of all pairs with a Jaccard similarity of 0.8 or more of which at least one example was taken out;
  precision the share of what was taken out that truly has such a partner. Up to 60,000 examples all pairs are known
  (`benchmarks/truth.py` compares them without MinHash); beyond, only those that were planted, and there is no
  precision.
- Each peer has an environment of its own, with the versions that `benchmarks/environments.py` pins.
"""


def ratio_text(value: float) -> str:
    return f"{value:.3g} x" if value < 100 else f"{value:,.0f} x"


def shown(figure: str, value: float) -> str:
    if figure in ("wall", "cpu", "seconds"):
        return f"{value:,.2f} s" if value < 100 else f"{value:,.0f} s"
    if figure == "peak":
        return f"{value / 1e6:,.0f} MB"
    return f"{value:.4g}"


def values(side: dict[str, Any], figure: str) -> list[float] | None:
    found = side.get(figure, side.get("wall") if figure == "seconds" else None)
    return found if isinstance(found, list) or found is None else [found]


def _share(side: str) -> float:
    return {"a hundredth": 0.01, "a tenth": 0.1}.get(side, 1.0)


def cells(goal: Goal, entry: dict[str, Any]) -> list[str] | None:
    """The cells of one row, but for the first two; None if there is nothing to say at this size."""
    if entry["examples"] < goal.from_examples:
        return None
    of = entry["sides"][goal.of]
    against = entry["sides"][goal.against] if goal.against else {}
    label = goal.figure if goal.of == "dsprep" else f"{goal.figure}, {goal.of}"
    for side in (of, against):
        if "why" in side:
            return [label, "", "", "", "", f"not run: {side['why']}"]
    if goal.figure == "same answer":
        same = float(of["answer"] == against["answer"])
        return [label, "", "", "", "the same", _met(goal, same)]
    mine = values(of, goal.figure)
    if mine is None:
        return None
    if not goal.against:
        return [label, shown(goal.figure, median(mine)), "", "", _bound(goal), _met(goal, median(mine))]
    theirs = values(against, goal.figure)
    if theirs is None:
        return None
    scale = _share(goal.against) / _share(goal.of) if goal.per_example else 1.0
    ratios = [a / b * scale for a, b in zip(mine, theirs, strict=False) if b]
    if not ratios:
        return None
    # With more runs of one side than of the other, medians are what can be compared.
    ratio = median(ratios) if len(mine) == len(theirs) else median(mine) / median(theirs) * scale
    if goal.at_least is not None or (goal.at_most is None and ratio < 1):
        ratio = 1 / ratio
        text = f"{ratio_text(ratio)} as fast"
    else:
        text = ratio_text(ratio)
    left, right = shown(goal.figure, median(mine)), f"{goal.against} {shown(goal.figure, median(theirs))}"
    return [label, left, right, text, _bound(goal), _met(goal, ratio)]


def _bound(goal: Goal) -> str:
    value = goal.at_most if goal.at_most is not None else goal.at_least
    if value is None:
        return ""
    sign = "≤" if goal.at_most is not None else "≥"
    if goal.against:
        return f"{sign} {value:g} x"
    return f"{sign} {shown(goal.figure, value)}"


def _met(goal: Goal, value: float) -> str:
    if goal.at_most is not None:
        return "yes" if value <= goal.at_most else "**no**"
    if goal.at_least is not None:
        return "yes" if value >= goal.at_least else "**no**"
    return ""


def rows(comparison: Comparison, entry: dict[str, Any]) -> list[str]:
    """Rows of the table, one per goal."""
    out: list[str] = []
    for goal in comparison.goals:
        found = cells(goal, entry)
        if found is not None:
            out.append(_row([comparison.name, f"{entry['examples']:,}", *found]))
    return out


def _row(texts: list[str]) -> str:
    return f"| {' | '.join(map(_plain, texts))} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _details(entry: dict[str, Any]) -> list[str]:
    about = [f"{entry['examples']:,} examples, {entry['bytes'] / 1e6:,.0f} MB"]
    about += [f"of {entry['data']}"] if entry["data"] else []
    about += [f"in {_counted(entry['runs'], 'run')}", f"processes where a side takes several: {entry['workers']}"]
    about += [entry["date"], f"dsprep {entry['dsprep']}"]
    about += [f"the machine was not idle (load {entry['load']:.1f})"] if entry["load"] > 1 else []
    out = [
        "",
        f"{', '.join(about)}.",
        "",
        "| side | wall | CPU | peak memory | alone | recall | precision | more |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name, side in entry["sides"].items():
        if "why" in side:
            out.append(_row([name, *[""] * 6, f"not run: {side['why']}"]))
            continue
        figures = [shown(figure, median(side[figure])) for figure in ("wall", "cpu", "peak")]
        alone = shown("seconds", median(side["seconds"])) if "seconds" in side else ""
        quality = [f"{side[name]:.3f}" if name in side else "" for name in ("recall", "precision")]
        out.append(_row([name, *figures, alone, *quality, _more(side)]))
    return out


def _more(side: dict[str, Any]) -> str:
    said = [f"{name} {version}" for name, version in side.get("versions", {}).items()]
    if "taken_out" in side:
        said.append(f"{side['taken_out']:,} taken out, {side['true_pairs']:,} true pairs")
    if "bands" in side:
        said.append("{} bands of {}".format(*side["bands"]))
    if "tokens" in side:
        said.append(f"{side['tokens']:,} tokens")
    if "bad lines" in side:
        said.append(f"{side['bad lines found']:.1%} of {side['bad lines']:,} bad lines found")
        said.append(f"{side['good lines called bad']:,} good ones called bad")
    if "english" in side:
        said.append(f"{side['english']:,} of {side['examples']:,} taken for English")
    if "stand_in" in side:
        said.append(f"with a stand-in for its model: {side['stand_in'].split('. ')[0]}")
    return "; ".join(said)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def rendered(results: dict[str, Any]) -> str:
    """The whole page."""
    machine = results["machine"]
    by_name: dict[str, list[dict[str, Any]]] = {}
    for entry in results["results"].values():
        by_name.setdefault(entry["comparison"], []).append(entry)
    out = [
        _INTRODUCTION,
        f"Measured on: {machine['cpu']}, {_counted(machine['cores'], 'core')}, {machine['memory_gib']} GiB of memory,"
        f" {machine['system']}, Python {machine['python']}.",
        "",
        "## Figures",
        "",
        "`wall` and `cpu` are seconds of whole processes, `seconds` those of a library alone. A ratio is dsprep : peer,"
        " and `as fast` peer : dsprep.",
        "",
        HEADINGS,
    ]
    sections: list[str] = []
    for comparison in COMPARISONS:
        entries = sorted(by_name.get(comparison.name, []), key=lambda entry: (entry["data"], entry["examples"]))
        for entry in entries:
            out += rows(comparison, entry)
        if entries:
            sections += ["", f"### {comparison.title}", "", f"`{comparison.name}`. {comparison.notes}"]
            for entry in entries:
                sections += _details(entry)
    out += ["", _HOW, "## Each comparison", *sections]
    return "\n".join(out) + "\n"
