"""Targets: the files in rules/targets, names, suggestions, and what a broken file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsprep.model.target import Limit, Target
from dsprep.targets.loading import InvalidTarget, UnknownTarget, load_target, target_names

FOLDER = Path(__file__).parent.parent / "rules" / "targets"
TEXTS = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.yaml")}

SMALL = """
title: A small one
encoding: cl100k_base
max_tokens: {value: 100, unverified: true}
min_examples: {value: 1, unverified: true}
recommended_examples: {value: 5, unverified: true}
record_keys: [messages]
message_keys: [role, content]
roles: [user, assistant]
"""


def limits(target: Target) -> list[Limit]:
    values = (getattr(target, name) for name in Target.model_fields)
    return [value for value in values if isinstance(value, Limit)]


@pytest.mark.parametrize("name", target_names(TEXTS))
def test_every_target_loads_and_every_limit_says_where_it_is_from(name: str) -> None:
    target = load_target(name, TEXTS)
    assert target.name.startswith(name)
    assert "messages" in target.record_keys
    assert {"role", "content"} <= set(target.message_keys)
    assert {"user", "assistant"} <= set(target.roles)
    assert set(target.weighted_roles) <= set(target.roles)
    for limit in limits(target):
        assert limit.value > 0
        assert limit.unverified or (limit.source and limit.as_of), limit


def test_there_are_the_targets_of_the_design() -> None:
    assert set(TEXTS) >= {"openai", "azure", "together", "fireworks", "mistral", "trl", "axolotl", "llama-factory"}


@pytest.mark.parametrize(
    ("model", "tokens", "encoding"),
    [
        ("gpt-3.5-turbo-0125", 16_385, "cl100k_base"),
        ("gpt-3.5-turbo-1106", 16_385, "cl100k_base"),
        ("gpt-3.5-turbo-0613", 4_096, "cl100k_base"),
        ("gpt-4o", 65_536, "o200k_base"),
        ("gpt-4o-mini", 65_536, "o200k_base"),
        ("gpt-4.1", 65_536, "o200k_base"),
        ("gpt-4.1-mini", 65_536, "o200k_base"),
        ("gpt-4.1-nano", 65_536, "o200k_base"),
    ],
)
def test_the_models_of_openai(model: str, tokens: int, encoding: str) -> None:
    target = load_target(f"openai:{model}", TEXTS)
    assert (target.name, target.max_tokens.value, target.encoding) == (f"openai:{model}", tokens, encoding)
    assert (target.min_examples.value, target.recommended_examples.value) == (10, 50)


def test_a_target_without_a_model_has_its_default_one() -> None:
    assert load_target("openai", TEXTS) == load_target("openai:gpt-3.5-turbo-0125", TEXTS)


def test_a_dated_snapshot_is_its_model_under_the_name_that_was_given() -> None:
    target = load_target("openai:gpt-4o-mini-2024-07-18", TEXTS)
    assert target.name == "openai:gpt-4o-mini-2024-07-18"
    assert target.encoding == "o200k_base"


def test_case_and_spaces_do_not_matter() -> None:
    assert load_target(" OpenAI:GPT-4o ", TEXTS).name == "openai:gpt-4o"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("opnai", "openai"),
        ("openai:gpt-4o-mni", "openai:gpt-4o-mini"),
        ("openai:gpt-3.5-turbo-0215", "openai:gpt-3.5-turbo-0125"),
        ("gpt-4o-mini", "openai:gpt-4o-mini"),
        ("llamafactory", "llama-factory"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(name: str, suggestion: str) -> None:
    with pytest.raises(UnknownTarget) as caught:
        load_target(name, TEXTS)
    assert suggestion in caught.value.suggestions
    assert name in str(caught.value)
    assert suggestion in str(caught.value)


@pytest.mark.parametrize("name", ["", "zzzzzzzz", "openai:", "trl:qwen", ":"])
def test_other_unknown_names_get_the_list(name: str) -> None:
    with pytest.raises(UnknownTarget, match=r"did you mean|there are"):
        load_target(name, TEXTS)


def test_only_the_text_that_is_needed_is_parsed() -> None:
    assert load_target("small", {"small": SMALL, "broken": "{"}).max_tokens.value == 100


def test_limits_that_are_not_known_are_none() -> None:
    target = load_target("small", {"small": SMALL})
    assert target.max_file_bytes is None
    assert target.max_rows is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not YAML"),
        ("- a\n", "must be a mapping"),
        (SMALL.replace("title: A small one", ""), "title"),
        (SMALL + "nonsense: 1\n", "nonsense"),
        (SMALL + "models: [a]\n", "models must be a mapping"),
        (SMALL + "models: {a: {encoding: x}}\n", "max_tokens"),
        (SMALL + "models: {a: {encoding: x, max_tokens: {value: 1}}}\n", "default_model"),
        (SMALL.replace("value: 100", "value: many"), "max_tokens.value"),
        (SMALL + "x: !!python/object/apply:os.getcwd []\n", "not YAML"),
    ],
)
def test_a_broken_text_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(InvalidTarget, match=r"^target small: ") as caught:
        load_target("small", {"small": text})
    assert reason in str(caught.value)
