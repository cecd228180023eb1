"""Marks of a speaker at the start of a line, as chat templates and transcripts write them: `User:`, `### Response:`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from dsprep.text.code_spans import prose_spans

Side = Literal["user", "assistant", "system"]


class Marker(NamedTuple):
    """A mark: where it stands, who speaks behind it, and whether only a chat template writes it so."""

    start: int
    end: int
    side: Side
    template: bool


_USERS: Final = (
    "user",
    "human",
    "human user",
    "benutzer",
    "nutzer",
    "mensch",
    "utilisateur",
    "humain",
    "usuario",
    "humano",
    "usuário",
    "utente",
    "gebruiker",
    "användare",
    "użytkownik",
    "пользователь",
    "человек",
    "kullanıcı",
    "用户",
    "用戶",
    "人类",
    "使用者",
    "ユーザー",
    "ユーザ",
    "사용자",
    "المستخدم",
    "کاربر",
    "משתמש",
    "उपयोगकर्ता",
    "ผู้ใช้",
    "người dùng",
    "pengguna",
)
_ASSISTANTS: Final = (
    "assistant",
    "ai",
    "ai assistant",
    "ai model",
    "bot",
    "chatbot",
    "chatgpt",
    "gpt",
    "gpt-3.5",
    "gpt-4",
    "gpt4",
    "claude",
    "bard",
    "gemini",
    "llm",
    "virtual assistant",
    "agent",
    "assistent",
    "ki",
    "ki-assistent",
    "assistant ia",
    "asistente",
    "assistente",
    "asystent",
    "ассистент",
    "помощник",
    "asistan",
    "助手",
    "助理",
    "アシスタント",
    "어시스턴트",
    "المساعد",
    "دستیار",
    "עוזר",
    "सहायक",
    "ผู้ช่วย",
    "trợ lý",
    "asisten",
)
_SIDES: Final[dict[str, Side]] = {
    **dict.fromkeys(_USERS, "user"),
    **dict.fromkeys(_ASSISTANTS, "assistant"),
    "system": "system",
}


def _names(names: tuple[str, ...]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_ANY: Final = _names((*_USERS, *_ASSISTANTS, "system"))
#: `User:`, `**User:**`, `[User]:`, `User 2:`, `User (10:32):`.
_PLAIN: Final = re.compile(
    rf"^[ \t]*(?:[*_]{{1,3}}|\[|<"
    rf"|-[ ])?({_ANY})(?: ?\d{{1,2}})?(?: ?\([^()\n]{{1,20}}\))?[*_\]>]{{0,3}} ?[:：][*_]{{0,3}}",
    re.IGNORECASE | re.MULTILINE,
)
#: Headings of Alpaca's template and of Vicuna's, and those made after them.
_HEADING: Final = re.compile(
    rf"^[ \t]*#{{1,4}} ?(?:(instruction|{_names(_USERS)}|human|prompt)|(response|{_names(_ASSISTANTS)})|(input"
    rf"|system(?: prompt)?)) ?[:：]",
    re.IGNORECASE | re.MULTILINE,
)
#: Control tokens that name who speaks.
_TOKEN: Final = re.compile(
    r"<\|(?:im_start\|>|start_header_id\|>|header_start\|>)?(user|human|prompter|assistant|model|bot|system"
    r"|developer)\b(?:\|>|<\|end_header_id\|>|<\|header_end\|>|(?=\s))"
    r"|<start_of_turn>(user|model)\b|(\[INST\])|<｜(User|Assistant)｜>",
    re.IGNORECASE,
)
_OF_TOKENS: Final[dict[str, Side]] = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "[inst]": "user",
    "assistant": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
    "developer": "system",
}

#: Matches, from the line feed before it, each line that begins with a marker, and each token (RE2's syntax).
ANYWHERE: Final = (
    rf"(?i)\n[ \t#*_\[<-]{{0,8}}(?:{_ANY}|instruction|response|prompt|input)[^\n:：]{{0,26}}[:：]"
    r"|<\|(?:im_start|start_header_id|header_start|user|human|prompter|assistant|model|bot|system|developer)"
    r"|\[INST\]|<start_of_turn>|<｜"
)


def markers(text: str) -> Iterator[Marker]:
    """The markers of `text` outside code, in no order."""
    for start, end in prose_spans(text):
        for match in _PLAIN.finditer(text, start, end):
            # A span may begin within a line.
            if match.start() == 0 or text[match.start() - 1] == "\n":
                yield Marker(match.start(1), match.end(), _SIDES[match[1].lower()], False)
        for match in _HEADING.finditer(text, start, end):
            side: Side = "user" if match[1] else "assistant" if match[2] else "system"
            yield Marker(match.start(), match.end(), side, True)
        for match in _TOKEN.finditer(text, start, end):
            name = next(group for group in match.groups() if group)
            yield Marker(match.start(), match.end(), _OF_TOKENS[name.lower()], True)
