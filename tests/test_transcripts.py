"""Chats that people exported, transcripts and captions as conversations: WhatsApp, Slack, Discord, WebVTT, SRT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.cli.main import app
from dsprep.model.source import InputError
from dsprep.sources import files_of, open_source
from dsprep.text.transcripts import (
    ConversationCut,
    CutError,
    captions,
    discord,
    kind_of,
    plain,
    slack,
    slack_text,
    whatsapp,
)


def turns(path: Path, how: str = "assistant=Shop") -> list[list[tuple[str, str]]]:
    """Role and text of the turns of each conversation."""
    source = open_source(str(path), records=how)
    records = [record for shard in source.plan(1 << 20) for record in source.read(shard)]
    return [[(turn["role"], turn["text"]) for turn in record.value["transcript"]] for record in records]


def saved(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


TALK = [
    [
        ("user", "Is the lamp in stock?\nThe blue one"),
        ("assistant", "Yes!\nWe have four: all blue."),
        ("user", "Thanks"),
    ],
    [("user", "Hello again"), ("assistant", "Hello.")],
]


def chat_of(first: str, second: str, form: str, media: str = "<Media omitted>") -> str:
    """An exported chat: `first` and `second` are days, `form` a message with {day}, {time}, {name} and {text}."""

    def line(day: str, time: str, name: str, text: str) -> str:
        return form.format(day=day, time=time, name=name, text=text)

    return "\n".join(
        [
            line(first, "10:02", "Ann", "Is the lamp in stock?"),
            line(first, "10:02", "Ann", "The blue one"),
            line(first, "10:05", "Shop", "Yes!\nWe have four: all blue."),
            line(first, "10:06", "Ann", media),
            line(first, "10:07", "Ann", "Thanks"),
            line(second, "09:00", "Ann", "Hello again"),
            line(second, "09:01", "Shop", "Hello."),
        ]
    )


@pytest.mark.parametrize(
    ("first", "second", "form"),
    [
        ("12/03/2024", "13/03/2024", "{day}, {time} - {name}: {text}"),
        ("3/12/24", "3/13/24", "{day}, {time} AM - {name}: {text}"),
        ("3/12/24", "3/13/24", "{day}, {time}\u202fAM - {name}: {text}"),
        ("12/03/24", "13/03/24", "{day}, {time} am - {name}: {text}"),
        ("12/03/24", "13/03/24", "{day}, {time} a. m. - {name}: {text}"),
        ("12.03.24", "13.03.24", "[{day}, {time}:33] {name}: {text}"),
        ("2024-03-12", "2024-03-13", "{day} {time} - {name}: {text}"),
        ("12-03-2024", "13-03-2024", "{day} {time} - {name}: {text}"),
        ("12.3.2024", "13.3.2024", "{day} klo {time} - {name}: {text}"),
        ("2024. 03. 12.", "2024. 03. 13.", "{day} {time} - {name}: {text}"),
        ("2024/3/12", "2024/3/13", "[{day} 上午{time}:07] {name}: {text}"),
        ("١٢\u200f/٣\u200f/٢٠٢٤", "١٣\u200f/٣\u200f/٢٠٢٤", "{day}، {time} ص - {name}: {text}"),
        ("12/03/2024", "13/03/2024", "\u200e[{day}, {time}:33] \u202a~ {name}\u202c: {text}"),
    ],
)
def test_whatsapp_in_many_languages(first: str, second: str, form: str, tmp_path: Path) -> None:
    file = saved(tmp_path, "chat.txt", chat_of(first, second, form))
    assert turns(file) == TALK


def test_whatsapp_leaves_out_what_nobody_says(tmp_path: Path) -> None:
    form = "[{day}, {time}:00] {name}: {text}"
    text = chat_of("12/03/2024", "13/03/2024", form, "\u200eimage omitted")
    lines = text.split("\n")
    lines.insert(0, "[12/03/2024, 10:00:00] Ann: \u200eMessages and calls are end-to-end encrypted.")
    lines.insert(3, "[12/03/2024, 10:03:00] Ann: \u200eThis message was deleted.")
    lines.insert(4, "[12/03/2024, 10:03:00] Shop: Yes! \u200e<attached: 00000012-PHOTO-2024.jpg>")
    lines.insert(5, "[12/03/2024, 10:03:30] Ann joined using this group's invite link")
    chat = whatsapp(lines)
    assert chat.left_out == {"messages without a text, such as media": 3, "notices of the app": 1}
    assert next(message.text for message in chat.said if message.speaker == "Shop") == "Yes!"
    android = [
        "12/03/2024, 10:02 - Ann: IMG-20240312-WA0001.jpg (file attached)\nLook at this",
        "12/03/2024, 10:03 - Shop: Nice <This message was edited>",
        "12/03/2024, 10:03 - Shop: <Medien ausgeschlossen>",
        "12/03/2024, 10:04 - Ann: You deleted this message",
        "12/03/2024, 10:05 - Ann created group “Lamps: all of them”",
    ]
    chat = whatsapp("\n".join(android).split("\n"))
    assert [(message.text, message.place) for message in chat.said] == [("Look at this", "line 1"), ("Nice", "line 3")]


def test_the_order_of_dates_is_the_one_in_which_time_goes_on(tmp_path: Path) -> None:
    rows = ["01/02/2024, 10:00 - Ann: a", "02/02/2024, 10:00 - Shop: b", "01/03/2024, 10:00 - Ann: c"]
    assert [len(part) for part in turns(saved(tmp_path, "a.txt", "\n".join(rows)))] == [1, 1, 1]
    started = [record["started"] for record in whatsapp(rows).conversations(ConversationCut(("Shop",)))]
    assert started == ["2024-02-01T10:00:00", "2024-02-02T10:00:00", "2024-03-01T10:00:00"]
    american = [row.replace("10:00", "10:00 AM") for row in rows[:1]]
    assert next(whatsapp(american).conversations(ConversationCut()))["started"] == "2024-01-02T10:00:00"


def test_silence_and_who_is_the_assistant(tmp_path: Path) -> None:
    file = saved(tmp_path, "chat.txt", chat_of("12/03/2024", "13/03/2024", "{day}, {time} - {name}: {text}"))
    assert len(turns(file, "assistant=Shop; silence=0")) == 1
    assert len(turns(file, "assistant=Shop; silence=2d")) == 1
    assert len(turns(file, "assistant=Shop; silence=1m")) == 5
    assert turns(file, "assistant=Ann")[1][0] == ("assistant", "Hello again")
    for how, said in (
        ("silence=1h", r"does not say which of its speakers is the assistant: Ann \(4\), Shop \(2\)\. Say it: dsprep"),
        ("assistant=shop", "nobody there is called 'shop'; did you mean 'Shop'"),
    ):
        with pytest.raises(InputError, match=said):
            turns(file, how)
    with pytest.raises(InputError, match="no duration"):
        open_source(str(file), records="silence=3x")
    with pytest.raises(InputError, match="no chat and no transcript"):
        open_source(str(saved(tmp_path, "a.jsonl", '{"messages": []}\n')), records="assistant=Ann")


@given(
    st.lists(st.text(min_size=1).filter(lambda name: name.strip() == name and "%" not in name), max_size=3),
    st.integers(0, 10**6),
)
def test_cuts_are_read_as_they_are_written(names: list[str], silence: int) -> None:
    cut = ConversationCut(tuple(names), float(silence))
    assert ConversationCut.parse(str(cut)) == cut


def test_cuts_that_there_are_not() -> None:
    for wrong in ("speaker=Ann", "assistant=", "silence=3", "silence=long", "Ann"):
        with pytest.raises(CutError):
            ConversationCut.parse(wrong)


def test_plain_transcripts(tmp_path: Path) -> None:
    text = """Ann: Is the lamp in stock?
