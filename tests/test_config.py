"""Settings: where they come from, which wins, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsprep.api.session import selected_codes
from dsprep.catalog.registry import UnknownNameError, find_rule, select_codes
from dsprep.config import ConfigError, Settings, find_config, load_settings


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
    assert select_codes(["LEK"]) == ["LEK001", "LEK002", "LEK003", "LEK004"]
    assert find_rule("tok001") == "TOK001"
    with pytest.raises(UnknownNameError, match="did you mean 'near-duplicate'"):
        find_rule("near-duplicat")


def test_ignore_wins_over_select() -> None:
    chosen = selected_codes(Settings.model_validate({"select": ("TOK",), "ignore": ("TOK003",)}))
    assert chosen == ["TOK001", "TOK002", "TOK004"]
