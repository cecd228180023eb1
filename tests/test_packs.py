"""Packs: what they say, what is said about wrong ones, and that what they define is a rule like any other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import dsprep
from dsprep.api.pack_examples import test_pack as run_pack
from dsprep.api.session import Input, open_session, selected_codes
from dsprep.catalog import registry
from dsprep.catalog.builtin import RULES
from dsprep.catalog.packs import PackError, load_pack, pack_names, pack_schema, packs_folder, target_texts
from dsprep.catalog.pages import SECTIONS, rule_page
from dsprep.catalog.registry import UnknownNameError
from dsprep.config import Settings, load_settings
from dsprep.model.finding import Severity
from dsprep.reports import json as as_json

ROOT = Path(__file__).parent.parent
MINE = ROOT / "samples" / "packs" / "mine.yaml"

NAMED = """
define:
  XYZ001:
    name: competitor-named
    template: pattern
    severity: error
    summary: the assistant names a competitor
    message: "names {match!r}"
    options: {in: assistant, must-not-match: globex}
    examples: {pass: [We are here.], fail: [globex is there]}
"""


def _pack(folder: Path, text: str, name: str = "mine.yaml") -> str:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return str(file)


def _data(folder: Path, *answers: str) -> Path:
    file = folder / "data.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": answer}]}
        for i, answer in enumerate(answers)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


# --- those that come with dsprep ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pack_names())
def test_every_pack_can_be_used_and_says_what_it_is_for(name: str) -> None:
    pack, outcomes = run_pack(name)
    assert pack.description.endswith(".")
    assert all(outcome.good for outcome in outcomes)
    assert selected_codes(Settings.model_validate({"pack": name}))


def test_the_packs_that_were_promised_are_there_and_one_for_every_target() -> None:
    assert {"default", "strict", "classification", "conversation", "tool-calling", "scraped"} <= set(pack_names())
    named = {(load_pack(name).target or "").partition(":")[0] for name in pack_names()}
    assert set(target_texts()) <= named


def test_the_sample_is_tested() -> None:
    _, outcomes = run_pack(str(MINE))
    assert len(outcomes) >= 6
    assert all(outcome.good for outcome in outcomes)


# --- merging ----------------------------------------------------------------------------------------------------------


def test_a_pack_adds_to_those_that_it_extends(tmp_path: Path) -> None:
    _pack(
        tmp_path,
        "select: [TOK]\nignore: [TOK003]\noptions: {near-token-limit: {margin: 0.1, limit: 7}}\ntarget: trl\n",
        "base/a.yaml",
    )
    own = _pack(
        tmp_path,
        "extends: [base/a.yaml]\nselect: [TOK003, DUP001]\noptions: {near-token-limit: {margin: 0.2}}\n"
        "severity: {TOK003: error}\n",
    )
    pack = load_pack(own)
    settings = Settings.model_validate({"pack": own})
    assert {"TOK001", "TOK003", "DUP001"} <= set(selected_codes(settings))
    assert pack.rule_options()["TOK003"] == {"margin": 0.2, "limit": 7}
    assert pack.target == "trl"
    assert pack.severity == {"TOK003": Severity.ERROR}


def test_the_target_of_a_pack_gives_way_to_the_users(tmp_path: Path) -> None:
    own = _pack(tmp_path, "extends: [default]\ntarget: mistral\n")
    data = _data(tmp_path, "a")

    def target(**settings: Any) -> str:
        session = open_session([Input(str(data))], Settings.model_validate({"pack": own, **settings}))
        return session.target.name

    assert target() == "mistral"
    assert target(target="openai:gpt-3.5-turbo-0125") == "openai:gpt-3.5-turbo-0125"
    report = dsprep.lint(data, settings=Settings.model_validate({"pack": own, "workers": 1}), seed=3)
    assert report.settings["target"] == "mistral"


def test_the_kept_report_of_a_run_knows_who_named_the_target(tmp_path: Path) -> None:
    own = _pack(tmp_path, "extends: [default]\ntarget: mistral\n")
    data = _data(tmp_path, "a")
    said = [
        dsprep.lint(data, pack=own, cache=True, cache_dir=tmp_path / "cache", workers=1, **more).settings["target"]
        for more in ({}, {"target": "openai:gpt-3.5-turbo-0125"}, {})
    ]
    assert said == ["mistral", "openai:gpt-3.5-turbo-0125", "mistral"]


def test_the_path_of_a_pack_is_seen_from_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pack(tmp_path, "select: [TOK]\n", "rules/ours.yaml")
    (tmp_path / "dsprep.toml").write_text('pack = "rules/ours.yaml"\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    for folder in (tmp_path, inner):
        monkeypatch.chdir(folder)
        settings, _ = load_settings(start=folder)
        assert set(selected_codes(settings)) >= {"TOK001", "TOK002"}
    assert settings.pack == "../rules/ours.yaml"


# --- wrong ones -------------------------------------------------------------------------------------------------------

_DEFINED = "define: {XYZ001: {name: some-name, summary: s, template: pattern, "


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("selct: [TOK]", "unknown key 'selct'; did you mean 'select'"),
        ("select: [TKO001]", "select: no rule 'TKO001'"),
        ("ignore: [near-duplicat]", "ignore: no rule 'near-duplicat'; did you mean 'near-duplicate'"),
        ("severity: {near-duplicate: errors}", "severity.near-duplicate: input should be 'error'"),
        ("options: {near-duplicat: {}}", "options: no rule 'near-duplicat'; did you mean 'near-duplicate'"),
        (
            "options: {near-duplicate: {treshold: 1}}",
            "rule near-duplicate has no option 'treshold'; did you mean 'thre",
        ),
        ("options: {near-duplicate: {threshold: x}}", "rule near-duplicate option 'threshold': input should be"),
        ("extends: [defaul]", "extends: no pack 'defaul'; did you mean 'default'"),
        ("extends: [./none.yaml]", "none.yaml: there is no such pack"),
        ("extends: [mine.yaml]", "in a circle: mine.yaml -> mine.yaml"),
        ("target: opnai", "target: no target is called 'opnai'; did you mean openai"),
        ("select: [TOK]\nselect: [DUP]", ":2: not YAML: the key 'select' is given twice"),
        ("select: [", ": not YAML: did not find"),
        ("- a", "a pack is a mapping"),
        ("seed: 7", "unknown key 'seed'"),
        ("cache-dir: /tmp", "unknown key 'cache-dir'"),
        (
            "define: {TOK001: {name: a, summary: s, template: length, options: {min: 1}}}",
            "taken by the rule too-many-to",
        ),
        (
            "define: {X1: {name: a, summary: s, template: length, options: {min: 1}}}",
            "three capital letters and three d",
        ),
        (
            "define: {XYZ001: {name: near-duplicate, summary: s, template: length}}",
            "'near-duplicate' is taken by DUP003",
        ),
        ("define: {XYZ001: {name: Some Name, summary: s, template: length}}", "small letters and digits, with hyphens"),
        ("define: {XYZ001: {name: a, template: length}}", "define.XYZ001: 'summary' is missing"),
        ("define: {XYZ001: {name: a, summary: s, templat: length}}", "unknown key 'templat'; did you mean 'template'"),
        ("define: {XYZ001: {name: a, summary: s, template: patern}}", "no template 'patern'; did you mean 'pattern'"),
        ("define: {XYZ001: {name: a, summary: s, template: length, examples: {fial: [a]}}}", "did you mean 'fail'"),
        (_DEFINED + "options: {must-mach: a}}}", "has no option 'must-mach'; did you mean 'must-match'"),
        (_DEFINED + "options: {must-match: '(?=a)'}}}", "is no pattern of RE2: invalid perl operator"),
        (_DEFINED + "options: {must-match: a, must-not-match: b}}}", "give one of must-match and must-not-match"),
        (_DEFINED + "options: {in: asistant, must-match: a}}}", "'asistant' is no place to look in"),
        (_DEFINED + "options: {must-not-match: a, replace: '\\2'}}}", "names a group that the pattern has not"),
        (
            _DEFINED + "message: '{mach}', options: {must-match: a}}}",
            "message: there is no placeholder {mach}; there are",
        ),
        (_DEFINED + "message: '{match.__class__}', options: {must-match: a}}}", "there is no placeholder"),
        (_DEFINED + "message: '{match[0]}', options: {must-match: a}}}", "there is no placeholder"),
        (_DEFINED + "message: '{match:>99999999}', options: {must-match: a}}}", "behind a placeholder there may be !r"),
        (_DEFINED + "message: '{count:{count}}', options: {must-match: a}}}", "behind a placeholder there may be !r"),
        (_DEFINED + "message: '{0}', options: {must-match: a}}}", "there is no placeholder {0}"),
        (_DEFINED + "message: 'a {', options: {must-match: a}}}", "write {{ and }} for braces"),
        ("table: {expect_column_values_to_be_unique: {column: a}}", "compares rows; the rules exact-duplicate"),
        ("table: [{expect_column_mean_to_be_between: {column: a}}]", "template ratio"),
        ("table: {expect_column_values_to_not_be_nul: {column: a}}", "is 'expect_column_values_to_not_be_null' meant?"),
        ("table: {expect_column_values_to_be_null: {column: a, mostly: 0.5}}", "'mostly' is not taken"),
        ("table: {expect_column_values_to_be_null: {column: a, row_condition: b}}", "'row_condition' is not taken"),
        ("table: {expect_column_values_to_be_null: {columns: a}}", "does not say at which column"),
        ("table: {expect_column_values_to_match_regex: {column: a, regex: '('}}", "is no regular expression"),
        ("table: {expect_column_values_to_be_between: {column: a, min_value: x}}", "are numbers, or dates"),
        ("table: 7", "written as NAME"),
    ],
)
def test_a_wrong_pack_is_said_in_one_sentence_with_its_file(text: str, says: str, tmp_path: Path) -> None:
    own = _pack(tmp_path, text)
    with pytest.raises((PackError, UnknownNameError)) as error:
        dsprep.lint(_data(tmp_path, "a"), pack=own, workers=1)
    said = str(error.value)
    assert says in said
    assert "mine.yaml" in said
    assert "\n" not in said


def test_an_argument_that_great_expectations_does_not_take_is_said(tmp_path: Path) -> None:
    own = _pack(tmp_path, "table: {expect_column_values_to_be_null: {column: a, colour: b}}")
    done = _cli("lint", "--isolated", "--config", f"pack={own}", str(_data(tmp_path, "a")))
    assert done.returncode == 2
    assert done.stderr == "error: expect_column_values_to_be_null: colour: extra fields not permitted\n"


def test_two_packs_cannot_define_one_code_in_two_ways(tmp_path: Path) -> None:
    _pack(tmp_path, NAMED, "a.yaml")
    with pytest.raises(PackError, match=r"define.XYZ001: .*a.yaml, which this pack extends, defines XYZ001, too"):
        load_pack(_pack(tmp_path, "extends: [a.yaml]" + NAMED))
    _pack(tmp_path, NAMED.replace("globex", "initech"), "b.yaml")
    with pytest.raises(PackError, match=r"b.yaml: define.XYZ001: .*a.yaml defines XYZ001, too"):
        load_pack(_pack(tmp_path, "extends: [a.yaml, b.yaml]"))
    assert load_pack(_pack(tmp_path, "extends: [a.yaml, a.yaml]")).book.find("competitor-named") == "XYZ001"


def test_a_pack_that_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"description: \xff\n")
    with pytest.raises(PackError, match=r"mine\.yaml: not UTF-8, at byte 13"):
        load_pack(str(file))


# --- rules that a pack defines ----------------------------------------------------------------------------------------


def _codes(data: Path, **settings: Any) -> dict[str, int]:
    report = dsprep.lint(data, workers=1, **settings)
    return {summary.meta.code: summary.tally.total for summary in report.summaries}


def test_a_defined_rule_is_selected_ignored_and_judged_as_any(tmp_path: Path) -> None:
    own = _pack(tmp_path, NAMED)
    data = _data(tmp_path, "Buy globex.", "Buy ours.")
    assert _codes(data, pack=own) == {"XYZ001": 1}
    assert _codes(data, pack=own, select=("XYZ",)) == {"XYZ001": 1}
    assert _codes(data, pack=own, select=("competitor-named",)) == {"XYZ001": 1}
    assert _codes(data, pack=own, select=("DUP",)) == {}
    assert _codes(data, pack=own, ignore=("competitor-named",)) == {}
    assert _codes(data, pack=own, rules={"competitor-named": {"must-not-match": "ours"}}) == {"XYZ001": 1}
    report = dsprep.lint(data, pack=own, severity={"competitor-named": "info"}, workers=1)
    assert [(f.severity, report.message(f)) for f in report.findings] == [(Severity.INFO, "names 'globex'")]
    with pytest.raises(UnknownNameError, match="no rule 'competitor-named'"):
        dsprep.lint(data, select=("competitor-named",), workers=1)


def test_options_of_a_defined_rule_can_be_changed_by_a_pack_that_extends_it(tmp_path: Path) -> None:
    _pack(tmp_path, NAMED, "base.yaml")
    own = _pack(
        tmp_path,
        "extends: [base.yaml]\noptions: {competitor-named: {in: user}}\nseverity: {XYZ001: warning}\nignore: []\n",
    )
    assert load_pack(own).rule_options()["XYZ001"] == {"in": "user", "must_not_match": "globex"}
    assert _codes(_data(tmp_path, "globex"), pack=own) == {}
    with pytest.raises(PackError, match=r"options: rule competitor-named has no option 'inn'; did you mean 'in'"):
        load_pack(_pack(tmp_path, "extends: [base.yaml]\noptions: {competitor-named: {inn: user}}\n")).rule_options()


def test_any_number_of_workers_finds_the_same_with_every_template(tmp_path: Path) -> None:
    data = ROOT / "samples" / "chat_clean.jsonl"
    reports = [
        as_json.dumps(dsprep.lint(data, pack=str(MINE), target="trl", workers=workers, executor=executor))
        for workers, executor in ((1, "serial"), (2, "processes"))
    ]
    assert reports[0] == reports[1]


def test_a_definition_is_part_of_what_results_are_kept_by(tmp_path: Path) -> None:
    data = _data(tmp_path, *(f"globex {i} {'x' * 300}" for i in range(4000)))
    assert data.stat().st_size > 1 << 20, "less is not kept by shard"
    kept: dict[str, Any] = {"cache": True, "cache_dir": tmp_path / "cache"}
    own = _pack(tmp_path, NAMED)
    assert _codes(data, pack=own, **kept) == _codes(data, pack=own, **kept) == {"XYZ001": 4000}
    _pack(tmp_path, NAMED.replace("must-not-match: globex", "must-not-match: globex 7 x"))
    assert _codes(data, pack=own, **kept) == {"XYZ001": 1}
    _pack(tmp_path, NAMED.replace("names", "speaks of"))
    report = dsprep.lint(data, pack=own, workers=1, **kept)
    assert report.message(report.findings[0]) == "speaks of 'globex'"
    # What is extended counts as well.
    outer = _pack(tmp_path, "extends: [mine.yaml]\n", "outer.yaml")
    assert _codes(data, pack=outer, **kept) == {"XYZ001": 4000}
    _pack(tmp_path, NAMED.replace("must-not-match: globex", "must-not-match: globex 7 x"))
    assert _codes(data, pack=outer, **kept) == {"XYZ001": 1}


def test_a_defined_rule_has_a_page(tmp_path: Path) -> None:
    pack = load_pack(str(MINE))
    for code in pack.define:
        page = rule_page(code, pack.book, pack.rule_options()[code])
        places = [page.find(f"## {section}\n") for section in SECTIONS]
        assert -1 not in places
        assert places == sorted(places)
        assert page.startswith(f"# {pack.define[code].name} ({code})\n")
    done = _cli("rule", "SHP001", "--pack", str(MINE))
    assert done.returncode == 0
    assert done.stdout == rule_page("SHP001", pack.book, pack.rule_options()["SHP001"])
    assert "- `must-not-match` (default" in done.stdout
    assert "SHP006   warning too-many-greetings" in _cli("rules", "--pack", str(MINE)).stdout


def test_fixes_of_a_defined_rule_are_made_on_request(tmp_path: Path) -> None:
    data = _data(tmp_path, "Buy globex, or globex.", "globex")
    own = _pack(tmp_path, NAMED.replace("must-not-match: globex", "must-not-match: ' ?globex', replace: ''"))
    assert dsprep.fix(data, pack=own, workers=1).fixed == {}
    assert dsprep.fix(data, pack=own, workers=1, unsafe_fixes=True).fixed == {"XYZ001": 1}
    answers = [json.loads(line)["messages"][1]["content"] for line in data.read_text().splitlines()]
    assert answers == ["Buy, or.", "globex"], "a text of nothing else is left as it is"


# --- pack test --------------------------------------------------------------------------------------------------------


def _cli(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dsprep", *arguments], capture_output=True, text=True, check=False, timeout=120, cwd=cwd
    )


def test_pack_test_says_which_example_is_not_as_it_should_be(tmp_path: Path) -> None:
    text = NAMED.replace("[We are here.]", "[We are here., 'globex, too']").replace(
        "[globex is there]", "[all well, globex]"
    )
    done = _cli("pack", "test", _pack(tmp_path, text))
    assert done.returncode == 1
    assert done.stdout == (
        "XYZ001 competitor-named: FAILED, 2 of 4 examples as they should be (2 pass, 2 fail)\n"
        "  pass 2: expected none, got: names 'globex'\n"
        '      "globex, too"\n'
        "  fail 1: expected a finding, got none\n"
        '      "all well"\n'
    )
    rows = json.loads(_cli("pack", "test", str(tmp_path / "mine.yaml"), "--output-format", "json").stdout)
    assert [failure["example"] for failure in rows[0]["failures"]] == ["pass 2", "fail 1"]


def test_pack_test_reports_rules_without_examples(tmp_path: Path) -> None:
    done = _cli("pack", "test", _pack(tmp_path, NAMED.replace("pass: [We are here.], ", "")))
    assert done.returncode == 1
    assert "untested" in done.stdout
    assert "no example under pass" in done.stdout
    done = _cli("pack", "test", _pack(tmp_path, "select: [TOK]\n"))
    assert (done.returncode, done.stdout) == (
        0,
        "mine defines no rules; it can be used, and there is nothing to test\n",
    )


def test_pack_test_says_what_a_fix_makes(tmp_path: Path) -> None:
    text = NAMED.replace("globex}", "globex, replace: us}").replace(
        "is there]", "is there], fix: [{before: globex x, after: we x}]"
    )
    done = _cli("pack", "test", _pack(tmp_path, text))
    assert done.returncode == 1
    assert "fix 1: expected " in done.stdout
    assert '"us x"' in done.stdout


@pytest.mark.parametrize("file", ["none.yaml", "wrong.yaml"])
def test_pack_test_of_what_cannot_be_used_exits_with_2(file: str, tmp_path: Path) -> None:
    _pack(tmp_path, "selct: [TOK]\n", "wrong.yaml")
    done = _cli("pack", "test", str(tmp_path / file))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_what_a_pack_says_is_escaped_where_it_is_printed(tmp_path: Path) -> None:
    text = NAMED.replace("[We are here.]", '["globex \\e[31m"]')
    done = _cli("pack", "test", _pack(tmp_path, text))
    assert "\x1b" not in done.stdout


def test_packs_are_listed() -> None:
    rows = json.loads(_cli("packs", "--output-format", "json").stdout)
    assert [row["name"] for row in rows] == pack_names()
    assert all(row["description"] for row in rows)


# --- schema -----------------------------------------------------------------------------------------------------------


def test_the_published_schema_is_what_the_code_renders() -> None:
    published = json.loads((ROOT / "docs" / "pack.schema.json").read_text("utf-8"))
    assert published == pack_schema(iter(RULES)), "run: python docs/build.py"
    jsonschema.Draft202012Validator.check_schema(published)


def test_every_pack_fits_the_schema() -> None:
    checks = jsonschema.Draft202012Validator(pack_schema())
    for file in (*packs_folder().glob("*.yaml"), MINE, ROOT / "samples/plugin/acme_rules/acme.yaml"):
        data = yaml.safe_load(file.read_text("utf-8"))
        assert [error.message for error in checks.iter_errors(data)] == [], file


@pytest.mark.parametrize(
    "text",
    [
        "selct: []",
        "options: {near-duplicate: {treshold: 1}}",
        "options: {DUP003: {threshold: x}}",
        "severity: {TOK001: bad}",
        "define: {X1: {name: a, template: length, summary: s}}",
        "define: {XYZ001: {name: a, template: lenght, summary: s}}",
        "define: {XYZ001: {name: a, template: length, summary: s, options: {unit: pages}}}",
        "define: {XYZ001: {name: a, template: allowed-values, summary: s, options: {in: label}}}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert not jsonschema.Draft202012Validator(pack_schema()).is_valid(yaml.safe_load(text))


# --- plugins ----------------------------------------------------------------------------------------------------------


class _Plugin:
    def __init__(self, packs: dict[str, Path]) -> None:
        self._packs = packs

    def packs(self) -> dict[str, Path]:
        return self._packs


def test_packs_of_plugins_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(_pack(tmp_path, "description: Ours.\nextends: [default]\n" + NAMED, "acme.yaml"))
    monkeypatch.setattr(registry, "plugins", lambda: (registry.Builtin(), _Plugin({"acme": file})))
    registry.plugin_packs.cache_clear()
    try:
        assert "acme" in pack_names()
        assert _codes(_data(tmp_path, "globex"), pack="acme")["XYZ001"] == 1
        monkeypatch.setattr(registry, "plugins", lambda: (registry.Builtin(), _Plugin({"default": file})))
        registry.plugin_packs.cache_clear()
        with pytest.raises(PackError, match="has the name of one of dsprep's"):
            pack_names()
    finally:
        registry.plugin_packs.cache_clear()
