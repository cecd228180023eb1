"""Settings: where they come from, which wins, and what is said about a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dsprep
from dsprep.api.session import selected_codes
from dsprep.catalog import registry
from dsprep.catalog.registry import UnknownNameError, find_rule, select_codes
from dsprep.config import ConfigError, Settings, find_config, load_settings, with_overrides
from dsprep.model.finding import Severity
from dsprep.model.rule import FoldRule, RuleMeta


def _load(folder: Path, *config: str, **overrides: object) -> Settings:
    return load_settings(config, start=folder, overrides=overrides)[0]


def test_flags_win_over_pairs_over_files_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "dsprep.toml").write_text('seed = 1\nfail-on = "info"\n[rules.near-duplicate]\nthreshold = 0.7\n')
    assert _load(tmp_path).seed == 1
    assert _load(tmp_path, "seed=2").seed == 2
    assert _load(tmp_path, "seed=2", seed=3).seed == 3
    assert _load(tmp_path, "fail-on=never").fail_on == "never"
    assert _load(tmp_path, "rules.near-duplicate.bands=16").rules["near-duplicate"] == {"threshold": 0.7, "bands": 16}


def test_the_nearest_file_is_taken_and_isolated_takes_none(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.dsprep]\nseed = 5\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find_config(inner) == tmp_path / "pyproject.toml"
    assert load_settings(isolated=True, start=inner, overrides={})[0].seed == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sed = 1", "did you mean 'seed'"),
        ("seed = -1", "seed"),
        ("seed = 'x'", "seed"),
        ("fail-on = 'errors'", "fail-on"),
        ("seed = ", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "dsprep.toml").write_text(text)
    with pytest.raises(ConfigError, match=says) as error:
        _load(tmp_path)
    assert "dsprep.toml" in str(error.value)


def test_selectors_are_codes_names_and_prefixes() -> None:
    assert select_codes(["TOK001", "too-many-tokens"]) == ["TOK001"]
    assert select_codes(["LEK00", "near-overlap"]) == [f"LEK00{n}" for n in range(1, 7)]
    assert find_rule("tok001") == "TOK001"
    with pytest.raises(UnknownNameError, match="did you mean 'near-duplicate'"):
        find_rule("near-duplicat")


def test_ignore_wins_over_select() -> None:
    chosen = selected_codes(Settings.model_validate({"select": ("TOK001", "TOK003"), "ignore": ("TOK003",)}))
    assert chosen == ["TOK001"]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"targt": "y"}, "unknown key 'targt'; did you mean 'target'"),
        ({"fail_on": "errors"}, "fail_on: input should be 'error'"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0 .got -1."),
        ({"rules": {"near-duplicate": {"treshold": 1}}}, "has no option 'treshold'; did you mean 'threshold'"),
    ],
)
def test_a_wrong_setting_from_python_is_said_as_well(overrides: dict[str, Any], says: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match=says):
        dsprep.lint(tmp_path / "a.jsonl", workers=1, **overrides)


def test_one_text_stands_for_a_list() -> None:
    assert Settings.model_validate({"select": "TOK001, DUP"}).select == ("TOK001", "DUP")
    assert with_overrides(Settings(seed=3), {"ignore": "TXT"}) == Settings(seed=3, ignore=("TXT",))


def test_one_path_stands_for_a_list(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("{}\n")
    for paths in (file, str(file), [file]):
        assert [info.path for info in dsprep.stats(paths, workers=1).inputs] == [str(file)]
    assert [info.split for info in dsprep.stats(train=str(file), workers=1).inputs] == ["train"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TOK9", "there are TOK001, TOK002, TOK003, TOK004"),
        ("lng-7", "there are LNG001, LNG002"),
        ("TKO", "did you mean 'T(OK|OL)'"),
        ("???", "`dsprep rules` lists them"),
    ],
)
def test_a_code_that_is_none_brings_those_of_its_group(text: str, says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        find_rule(text)


def test_the_default_pack_runs_the_rules_of_plugins_that_are_on_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plugin:
        def rules(self) -> dict[str, str]:
            return {"ACM001": f"{__name__}:OnByDefault", "ACM002": f"{__name__}:OffByDefault"}

    caches = (registry.rule_references, registry.rule_class)
    monkeypatch.setattr(registry, "plugins", lambda: (registry.Builtin(), Plugin()))
    for cached in caches:
        cached.cache_clear()
    try:
        codes = selected_codes(Settings())
        assert ("ACM001" in codes, "ACM002" in codes) == (True, False)
        assert selected_codes(Settings(select=("ACM",))) == ["ACM001"]
        assert selected_codes(Settings(select=("ACM002",))) == ["ACM002"]
        assert "ACM002" in selected_codes(Settings(select=("ALL",)))
        assert "ACM001" not in selected_codes(Settings(ignore=("ACM",)))
    finally:
        for cached in caches:
            cached.cache_clear()


class OnByDefault(FoldRule[int]):
    meta = RuleMeta("ACM001", "on-by-default", Severity.INFO, "", "")


class OffByDefault(FoldRule[int]):
    meta = RuleMeta("ACM002", "off-by-default", Severity.INFO, "", "", default=False)


def test_what_nobody_asks_for_is_not_imported() -> None:
    """`stats` and `split` run no rule."""
    code = (
        "import sys; from dsprep.api.session import selected_codes; from dsprep.config import Settings;"
        "assert selected_codes(Settings(), lambda code: False) == [];"
        "assert not [name for name in sys.modules if name.startswith('dsprep.rules.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [("init", "nodir/x"), ("lint", "a.jsonl", "-o", "nodir/x"), ("convert", "a.jsonl", "--output", "nodir/x")],
)
def test_a_folder_that_is_not_there_is_named_as_the_user_knows_it(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"messages": [{"role": "assistant", "content": "Hi"}]}\n')
    done = subprocess.run(
        [sys.executable, "-m", "dsprep", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "nodir" in done.stderr
    assert "dsprep-tmp" not in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]
