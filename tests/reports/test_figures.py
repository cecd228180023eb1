"""The figures of the HTML report: what they say is what the statistics say; missing or hostile ones do no harm."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from handmade import HOSTILE, full_report, with_text

from dsprep import api
from dsprep.model.report import Report
from dsprep.reports import html
from dsprep.reports.html import charts, dictionary, figures, leakage, targets

POEM = "The river runs below the hill and carries leaves of every tree that stands beside the water, number "


def row(i: int, answer: str = "a fine day", **more: Any) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"{POEM}{i}"},
            {"role": "assistant", "content": f"{answer} {i}"},
        ],
        **more,
    }


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Two splits with labels, an overlap, an example that is too long, a member that only some rows have."""
    folder = tmp_path_factory.mktemp("data")
    train = [row(i, label="good" if i % 3 else "bad") for i in range(30)]
    train[7]["source"] = "web"
    train[9]["messages"][2]["content"] = "word " * 5_000
    validation = [row(1_000 + i, label="good") for i in range(6)] + [train[0]]
    for name, rows in (("train", train), ("validation", validation)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), "utf-8")
    return api.lint(
        train=folder / "train.jsonl", validation=folder / "validation.jsonl", target="openai:gpt-3.5-turbo-0613"
    )


def with_stats(stats: dict[str, Any]) -> Report:
    return full_report(stats)


def test_tokens_say_what_is_cut_and_what_it_costs(report: Report) -> None:
    found = figures.tokens(report)
    assert found is not None
    whole = report.stats["all"]
    assert f"1 example (2.7\u00a0%) is longer than the limit of 4,096: {whole['cut_tokens']:,} tokens" in found.lead
    assert f"{whole['cut_trained_tokens']:,} of them to be learnt" in found.lead
    assert [part.name for part in found.parts] == ["answers, learnt", "user", "system", "roles and marks between turns"]
    billing = dict(found.billing)
    assert billing["Cost"].startswith(f"${report.stats['training']['cost']:,.2f} at $8.00 for a million tokens, as of ")
    assert "not confirmed" in billing["Cost"]


def test_an_unknown_price_is_called_unknown(report: Report) -> None:
    training = {**report.stats["training"], "price": None, "cost": None, "price_note": "it depends"}
    found = figures.tokens(with_stats({**report.stats, "training": training}))
    assert found is not None
    assert dict(found.billing)["Cost"] == "The price is not known: it depends."


def test_labels_and_languages_by_split(report: Report) -> None:
    labels, languages = figures.labels(report), figures.languages(report)
    assert labels is not None
    assert languages is not None
    good = dict(labels.rows)["good"]
    assert [(share.split, share.count) for share in good] == [("train", "20"), ("validation", "6")]
    assert len(labels.remarks) == 1
    assert labels.remarks[0].startswith("validation against train: ")
    assert languages.rows[0][0] == "English (en)"
    assert [share.share for share in languages.rows[0][1]] == ["100 %", "100 %"]
    sampled = {**report.stats, "languages": {**report.stats["languages"], "one_in": 8}}
    told = figures.languages(with_stats(sampled))
    assert told is not None
    assert "a sample: 37 examples, about one in 8" in told.lead


def test_the_matrix_shows_leaks_and_clean_cells(report: Report) -> None:
    found = leakage.leakage(report)
    assert found is not None
    assert found.pairs == [("train", "validation")]
    cells = {name: cells[0] for name, _, cells in found.rows}
    assert cells["The same example"] == leakage.Cell("1", "leak")
    assert cells["The same group"] == leakage.Cell("0", "clean")
    assert leakage.leakage(with_stats({**report.stats, "overlap": []})) is None


def test_the_dictionary_lists_shapes_turns_and_members(report: Report) -> None:
    found = dictionary.dictionary(report)
    assert found is not None
    assert [shape.shape for shape in found.shapes[0]] == ["system → user → assistant"]
    members = {member.path: member for member in found.members[0]}
    assert (members["source"].present, members["source"].share, members["source"].example) == ("1", "2.7 %", "web")
    assert "messages[]" not in members
    assert [name for name, _ in found.turns] == ["assistant", "user", "system"]