The blue one

Shop: Yes!
We have four: all blue.
Note: all blue.

Ann: Thanks
---
Ann: Hello again
Shop: Hello.
"""
    noted = [*TALK[0][:1], ("assistant", TALK[0][1][1] + "\nNote: all blue."), TALK[0][2]]
    assert turns(saved(tmp_path, "talk.txt", text)) == [noted, TALK[1]]
    stamped = "[00:01] Ann: Hi\n[00:04] Dr. B. Shop: Yes?\n[00:09] Ann: No.\n"
    assert turns(saved(tmp_path, "b.txt", stamped), "assistant=Dr. B. Shop")[0][1] == ("assistant", "Yes?")
    bold = "**Ann:** Hi\n\n**Shop:** Yes?\n\n**Ann:** No.\n"
    assert turns(saved(tmp_path, "c.md", bold))[0] == [("user", "Hi"), ("assistant", "Yes?"), ("user", "No.")]
    assert plain(["Ann: a", "Ben：b"]).speakers == {"Ann": 1, "Ben": 1}


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("Once upon a time: a story.\nAnd it went on.\n", ".txt"),
        ("name: dsprep\nversion: 1\nlicense: x\n", ".txt"),
        ("Ann: a\nShop: b\nAnn: c\n", ".csv"),
        ("a,b\n1,2\n", ".txt"),
        ("2024-03-12 10:02:11,123 - INFO: started\n2024-03-12 10:02:12,456 - INFO: done\n", ".log"),
        ('[{"type": "message", "text": "a"}]', ".json"),
        ('{"guild": 1, "messages": []}', ".json"),
        ("", ".txt"),
    ],
)
def test_what_is_no_transcript(text: str, extension: str) -> None:
    assert kind_of(text, extension) is None


def test_captions(tmp_path: Path) -> None:
    vtt = (
        "WEBVTT\n\nNOTE made by hand\n\n00:01.000 --> 00:02.000\n<v Ann>Is the <i>lamp</i></v>\n\n"
        "2\n00:02.000 --> 00:03.000 align:start\n<v Ann>in stock?</v>\n\n00:04.000 --> 00:05.000\n"
        "<v Shop>Yes &amp; no.</v><v Ann>Oh.</v>\n\n"
    )
    assert turns(saved(tmp_path, "a.vtt", vtt)) == [
        [("user", "Is the lamp in stock?"), ("assistant", "Yes & no."), ("user", "Oh.")]
    ]
    srt = (
        "1\n00:00:01,000 --> 00:00:02,000\nAnn: Is the lamp\nin stock?\n\n2\n00:00:03,000 --> 00:00:04,000\n"
        "Shop: Yes.\n\n3\n04:00:03,000 --> 04:00:04,000\nAnn: Later\n\n"
    )
    assert turns(saved(tmp_path, "a.srt", srt.replace("\n", "\r\n"))) == [
        [("user", "Is the lamp in stock?"), ("assistant", "Yes.")],
        [("user", "Later")],
    ]
    nobody = captions(["WEBVTT", "", "00:01.000 --> 00:02.000", "so there"])
    assert nobody.left_out == {"cues before anybody is named": 1}


def message(text: str, user: str, ts: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "text": text, "user": user, "ts": f"{ts}.000100", **more}


def slack_export(folder: Path) -> Path:
    """A folder as Slack exports it: two channels, days as files, a thread over midnight."""
    (folder / "help").mkdir(parents=True)
    (folder / "empty").mkdir()
    users = [
        {"id": "U1", "name": "ann", "profile": {"display_name": "Ann", "real_name": "Ann A."}},
        {"id": "U2", "name": "shop", "profile": {"display_name": "", "real_name": "Shop"}},
    ]
    (folder / "users.json").write_text(json.dumps(users))
    (folder / "channels.json").write_text("[]")
    one = [
        message("<@U1> has joined the channel", "U1", "1710230000", subtype="channel_join"),
        message("Lamps &amp; <https://x.org/l|more>?", "U1", "1710230100"),
        message("How do I pay?", "U1", "1710230200", thread_ts="1710230200.000100"),
        message("Yes, <@U1>", "U2", "1710230300"),
        message("", "U1", "1710230400", files=[{}]),
    ]
    two = [
        message("By card.", "U2", "1710320000", thread_ts="1710230200.000100"),
        message("Hello again", "U1", "1710320100"),
        message("Hello.", "U2", "1710320200"),
    ]
    (folder / "help" / "2024-03-12.json").write_text(json.dumps(one))
    (folder / "help" / "2024-03-13.json").write_text(json.dumps(two))
    return folder


def test_slack(tmp_path: Path) -> None:
    export = slack_export(tmp_path / "export")
    assert files_of(str(export)) == [str(export / "help")]
    out = tmp_path / "out.jsonl"
    result = api.convert([export], out, records="assistant=Shop")
    assert (result.rows_in, result.rows_out) == (3, 3)
    assert result.notes == [
        f"{export / 'help'}: left out messages without a text, such as media (1), notices of the app (1)"
    ]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    said = [[(message["role"], message["content"]) for message in row["messages"]] for row in rows]
    assert said == [
        [("user", "Lamps & more (https://x.org/l)?"), ("assistant", "Yes, @Ann")],
        [("user", "How do I pay?"), ("assistant", "By card.")],
        TALK[1],
    ]
    assert rows[1]["metadata"] == {
        "speakers": ["Ann", "Shop"],
        "channel": "help",
        "started": "2024-03-12T07:56:40",
    }
    # A day by itself knows no names but those in it.
    assert [len(part) for part in turns(export / "help" / "2024-03-13.json", "assistant=U2")] == [1, 2]
    (export / "help" / "2024-03-13.json").write_text('[{"type"')
    with pytest.raises(InputError, match=r"2024-03-13.json is no JSON .* export it again"):
        open_source(str(export / "help"), records="assistant=Shop")


def test_slack_names_and_marks() -> None:
    rows = [
        message("a", "U9", "1", user_profile={"display_name": "Zoe"}),
        {"type": "message", "subtype": "bot_message", "text": "b", "username": "Bot", "bot_id": "B1", "ts": "2.0"},
        {"type": "message", "text": "c", "bot_id": "B2", "bot_profile": {"name": "Helper"}, "ts": "3.0"},
        {"type": "message", "ts": "x"},
        5,
    ]
    chat = slack(rows, {}, [""] * len(rows))
    assert [message.speaker for message in chat.said] == ["Zoe", "Bot", "Helper"]
    assert chat.bots == {"Bot", "Helper"}
    assert slack_text("<!here> <#C1|lamps> <mailto:a@x.org|a@x.org> <https://x.org> 1 &lt; 2", {}) == (
        "@here #lamps mailto:a@x.org https://x.org 1 < 2"
    )


def discord_export(**more: Any) -> dict[str, Any]:
    def one(number: int, who: str, text: str, at: str, **rest: Any) -> dict[str, Any]:
        author = {"id": who, "name": who.lower(), "nickname": who, "isBot": who == "Shop"}
        return {"id": str(number), "type": "Default", "timestamp": at, "content": text, "author": author, **rest}

    return {
        "guild": {"id": "1", "name": "Lamps", "iconUrl": "https://x.org/i.png"},
        "channel": {"id": "2", "type": "GuildTextChat", "name": "help", "topic": None},
        "dateRange": {"after": None, "before": None},
        "messages": [
            one(1, "Ann", "Is the lamp in stock?", "2024-03-12T10:02:00+00:00"),
            one(2, "Ann", "The blue one", "2024-03-12T10:02:10.5+00:00"),
            one(3, "Shop", "Yes!\nWe have four: all blue.", "2024-03-12T10:05:00+00:00", type="Reply"),
            one(4, "Ann", "", "2024-03-12T10:06:00+00:00", attachments=[{}]),
            one(5, "Ann", "Pinned a message.", "2024-03-12T10:06:00+00:00", type="ChannelPinnedMessage"),
            one(6, "Ann", "Thanks", "2024-03-12T10:07:00+00:00"),
            one(7, "Ann", "Hello again", "2024-03-13T09:00:00+00:00"),
            one(8, "Shop", "Hello.", "2024-03-13T09:01:00+00:00"),
        ],
        "messageCount": 8,
        **more,
    }


def test_discord(tmp_path: Path) -> None:
    file = saved(tmp_path, "help.json", json.dumps(discord_export(), indent=2))
    assert turns(file) == TALK
    with pytest.raises(InputError, match=r"a Discord export.*Ann \(4\), Shop \(2, a bot\)"):
        turns(file, "silence=0")
    assert discord({"messages": [None, {"author": {}, "content": 5}], "channel": 3}).said == []


def test_findings_point_into_the_export(tmp_path: Path) -> None:
    broken = discord_export()
    broken["messages"][6]["content"] = "The cafÃ© is naÃ¯ve about its crÃ¨me."
    out = tmp_path / "out.jsonl"
    chats = {
        "a.json": (json.dumps(broken), "/messages/6/content"),
        "a.txt": ("Ann: Hi\nShop: Yes?\n\nAnn: The cafÃ© is naÃ¯ve about its crÃ¨me.\n", "line 4"),
    }
    for name, (text, place) in chats.items():
        file = saved(tmp_path, name, text)
        done = CliRunner().invoke(
            app, ["prepare", "--isolated", str(file), "--records", "assistant=Shop", "-o", str(out)]
        )
        assert done.exit_code in (0, 1, 2)
        assert place in done.output


def test_conversations_without_the_assistant_are_rejected_whole(tmp_path: Path) -> None:
    file = saved(
        tmp_path, "a.txt", "12/03/2024, 10:02 - Ann: Hi\n12/03/2024, 18:00 - Ann: Hi?\n12/03/2024, 18:01 - Shop: Yes\n"
    )
    result = api.convert([file], tmp_path / "out.jsonl", records="assistant=Shop")
    assert (result.rows_in, result.rows_out, result.rejected) == (2, 1, {"missing-value": 1})
    (row,) = (json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines())
    assert "Shop says nothing in this conversation" in json.dumps(row)
    assert "Hi" in json.dumps(row)


def test_on_the_command_line(tmp_path: Path) -> None:
    file = saved(tmp_path, "chat.txt", chat_of("12/03/2024", "13/03/2024", "{day}, {time} - {name}: {text}"))
    out = str(tmp_path / "out.jsonl")
    command = ["convert", str(file), "-o", out, "--force", "--assistant-speaker", "Shop"]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (0, f"2 rows in, 2 written to {out}")
    done = CliRunner().invoke(app, [*command, "--silence", "2d"])
    assert done.stderr.splitlines()[-1] == f"1 row in, 1 written to {out}"
    for more in (["--silence", "soon"], ["--records", "x[]"]):
        assert CliRunner().invoke(app, [*command, *more]).exit_code == 2


def test_files_that_are_hurt(tmp_path: Path) -> None:
    text = chat_of("12/03/2024", "13/03/2024", "{day}, {time} - {name}: {text}").replace("Thanks", "Grüße")
    (tmp_path / "a.txt").write_bytes(text.encode("cp1252"))
    (tmp_path / "b.txt").write_bytes(text.encode("utf-16"))
    (tmp_path / "c.wrong").write_bytes(b"\xef\xbb\xbf" + text.encode())
    for name in ("a.txt", "b.txt", "c.wrong"):
        assert turns(tmp_path / name)[0][-1] == ("user", "Grüße")
    assert len(turns(saved(tmp_path, "cut.txt", text[:80]), "assistant=Ann")) == 1
    cut = saved(tmp_path, "cut.json", json.dumps(discord_export())[:700])
    with pytest.raises(InputError, match="looks like a Discord export, but is no JSON"):
        turns(cut)
    nothing = saved(tmp_path, "n.txt", "12/03/2024, 10:02 - Ann created this group\n12/03/2024, 10:02 - Ann left\n")
    source = open_source(str(nothing), records="assistant=Ann")
    (shard,) = source.plan(1 << 20)
    assert [fault.kind for fault in shard.faults] == ["empty-file"]


lines = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [
                "12/03/24, 10:02 - Ann: a",
                "[1/2/24, 99:99:00] B: c",
                "Ann: x",
                "00:01.000 --> 00:02.000",
                "WEBVTT",
                "---",
                "",
            ]
        ),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(lines)
def test_no_text_is_said_twice_or_lost(rows: list[str]) -> None:
    rows = [row for line in rows for row in line.split("\n")]
    for read in (whatsapp, plain, captions):
        chat = read(rows)
        given_text = sum(len(row) for row in rows)
        assert sum(len(message.text) for message in chat.said) <= given_text + len(rows)
        conversations = list(chat.conversations(ConversationCut(("Ann",))))
        assert sum(len(record["transcript"]) for record in conversations) <= len(chat.said)
        assert all(record["transcript"] for record in conversations)
    kind_of("\n".join(rows), ".txt")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["author", "content", "type", "ts", "user", "text", "bot_profile", "name", "timestamp"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.lists(json_values, max_size=4))
def test_hostile_messages_raise_nothing(rows: list[Any]) -> None:
    for chat in (slack(rows, {}, [""] * len(rows)), discord({"messages": rows, "channel": rows})):
        json.dumps(list(chat.conversations(ConversationCut(("a",)))))


@pytest.mark.parametrize("read", [whatsapp, plain, captions])
def test_long_lines_take_no_longer(read: Any) -> None:
    for row in (
        "a" * 10**6,
        " " * 10**6,
        "Ann: " * 10**5,
        "<" * 10**6,
        "12/03/24, 10:02 - " + "x " * 10**5,
        "<v " * 10**5,
    ):
        read([row, "00:01.000 --> 00:02.000", row])
    chat = read(["12/03/24, 10:02 - Ann: a", "00:01.000 --> 00:02.000", *["Ann: a", "b"] * 10_000])
    assert len(list(chat.conversations(ConversationCut()))) <= 1
