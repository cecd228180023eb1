"""The language server, spoken to by a real client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.protocol import default_converter

from dsprep import api
from dsprep.cli import lsp
from dsprep.config import Settings
from dsprep.editor.drafts import Draft, LineEdit
from dsprep.editor.json_places import Span, place, places, string_at, within
from dsprep.editor.messages import edits
from dsprep.editor.texts import Position, Text
from dsprep.model import pointer as pointers
from dsprep.model.source import InputError

ROOT = Path(__file__).parent.parent

#: Rules about single records and one about all of them, none of which asks for many rows.
CONFIG = 'select = ["ENC", "SCH", "CNV", "TXT009", "PII001", "DUP001"]\n'


def row(user: str = "How are you?", assistant: str = "Fine, thank you.", **more: Any) -> str:
    """A line that nothing is wrong with."""
    messages = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return json.dumps({"messages": messages, **more}, ensure_ascii=False)


class Editor:
    """A client that keeps what it is told, and documents as an editor does."""

    def __init__(self, client: LanguageClient, server: types.InitializeResult) -> None:
        self.client = client
        self.server = server
        self.published: dict[str, list[types.PublishDiagnosticsParams]] = {}
        self.messages: list[str] = []
        self.pages: list[str] = []
        self.texts: dict[str, tuple[Text, int]] = {}
        self.news = asyncio.Event()

    def open(self, path: Path, content: str, language: str = "jsonl") -> str:
        uri = path.as_uri()
        self.texts[uri] = Text(content, "utf-16"), 1
        item = types.TextDocumentItem(uri, language, 1, content)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def edit(self, uri: str, start: Position, end: Position, instead: str) -> None:
        text, version = self.texts[uri]
        self.texts[uri] = text.edited(start, end, instead), version + 1
        change = types.TextDocumentContentChangePartial(
            types.Range(types.Position(*start), types.Position(*end)), instead
        )
        which = types.VersionedTextDocumentIdentifier(version + 1, uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(which, [change]))

    def save(self, uri: str) -> None:
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def apply(self, edit: types.WorkspaceEdit) -> None:
        """Make an edit, from the back, as all its places are those of the text before it."""
        for change in edit.document_changes or ():
            assert isinstance(change, types.TextDocumentEdit)
            uri = change.text_document.uri
            assert change.text_document.version == self.texts[uri][1]
            for one in sorted(change.edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
                assert isinstance(one, types.TextEdit)
                start, end = one.range.start, one.range.end
                self.edit(uri, Position(start.line, start.character), Position(end.line, end.character), one.new_text)

    async def told(
        self, uri: str, wanted: Callable[[list[types.Diagnostic]], bool], seconds: float = 60
    ) -> list[types.Diagnostic]:
        """The diagnostics of the document as it is, as soon as they are such."""

        async def wait() -> list[types.Diagnostic]:
            while True:
                for params in self.published.get(uri, [])[-1:]:
                    if params.version == self.texts[uri][1] and wanted(list(params.diagnostics)):
                        return list(params.diagnostics)
                self.news.clear()
                await self.news.wait()

        try:
            return await asyncio.wait_for(wait(), seconds)
        except TimeoutError:
            pytest.fail(f"told {self.published.get(uri, [])[-1:]}, and {self.messages}")

    async def actions(self, uri: str, at: types.Range, only: list[str] | None = None) -> list[types.CodeAction]:
        context = types.CodeActionContext([], only=only)  # type: ignore[arg-type]
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), at, context)
        found = await self.client.text_document_code_action_async(params)
        assert all(isinstance(action, types.CodeAction) for action in found or ())
        return list(found or ())  # type: ignore[arg-type]

    async def choose(self, action: types.CodeAction) -> None:
        """Do what an editor does when somebody chooses an action."""
        if action.edit is None and action.data is not None:
            action = await self.client.code_action_resolve_async(action)
        if action.edit is not None:
            self.apply(action.edit)
        if action.command is not None:
            command = action.command
            await self.client.workspace_execute_command_async(
                types.ExecuteCommandParams(command.command, command.arguments)
            )


def _converter() -> Any:
    """lsprotocol takes every action that has a command for a command."""
    converter = default_converter()
    either = types.Command | types.CodeAction
    for kind in (either, Union[types.Command, types.CodeAction]):  # noqa: UP007
        converter.register_structure_hook(kind, lambda value, _: converter.structure(value, types.CodeAction))
    return converter


def in_editor(folder: Path, talk: Callable[[Editor], Awaitable[None]], **options: Any) -> None:
    """Start a server for `folder`, and have `talk` speak to it."""

    async def main() -> None:
        client = LanguageClient("test", "1", converter_factory=_converter)
        await client.start_io(sys.executable, "-m", "dsprep", "lsp", *options.pop("flags", ()))
        editor: Editor | None = None

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            assert editor is not None
            editor.published.setdefault(params.uri, []).append(params)
            editor.news.set()

        @client.feature(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            assert editor is not None
            editor.messages.append(params.message)

        @client.feature(types.WINDOW_SHOW_DOCUMENT)
        def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            assert editor is not None
            editor.pages.append(Path(params.uri.removeprefix("file://")).read_text("utf-8"))
            return types.ShowDocumentResult(True)

        capabilities = types.ClientCapabilities(
            workspace=types.WorkspaceClientCapabilities(
                workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True)
            ),
            text_document=types.TextDocumentClientCapabilities(
                publish_diagnostics=types.PublishDiagnosticsClientCapabilities(related_information=True),
                code_action=types.CodeActionClientCapabilities(
                    resolve_support=types.ClientCodeActionResolveOptions(["edit"]), data_support=True
                ),
            ),
            general=types.GeneralClientCapabilities(position_encodings=options.get("encodings")),
            window=types.WindowClientCapabilities(show_document=types.ShowDocumentClientCapabilities(True)),
        )
        initialized = await client.initialize_async(
            types.InitializeParams(
                capabilities,
                root_uri=folder.as_uri(),
                process_id=None,
                initialization_options=options.get("initialization_options"),
            )
        )
        client.initialized(types.InitializedParams())
        editor = Editor(client, initialized)
        await talk(editor)
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
        assert client._server is not None
        assert client._server.returncode == 0

    asyncio.run(main())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dsprep.toml").write_text(CONFIG)
    return tmp_path


def codes(diagnostics: list[types.Diagnostic]) -> list[str]:
    return sorted(str(diagnostic.code) for diagnostic in diagnostics)


def shown(editor: Editor, uri: str, diagnostic: types.Diagnostic) -> str:
    """The text that a diagnostic underlines."""
    text = editor.texts[uri][0]
    start, end = (
        text.offset(Position(position.line, position.character))
        for position in (diagnostic.range.start, diagnostic.range.end)
    )
    return text.content[start:end]


def test_a_fault_is_underlined_explained_and_fixed(folder: Path) -> None:
    # Characters beyond the first plane take two units of UTF-16, and U+2028 ends no line.
    content = row("🦊\u2028" * 3 + "?") + "\n" + row("🦊🦊 ok", "🦊 fine ") + "\n"

    async def talk(editor: Editor) -> None:
        uri = editor.open(folder / "data.jsonl", content)
        (found,) = await editor.told(uri, lambda some: codes(some) == ["TXT009"])
        assert (found.source, found.severity) == ("dsprep", types.DiagnosticSeverity.Information)
        assert shown(editor, uri, found) == '"🦊 fine "'
        assert found.range.start.line == found.range.end.line == 1
        assert found.range.end.character - found.range.start.character == len('"🦊 fine "') + 1

        here = types.HoverParams(types.TextDocumentIdentifier(uri), found.range.start)
        hover = await editor.client.text_document_hover_async(here)
        assert hover is not None
        assert isinstance(hover.contents, types.MarkupContent)
        assert "# untrimmed-text (TXT009)" in hover.contents.value
        nowhere = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(0, 1))
        assert await editor.client.text_document_hover_async(nowhere) is None

        actions = await editor.actions(uri, found.range)
        titles = [action.title for action in actions]
        assert titles == [
            "Fix: TXT009 untrimmed-text",
            "Suppress TXT009 untrimmed-text of this record",
            "Explain TXT009 untrimmed-text",
            "Fix all that is safe to fix (dsprep)",
        ]
        assert actions[0].is_preferred
        await editor.choose(actions[2])
        assert "# untrimmed-text (TXT009)" in editor.pages[0]
        await editor.choose(actions[0])
        assert editor.texts[uri][0].content == content.replace("fine ", "fine")
        assert await editor.told(uri, lambda some: not some) == []

    in_editor(folder, talk)


def test_what_is_fixed_at_once_is_what_lint_fix_would_fix(folder: Path) -> None:
    content = "\n".join(
        [
            row(" a ", "b"),
            "",
            row(
                "c",
                "d\t",
            ),
            row("same", "same"),
            row("same", "same"),
            row("e", "f"),
        ]
    )
    file = folder / "data.jsonl"

    async def talk(editor: Editor) -> None:
        uri = editor.open(file, content)
        await editor.told(uri, lambda some: "DUP001" in codes(some))
        everywhere = types.Range(types.Position(0, 0), types.Position(100, 0))
        (action,) = await editor.actions(uri, everywhere, ["source.fixAll"])
        assert action.kind == "source.fixAll.dsprep"
        await editor.choose(action)
        (found,) = await editor.told(uri, lambda some: codes(some) == ["DUP001"])
        (other,) = found.related_information or ()
        assert shown(editor, uri, found) == row("same", "same")
        assert other.location.range.start.line != found.range.start.line
        file.write_text(content)
        api.fix(file, settings=Settings(select=("ENC", "SCH", "CNV", "TXT009", "PII001", "DUP001")))
        assert editor.texts[uri][0].content == file.read_text().removesuffix("\n")

        # What is not safe is offered, called so, and not preferred.
        drop = next(action for action in await editor.actions(uri, found.range) if "Remove" in action.title)
        assert "unsafe" in drop.title
        assert not drop.is_preferred
        await editor.choose(drop)
        assert await editor.told(uri, lambda some: not some) == []
        assert editor.texts[uri][0].content.count("same") == 2

    in_editor(folder, talk)


def test_a_line_that_is_being_typed_is_no_more_than_broken(folder: Path) -> None:
    async def talk(editor: Editor) -> None:
        uri = editor.open(folder / "data.jsonl", f"{row()}\n")
        await editor.told(uri, lambda some: not some)
        line = row("typed", "by hand")
        for number, character in enumerate(line):
            at = Position(1, number)
            editor.edit(uri, at, at, character)
        # In the middle of it the line is no JSON, at the end nothing is wrong.
        await editor.told(uri, lambda some: not some)
        editor.edit(uri, Position(1, 10), Position(1, len(line)), "")
        found = await editor.told(uri, lambda some: bool(some))
        assert codes(found) == ["ENC008"]
        assert found[0].range.start.line == 1
        assert found[0].severity == types.DiagnosticSeverity.Error
        # Halves of what is beyond the first plane, a null, and what ends lines elsewhere.
        editor.edit(uri, Position(1, 10), Position(1, 10), "\x00\x1c\u2028\x85 🦊")
        assert all(code.startswith("ENC") for code in codes(await editor.told(uri, bool)))
        editor.edit(uri, Position(0, 0), Position(2, 0), "")
        await editor.told(uri, lambda some: not any(d.range.start.line for d in some))
        assert editor.messages == []

    in_editor(folder, talk)


def test_settings_are_those_near_the_file_and_faults_in_them_are_said(folder: Path) -> None:
    near = folder / "near"
    near.mkdir()
    (near / "dsprep.toml").write_text('ignore = ["TXT009"]\nselect = ["TXT009", "SCH"]\n')
    broken = folder / "broken"
    broken.mkdir()
    (broken / "dsprep.toml").write_text("selekt = 1\n")

    async def talk(editor: Editor) -> None:
        content = f"{row('a ')}\n"
        assert codes(await editor.told(editor.open(folder / "a.jsonl", content), bool)) == ["TXT009"]
        await editor.told(editor.open(near / "a.jsonl", content), lambda some: not some)
        (found,) = await editor.told(editor.open(broken / "a.jsonl", content), bool)
        assert "unknown key 'selekt'" in found.message
        assert any("unknown key 'selekt'" in message for message in editor.messages)
        # It is not looked at what is no data.
        other = editor.open(folder / "package.json", "{", "json")
        await editor.told(editor.open(folder / "b.jsonl", content), bool)
        assert other not in editor.published

    in_editor(folder, talk)


def test_suppressions_and_closing(folder: Path) -> None:
    content = f"{row('a ')}\n{row('b ')}\n"
    file = folder / "data.jsonl"
    file.write_text(content)

    async def talk(editor: Editor) -> None:
        uri = editor.open(file, content)
        found = await editor.told(uri, lambda some: len(some) == 2)
        for action in await editor.actions(uri, found[1].range):
            if action.title.startswith("Suppress"):
                await editor.choose(action)
        (left,) = await editor.told(uri, lambda some: len(some) == 1)
        assert left.range.start.line == 0
        assert "TXT009" in (folder / "data.jsonl.dsprep.yaml").read_text()
        editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        while editor.published[uri][-1].diagnostics:
            editor.news.clear()
            await asyncio.wait_for(editor.news.wait(), 60)

    in_editor(folder, talk)
    # What is suppressed in the editor is suppressed on the command line, too.
    report = api.lint(file, select=("TXT009",))
    assert [finding.location.line for finding in report.findings] == [1]


def test_tables_and_arrays_are_looked_at_as_well(folder: Path) -> None:
    table = 'prompt,completion\n"first\n""line"" jane@example.org","a, b "\nq,\n'

    async def talk(editor: Editor) -> None:
        uri = editor.open(folder / "data.csv", table, "csv")
        found = await editor.told(uri, bool)
        by_code = {str(diagnostic.code): diagnostic for diagnostic in found}
        assert shown(editor, uri, by_code["TXT009"]) == '"a, b "'
        # An array of records by the wrong name: places are those of the whole text.
        content = f"[\n  {row('🦊')},\n  {row('b ', x=1)}\n]\n"
        uri = editor.open(folder / "data.jsonl", content)
        found = await editor.told(uri, lambda some: "TXT009" in codes(some))
        (one,) = [diagnostic for diagnostic in found if diagnostic.code == "TXT009"]
        assert shown(editor, uri, one) == '"b "'
        assert not [action for action in await editor.actions(uri, one.range) if "Fix" in action.title]

    in_editor(folder, talk)


def test_what_is_too_long_is_looked_at_when_it_is_saved(folder: Path) -> None:
    async def talk(editor: Editor) -> None:
        uri = editor.open(folder / "data.jsonl", f"{row()}\n")
        await editor.told(uri, lambda some: not some)
        assert "looked at when it is saved" in editor.messages[0]
        number = len(editor.published[uri])
        editor.edit(uri, Position(0, 0), Position(0, 1), "")
        await asyncio.sleep(0.6)
        assert len(editor.published[uri]) == number
        editor.save(uri)
        assert codes(await editor.told(uri, bool)) == ["ENC009"]

    in_editor(folder, talk, initialization_options={"liveLimit": 10, "settings": {"select": ["ENC"]}})


def test_positions_are_counted_as_both_sides_agree(folder: Path) -> None:
    async def talk(editor: Editor) -> None:
        assert editor.server.capabilities.position_encoding == "utf-8"
        uri = editor.open(folder / "data.jsonl", f"{row('é🦊 ')}\n")
        (found,) = await editor.told(uri, bool)
        assert found.range.end.character - found.range.start.character == len('"é🦊 "'.encode())

    in_editor(folder, talk, encodings=[types.PositionEncodingKind.Utf8, types.PositionEncodingKind.Utf16])


def test_nonsense_from_the_editor_is_survived(folder: Path) -> None:
    async def talk(editor: Editor) -> None:
        uri = editor.open(folder / "data.jsonl", f"{row('a ')}\n")
        (found,) = await editor.told(uri, bool)
        assert "unknown key 'nonsense'" in found.message
        # Edits far behind the end of the text, and of a document that nobody has opened.
        editor.edit(uri, Position(500, 7), Position(900, 3), f"{row('b')}\n")
        change = types.TextDocumentContentChangeWholeDocument("x")
        for other in (uri, "file:///nowhere/data.jsonl"):
            which = types.VersionedTextDocumentIdentifier(3, other)
            editor.client.text_document_did_change(types.DidChangeTextDocumentParams(which, [change]))
        command = types.ExecuteCommandParams("dsprep.suppress", [uri, "TXT009", "no digest"])
        await editor.client.workspace_execute_command_async(command)
        assert await editor.actions("file:///nowhere/data.jsonl", found.range) == []

    in_editor(folder, talk, initialization_options={"settings": {"nonsense": 1}, "liveLimit": "much"})


def test_hostile_data_cannot_dress_up(folder: Path) -> None:
    email = "k.muster73@gmail.com"
    content = f"{row(f'write to {email} <b>*now*</b>', 'ok')}\n" + row(**{"[x](http://y)\u202e": 1}) + "\n"

    async def talk(editor: Editor) -> None:
        uri = editor.open(folder / "data.jsonl", content)
        found = await editor.told(uri, lambda some: len(some) > 1)
        by_code = {str(diagnostic.code): diagnostic for diagnostic in found}
        # Of a long text, only what is meant is underlined; and who reads messages does not read the address.
        assert shown(editor, uri, by_code["PII001"]) == email
        for diagnostic in found:
            assert "\u202e" not in diagnostic.message
            assert email not in diagnostic.message
            here = types.HoverParams(types.TextDocumentIdentifier(uri), diagnostic.range.start)
            hover = await editor.client.text_document_hover_async(here)
            assert hover is not None
            assert isinstance(hover.contents, types.MarkupContent)
            assert "[x](http" not in hover.contents.value.partition("\n---\n")[0]

    in_editor(folder, talk, initialization_options={"settings": {"target": "openai:gpt-4o-mini"}})


@pytest.mark.parametrize("text", ["", "a", "a\nb", "a\r\nb\rc\n", "🦊\u2028x\n\x85y", "é🦊é\n🦊"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_every_place_in_a_text_has_one_position(text: str, encoding: Any) -> None:
    whole = Text(text, encoding)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n":
            continue  # within a line end there is no place
        assert whole.offset(whole.position(offset)) == offset


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def _pointers(value: Any, at: str = "") -> list[str]:
    out = [at]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        out += _pointers(item, f"{at}/{pointers.escape(str(key))}")
    return out


@settings(deadline=None)
@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_every_value_of_a_text_is_found_where_it_stands(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    wanted = _pointers(value)
    found = places(text, wanted)
    for pointer in wanted:
        span = place(text, pointer)
        assert span is not None
        assert found[pointer] == span
        inner = pointers.resolve(value, pointer)
        assert json.loads(text[span.start : span.end]) == inner
        if isinstance(inner, str):
            assert string_at(text, span) == inner
            for i in range(len(inner)):
                part = within(text, span, i, i + 1)
                assert json.loads(f'"{text[part.start : part.end]}"') == inner[i]


@given(values, st.integers(0, 200))
def test_of_a_broken_text_nothing_is_made_up(value: Any, cut: int) -> None:
    text = json.dumps(value)[:cut]
    for pointer in _pointers(value):
        span = place(text, pointer)
        if span is not None and text[span.start] in '"{[':
            assert json.loads(text[span.start : span.end]) == pointers.resolve(value, pointer)


def test_deep_nesting_is_no_trouble() -> None:
    text = "[" * 100_000 + "]" * 100_000
    assert place(text, "/0/0") == Span(2, len(text) - 2)
    assert place(text[:-1], "") is None


lines = st.sampled_from([row(), row(" a"), row("b "), row("same"), "", "{", "[1]", '{"messages": []}', row("🦊 ")])


@settings(deadline=None, max_examples=25)
@given(st.lists(lines, max_size=6), st.lists(lines, max_size=6), st.booleans())
def test_after_an_edit_the_same_is_found_as_in_a_new_text(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str], ended: bool
) -> None:
    chosen = Settings(select=("ENC010", "ENC011", "SCH", "CNV", "TXT009"))
    folder = tmp_path_factory.mktemp("draft")
    old, new = ("\n".join(some) + "\n" * ended for some in (before, after))

    def found(*texts: str) -> list[tuple[Any, ...]]:
        draft = Draft(str(folder / "data.jsonl"), str(folder))
        draft.open(texts[0], chosen)
        spots = [draft.rows(text) for text in texts][-1] if draft.by_lines else []
        return [(spot.line, spot.start, spot.end, spot.finding.code, spot.digest) for spot in spots]

    start = f"{row('first')}\n"  # so that it is JSON lines, whatever follows
    assert found(start + old, start + new) == found(start + new)


def opened(folder: Path, content: str, name: str = "data.jsonl", **chosen: Any) -> Draft:
    private = folder / "private"
    private.mkdir(exist_ok=True)
    draft = Draft(str(folder / name), str(private))
    draft.open(content, Settings(**chosen))
    return draft


@pytest.mark.parametrize("name", ["chat_broken.jsonl", "chat_clean.jsonl", "preferences.jsonl", "tools.jsonl"])
def test_the_editor_finds_what_the_command_line_finds(name: str, tmp_path: Path) -> None:
    # An editor has characters, not bytes: what is no UTF-8 is something else there.
    content = (ROOT / "samples" / name).read_bytes().decode("utf-8", "replace")
    (tmp_path / name).write_text(content, "utf-8", newline="")
    draft = opened(tmp_path, content, name)
    spots = [(spot.finding.code, None if spot.line is None else spot.line + 1) for spot in draft.data(content)]
    report = api.lint(tmp_path / name, settings=Settings(executor="serial"))
    wanted = [(finding.code, finding.location.line) for finding in report.findings]
    assert sorted(spots, key=str) == sorted(wanted, key=str)
    messages = {(spot.finding.code, str(spot.finding.args)) for spot in draft.rows(content)}
    assert messages == {(finding.code, str(finding.args)) for finding in report.findings}


def test_a_label_is_respelled_in_all_rows(tmp_path: Path) -> None:
    labels = ["positive", "positive", "Positive", "negative", "negative", "positive", "Positive"]
    content = "".join(row("Is this comment kind?", label) + "\r\n" for label in labels)
    draft = opened(tmp_path, content, select=("BAL004",))
    (spot,) = draft.data(content)
    assert [(edit.line, edit.after) for edit in draft.fixed(content, spot)] == [
        (i, row("Is this comment kind?", "positive") + "\r") for i in (2, 6)
    ]


def test_what_is_accepted_is_not_shown(tmp_path: Path) -> None:
    content = f"{row('a ')}\n{row('a ')}\n{row('b ')}\n"
    file = tmp_path / "data.jsonl"
    file.write_text(f"{row('a ')}\n")
    api.write_baseline(file, tmp_path / "baseline.json", settings=Settings(select=("TXT009",)))
    known = {"select": ("TXT009", "SET001"), "baseline": tmp_path / "baseline.json"}
    draft = opened(tmp_path, content, **known)
    # Of two rows that say the same the baseline knows one.
    assert [spot.line for spot in draft.rows(content)] == [1, 2]
    whole = next(spot for spot in draft.data(content) if spot.finding.code == "SET001")
    draft.suppress("SET001", whole.digest, "few is enough")
    draft.open(content, Settings(**known))
    assert {spot.finding.code for spot in draft.data(content)} == {"TXT009"}
    assert api.lint(file, select=("SET001",)).findings == []
    ignoring = opened(tmp_path, content, select=("TXT009",), per_path_ignores={f"{tmp_path}/*.jsonl": ("TXT",)})
    assert ignoring.data(content) == []


def test_what_was_found_in_all_of_the_data_moves_with_its_lines(tmp_path: Path) -> None:
    content = "\n".join([row("x"), row("y"), row("x"), row("z")]) + "\n"
    draft = opened(tmp_path, content, select=("DUP001",))
    (spot,) = draft.data(content)
    assert (spot.line, spot.finding.args["twin"]) == (2, "line 1")
    (moved,) = draft.rows(f"{row('new')}\n{content}")
    assert (moved.line, moved.finding.args["twin"]) == (3, "line 2")
    assert moved.finding.location.line == 4
    # One that has lost its twin is a duplicate no more.
    assert draft.rows(content.replace(row("x"), row("w"), 1)) == []


def test_an_edit_changes_no_more_than_it_must() -> None:
    text = Text("🦊aXb\nsecond\nthird")
    made = edits(text, [LineEdit(0, "🦊aYYb"), LineEdit(1, None), LineEdit(2, None)])
    assert [(edit.range.start.character, edit.range.end.character, edit.new_text) for edit in made] == [
        (3, 4, "YY"),
        (0, 0, ""),
        (0, 5, ""),
    ]


def test_without_pygls_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsp, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'dsprep\[lsp\]'"):
        lsp.command()