def test_targets_on_the_first_screen_and_in_the_table(report: Report) -> None:
    summary, table = targets.summary(report), targets.table(report)
    assert summary is not None
    assert table is not None
    own = summary.lines[0]
    assert (own.name, own.models, own.checked) == ("openai", "gpt-3.5-turbo-0613", True)
    assert table.own == "openai:gpt-3.5-turbo-0613"
    first = table.rows[0]
    assert (first.limit, first.beyond) == ("4,096", "1 truncated")
    assert sum(len(row.models.split(", ")) if row.models else 1 for row in table.rows) == len(report.stats["targets"])
    assert targets.summary(with_stats({})) is None


def test_every_figure_is_on_the_page_and_well_formed(report: Report) -> None:
    page = html.render(report)
    for id_ in ("tokens", "labels", "languages", "leakage", "dictionary", "backends"):
        assert f'<section id="{id_}"' in page
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawn) > 20
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        assert root.get("aria-hidden") == "true" or root.get("role") == "img"
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("text", [HOSTILE, "</svg><script>alert(1)</script>", "\u202e\x1b[31m", "' onload='x"])
def test_hostile_statistics_are_inert(report: Report, text: str) -> None:
    stats = with_text(report.stats, text)
    stats["labels"] = {"source": "field", "splits": {text: {text: 3}}, "drift": {text: {"distance": 0.5, "p": 0.1}}}
    stats["languages"] = {"examples": 3, "one_in": 1, "names": {text: text}, "splits": {text: {text: 3}}, "unknown": {}}
    stats["targets"] = [{**entry, "accepted": "no"} for entry in stats["targets"]]
    page = html.render(with_stats(stats))
    body = page[: page.index('<section id="json"')]
    assert "<script>alert" not in body
    assert "\u202e" not in body
    assert "\x1b" not in body
    assert " onload='x" not in re.sub(r">[^<]*<", "><", body)


def test_statistics_of_another_shape_are_left_out(report: Report) -> None:
    """An older or a newer version may lay them out otherwise: the page does without."""
    for key in ("all", "labels", "languages", "shapes", "members", "overlap", "targets", "training", "histogram"):
        for odd in (None, [], {}, "text", 7, [1, "x", None], {"splits": 3}):
            html.render(with_stats({**report.stats, key: odd}))


def test_a_page_of_very_much_stays_small(report: Report) -> None:
    stats = {
        **report.stats,
        "members": [
            {"path": f"member{i}" * 20, "present": 1, "of": 2, "types": {"string": 1}, "example": "x" * 60}
            for i in range(300)
        ],
        "shapes": [
            {"shape": ", ".join(["user", "tool"] * 6), "examples": 3, "min_messages": 2, "max_messages": 9}
            for _ in range(41)
        ],
        "labels": {
            "source": "field",
            "splits": {s: {f"label {i}" * 9: 9 for i in range(1000)} for s in ("train", "validation", "test")},
        },
    }
    page = html.render(with_stats(stats))
    assert len(page[: page.index('<section id="json"')].encode()) < 400_000


def test_a_divided_bar_adds_up() -> None:
    bar = charts.parts([("a", "x", 1), ("b", "y", 0), ("c", "z", 3)], "title", "tokens", id_="p")
    wide = [float(n) for n in re.findall(r' width="([0-9.]+)"', bar)]
    assert wide == [25.0, 75.0]
    assert "c: 3 tokens (75.0 %)" in bar
    assert charts.parts([], "nothing", "tokens", id_="p").count("<rect") == 0


@pytest.mark.parametrize("canvas", [charts.WIDE, charts.NARROW])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 90, 150, 16_385, 10**7])
def test_a_histogram_stays_on_its_canvas(canvas: charts.Canvas, log: bool, limit: int | None) -> None:
    bins = [charts.Bin(10 * i, 10 * i + 10, (i, 3)) for i in range(1, 12)]
    drawn = charts.histogram(
        bins,
        None if limit is None else charts.Marker(limit, f"limit {limit:,}"),
        canvas=canvas,
        log=log,
        series=("a", "b"),
        colours=("bar", "bar bar-2"),
        title="t",
        unit="tokens",
        items="examples",
    )
    xs = [float(x) for x in re.findall(r' x1?="(-?[0-9.]+)"', drawn)]
    assert min(xs) >= 0
    assert max(xs) <= canvas.width
    ticks = [float(x) for x in re.findall(r'<text class="tick" x="([0-9.]+)" y="[0-9.]+" text-anchor="middle"', drawn)]
    assert all(b - a > canvas.width / 20 for a, b in pairwise(ticks)), "numbers do not run together"
