"""What dsprep itself brings, registered through the same door as any plugin: names and lazy references."""

from __future__ import annotations

from collections.abc import Mapping

#: Code to rule. Codes are permanent; a reference is `module:Class` and is imported when the rule is selected or shown.
RULES: Mapping[str, str] = {
    "ENC001": "dsprep.rules.encoding.invalid_utf8:InvalidUtf8",
    "ENC002": "dsprep.rules.encoding.byte_order_mark:ByteOrderMark",
    "ENC003": "dsprep.rules.encoding.blank_line:BlankLine",
    "ENC004": "dsprep.rules.encoding.not_json_lines:NotJsonLines",
    "ENC005": "dsprep.rules.encoding.duplicate_json_key:DuplicateJsonKey",
    "ENC006": "dsprep.rules.encoding.non_finite_number:NonFiniteNumber",
    "ENC007": "dsprep.rules.encoding.lone_surrogate:LoneSurrogate",
    "ENC008": "dsprep.rules.encoding.truncated_file:TruncatedFile",
    "ENC009": "dsprep.rules.encoding.empty_file:EmptyFile",
    "ENC010": "dsprep.rules.encoding.invalid_json:InvalidJson",
    "SCH001": "dsprep.rules.schema.not_an_object:NotAnObject",
    "SCH002": "dsprep.rules.schema.missing_messages:MissingMessages",
    "SCH003": "dsprep.rules.schema.empty_messages:EmptyMessages",
    "SCH004": "dsprep.rules.schema.missing_key:MissingKey",
    "SCH005": "dsprep.rules.schema.unknown_role:UnknownRole",
    "SCH006": "dsprep.rules.schema.wrong_type:WrongType",
    "SCH007": "dsprep.rules.schema.empty_content:EmptyContent",
    "SCH008": "dsprep.rules.schema.unknown_key:UnknownKey",
    "SCH009": "dsprep.rules.schema.invalid_weight:InvalidWeight",
    "SCH013": "dsprep.rules.schema.legacy_format:LegacyFormat",
    "CNV001": "dsprep.rules.conversation.no_assistant_message:NoAssistantMessage",
    "CNV002": "dsprep.rules.conversation.last_message_not_assistant:LastMessageNotAssistant",
    "CNV003": "dsprep.rules.conversation.roles_not_alternating:RolesNotAlternating",
    "CNV004": "dsprep.rules.conversation.system_not_first:SystemNotFirst",
    "CNV005": "dsprep.rules.conversation.starts_with_assistant:StartsWithAssistant",
    "CNV006": "dsprep.rules.conversation.nothing_to_train:NothingToTrain",
    "TOK001": "dsprep.rules.tokens.too_many_tokens:TooManyTokens",
    "TOK002": "dsprep.rules.tokens.answer_truncated:AnswerTruncated",
    "TOK003": "dsprep.rules.tokens.near_token_limit:NearTokenLimit",
    "TOK004": "dsprep.rules.tokens.special_token_in_text:SpecialTokenInText",
    "DUP001": "dsprep.rules.duplicates.exact_duplicate:ExactDuplicate",
    "DUP002": "dsprep.rules.duplicates.normalized_duplicate:NormalizedDuplicate",
    "DUP003": "dsprep.rules.duplicates.near_duplicate:NearDuplicate",
    "DUP004": "dsprep.rules.duplicates.conflicting_answers:ConflictingAnswers",
    "LEK001": "dsprep.rules.leakage.exact_overlap:ExactOverlap",
    "LEK002": "dsprep.rules.leakage.near_overlap:NearOverlap",
    "LEK003": "dsprep.rules.leakage.prompt_overlap:PromptOverlap",
    "LEK004": "dsprep.rules.leakage.group_overlap:GroupOverlap",
    "BAL001": "dsprep.rules.balance.class_imbalance:ClassImbalance",
    "BAL002": "dsprep.rules.balance.rare_class:RareClass",
    "BAL003": "dsprep.rules.balance.class_missing_from_split:ClassMissingFromSplit",
    "BAL004": "dsprep.rules.balance.label_spelling_variants:LabelSpellingVariants",
    "BAL005": "dsprep.rules.balance.label_drift:LabelDrift",
    "BAL006": "dsprep.rules.balance.single_class:SingleClass",
    "SET001": "dsprep.rules.dataset.too_few_examples:TooFewExamples",
    "SET002": "dsprep.rules.dataset.few_examples:FewExamples",
    "SET003": "dsprep.rules.dataset.too_large:TooLarge",
    "SET004": "dsprep.rules.dataset.no_validation_split:NoValidationSplit",
    "SET005": "dsprep.rules.dataset.small_validation_split:SmallValidationSplit",
    "TXT001": "dsprep.rules.text.html_residue:HtmlResidue",
    "TXT003": "dsprep.rules.text.control_character:ControlCharacter",
    "TXT009": "dsprep.rules.text.untrimmed_text:UntrimmedText",
    "LNG001": "dsprep.rules.language.unexpected_language:UnexpectedLanguage",
    "TAB001": "dsprep.rules.tables.ragged_row:RaggedRow",
    "TAB002": "dsprep.rules.tables.missing_value:MissingValue",
}

EXECUTORS: Mapping[str, str] = {
    "serial": "dsprep.executors.serial:SerialExecutor",
    "processes": "dsprep.executors.processes:ProcessExecutor",
    "ray": "dsprep.executors.ray:RayExecutor",
}


class Builtin:
    """The plugin object of dsprep itself."""

    def rules(self) -> Mapping[str, str]:
        """Code to `module:Class`."""
        return RULES

    def executors(self) -> Mapping[str, str]:
        """Name to `module:Class`."""
        return EXECUTORS
