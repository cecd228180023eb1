"""The language server: what comes from an editor, and what goes there.

What takes time is done in one thread beside the one that speaks; a text that changes in the meantime makes its result
old, and old results are not shown.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method
from pygls.uris import from_fs_path, to_fs_path

from dsprep.api.failing import sentence
from dsprep.config import ConfigError, Settings, load_settings
from dsprep.editor import messages
from dsprep.editor.drafts import Draft, LineEdit, Spot
from dsprep.editor.texts import Encoding, Text
from dsprep.model.fix import Applicability, DropRow
from dsprep.reports import visible
from dsprep.version import VERSION

T = TypeVar("T")

log = logging.getLogger("dsprep.editor")

#: Endings of what is looked at, and names that editors have for it. Not `.json`: most of those are no data.
ENDINGS: Final = frozenset({".jsonl", ".ndjson", ".jsonlines", ".csv", ".tsv", ".psv"})
LANGUAGES: Final = frozenset({"jsonl", "jsonlines", "ndjson", "json-lines", "csv", "tsv"})

#: Seconds without a keystroke after which new lines are looked at, and the data as a whole.
PAUSE: Final = 0.15
REST: Final = 1.0
#: Of larger texts, the data as a whole is looked at only when it is opened or saved.
SMALL: Final = 1_000_000
#: Larger texts are looked at only when they are opened or saved.
LIVE_LIMIT: Final = 20_000_000

FIX_ALL: Final = "source.fixAll.dsprep"
SUPPRESS: Final = "dsprep.suppress"
SHOW_RULE: Final = "dsprep.showRule"
_REASON: Final = "accepted in the editor"


@dataclass
class Document:
    """A document that is open. `shown` is what the editor was told about `looked`, a text that it had."""

    uri: str
    text: Text
    version: int | None
    draft: Draft
    live: bool = True
    looked: Text | None = None
    shown: list[tuple[Spot | None, types.Diagnostic]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    complaint: str = ""


class _Protocol(LanguageServerProtocol):
    """pygls without its own idea of documents: it takes the separators of Unicode, of which data is full, for line
    ends, and then changes another line than the one that was meant."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class DataServer(LanguageServer):
    """Serves one editor. `config` and `isolated` are as for `load_settings`; `overrides` are settings that win over
    those of files."""

    def __init__(
        self, *, config: Sequence[str] = (), isolated: bool = False, overrides: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__("dsprep", VERSION, protocol_cls=_Protocol)
        self.documents: dict[str, Document] = {}
        self.live_limit = LIVE_LIMIT
        self._config = config
        self._isolated = isolated
        self._overrides = dict(overrides or {})
        # One thread: rules are made for one at a time, and more would only be slower.
        self._pool = ThreadPoolExecutor(1, "dsprep")
        self._folder = tempfile.mkdtemp(prefix="dsprep-lsp-")
        self._complaints: set[str] = set()
        _register(self)

    def close(self) -> None:
        """Leave nothing behind."""
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def configure(self, options: Any) -> None:
        """Take in what the editor wants: `settings` (as in dsprep.toml) and `liveLimit` (bytes)."""
        if not isinstance(options, Mapping):
            return
        own = options.get("settings")
        if isinstance(own, Mapping):
            self._overrides = {**self._overrides, **{str(key).replace("-", "_"): value for key, value in own.items()}}
        limit = options.get("liveLimit")
        if isinstance(limit, int) and limit >= 0:
            self.live_limit = limit

    def settings_for(self, path: str) -> Settings:
        """The settings of a document: those of the configuration file nearest to it, and the editor's. Raises
        ConfigError."""
        folder = Path(path).parent
        start = folder if folder.is_dir() else Path.cwd()
        settings, _ = load_settings(self._config, isolated=self._isolated, start=start, overrides=self._overrides)
        pack = start / settings.pack
        if settings.pack.endswith((".yaml", ".yml")) and pack.is_file():
            # A path in a file is seen from the folder of the file, and given as seen from the document.
            settings = settings.model_copy(update={"pack": os.path.normpath(pack)})
        return settings

    def opened(self, item: types.TextDocumentItem) -> None:
        """A document was opened."""
        path = to_fs_path(item.uri) if item.uri.startswith("file:") else None
        name = path or item.uri.rpartition("/")[2].rpartition(":")[2] or "untitled"
        if Path(name).suffix.lower() not in ENDINGS and item.language_id not in LANGUAGES:
            log.info("%s (%s) is no data that is looked at", visible(item.uri), item.language_id)
            return
        folder = tempfile.mkdtemp(dir=self._folder)
        draft = Draft(path or str(Path.cwd() / name), folder)
        document = Document(item.uri, Text(item.text, self._encoding), item.version, draft)
        document.live = len(item.text) <= self.live_limit
        self.documents[item.uri] = document
        if not document.live:
            size = f"{len(item.text) / 1e6:,.0f} MB"
            self.tell(f"{draft.name} is {size} long: it is looked at when it is saved, not while you type")
        self._start(document, self._look_whole(document))

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """A document was edited."""
        document = self.documents.get(params.text_document.uri)
        if document is None:
            return
        text = document.text
        for change in params.content_changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = change.range.start, change.range.end
                text = text.edited(messages.position_of(start), messages.position_of(end), change.text)
            else:
                text = Text(change.text, text.encoding)
        document.text, document.version = text, params.text_document.version
        if document.live:
            self._start(document, self._look_after_change(document))

    def saved(self, uri: str) -> None:
        """A document was saved."""
        document = self.documents.get(uri)
        if document is not None:
            self._start(document, self._look_whole(document))

    def closed(self, uri: str) -> None:
        """A document was closed: nothing is said of it any more."""
        document = self.documents.pop(uri, None)
        if document is None:
            return
        if document.task is not None:
            document.task.cancel()
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    async def at(self, uri: str, range_: types.Range) -> tuple[Document, list[tuple[Spot, types.Diagnostic]]] | None:
        """The document, and what was found between two places of it as it is now."""
        document = self.documents.get(uri)
        if document is None:
            return None
        if document.looked is not document.text and document.live and document.draft.by_lines:
            await self._guarded(document, self._look_at_rows(document))
        if document.looked is not document.text:
            return document, []
        found = [
            (spot, diagnostic)
            for spot, diagnostic in document.shown
            if spot is not None and _overlap(diagnostic.range, range_)
        ]
        return document, found

    async def in_thread(self, work: Callable[..., T], *args: Any) -> T:
        """What `work` gives, done beside."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show a message in the editor."""
        self.window_show_message(types.ShowMessageParams(kind, visible(message)))

    def complain(self, error: BaseException) -> None:
        """Show what went wrong, each thing once."""
        said = sentence(error)
        if not type(error).__module__.startswith("dsprep."):
            log.error("%s", said, exc_info=error)
        if said not in self._complaints:
            self._complaints.add(said)
            self.tell(said, types.MessageType.Error)

    def workspace_edit(self, document: Document, changes: Sequence[LineEdit]) -> types.WorkspaceEdit:
        """Edits of a document, for the version of it that they were made for."""
        edits = messages.edits(document.text, changes)
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.workspace_edit is not None and workspace.workspace_edit.document_changes:
            which = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
            return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(which, edits)])
        return types.WorkspaceEdit(changes={document.uri: edits})

    async def show_page(self, code: str, page: str) -> None:
        """Show a page in the editor, as a file of its own if it can show files, else as a message."""
        window = self.client_capabilities.window
        if window is not None and window.show_document is not None and window.show_document.support:
            path = Path(self._folder) / f"{code}.md"
            path.write_text(page, "utf-8")
            uri = from_fs_path(str(path))
            assert uri is not None
            await self.window_show_document_async(types.ShowDocumentParams(uri, take_focus=True))
        else:
            self.tell(page)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """What pygls itself could not do goes to the log, and to the user as a sentence."""
        self.complain(error)

    @property
    def _encoding(self) -> Encoding:
        agreed = self.workspace.position_encoding
        if agreed == types.PositionEncodingKind.Utf8:
            return "utf-8"
        return "utf-32" if agreed == types.PositionEncodingKind.Utf32 else "utf-16"

    def _start(self, document: Document, looking: Coroutine[Any, Any, None]) -> None:
        """Look at a document in place of whatever was going on."""
        if document.task is not None:
            document.task.cancel()
        document.task = asyncio.get_running_loop().create_task(self._guarded(document, looking))

    async def _guarded(self, document: Document, looking: Coroutine[Any, Any, None]) -> None:
        try:
            await looking
            document.complaint = ""
        except asyncio.CancelledError:
            raise
        except Exception as error:
            said = sentence(error)
            if isinstance(error, ConfigError) or not type(error).__module__.startswith("dsprep."):
                self.complain(error)
            if said != document.complaint and document.uri in self.documents:
                # What cannot be read at all has nothing else to be told about it.
                document.complaint = said
                self._publish(document, document.text, [(None, messages.plain(said))])

    async def _look_whole(self, document: Document) -> None:
        text, draft = document.text, document.draft
        settings = self.settings_for(draft.path)

        def first() -> list[Spot] | None:
            draft.open(text.content, settings)
            return draft.rows(text.content) if draft.by_lines else None

        spots = await self.in_thread(first)
        if spots is not None:
            self._show(document, text, spots)
        self._show(document, text, await self.in_thread(draft.data, text.content))

    async def _look_at_rows(self, document: Document) -> None:
        text = document.text
        self._show(document, text, await self.in_thread(document.draft.rows, text.content))

    async def _look_after_change(self, document: Document) -> None:
        await asyncio.sleep(PAUSE)
        if document.draft.by_lines:
            await self._look_at_rows(document)
            if len(document.text.content) > SMALL:
                return
        await asyncio.sleep(REST)
        await self._look_whole(document)

    def _show(self, document: Document, text: Text, spots: Sequence[Spot]) -> None:
        for error in document.draft.errors:
            self.complain(RuntimeError(f"rule {error.code} failed on {error.path}: {error.message}"))
        document.draft.errors.clear()
        own = self.client_capabilities.text_document
        wanted = own.publish_diagnostics if own is not None else None
        related = wanted is not None and bool(wanted.related_information)
        found = messages.diagnostics(spots, text, document.draft.meta, document.uri, related=related)
        self._publish(document, text, found)

    def _publish(self, document: Document, text: Text, found: list[tuple[Spot | None, types.Diagnostic]]) -> None:
        if self.documents.get(document.uri) is not document or document.text is not text:
            return
        before = [diagnostic for _, diagnostic in document.shown] if document.looked is text else None
        document.looked, document.shown = text, found
        diagnostics = [diagnostic for _, diagnostic in found]
        if diagnostics == before:
            return
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, diagnostics, document.version)
        )


def _register(server: DataServer) -> None:
    """Say which function answers what."""
    server.feature(types.INITIALIZE)(_initialize)
    server.feature(types.TEXT_DOCUMENT_DID_OPEN)(_did_open)
    server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_did_change)
    server.feature(types.TEXT_DOCUMENT_DID_SAVE, types.SaveOptions(include_text=False))(_did_save)
    server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_did_close)
    server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(_did_change_configuration)
    server.feature(types.TEXT_DOCUMENT_HOVER)(_hover)
    kinds: list[types.CodeActionKind | str] = [types.CodeActionKind.QuickFix, FIX_ALL]
    server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(kinds, resolve_provider=True))(_actions)
    server.feature(types.CODE_ACTION_RESOLVE)(_resolve)
    server.command(SUPPRESS)(_suppress)
    server.command(SHOW_RULE)(_show_rule)


def _initialize(ls: DataServer, params: types.InitializeParams) -> None:
    root = ls.workspace.root_path or next(
        (to_fs_path(folder.uri) for folder in params.workspace_folders or () if folder.uri.startswith("file:")), None
    )
    if root and os.path.isdir(root):
        os.chdir(root)  # names in settings are seen from there, as on the command line
    ls.configure(params.initialization_options)


def _did_open(ls: DataServer, params: types.DidOpenTextDocumentParams) -> None:
    ls.opened(params.text_document)


def _did_change(ls: DataServer, params: types.DidChangeTextDocumentParams) -> None:
    ls.changed(params)


def _did_save(ls: DataServer, params: types.DidSaveTextDocumentParams) -> None:
    ls.saved(params.text_document.uri)


def _did_close(ls: DataServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.closed(params.text_document.uri)


def _did_change_configuration(ls: DataServer, params: types.DidChangeConfigurationParams) -> None:
    own = params.settings.get("dsprep") if isinstance(params.settings, Mapping) else None
    if own is not None:
        ls.configure(own)
        for uri in ls.documents:
            ls.saved(uri)


async def _hover(ls: DataServer, params: types.HoverParams) -> types.Hover | None:
    here = types.Range(params.position, params.position)
    found = await ls.at(params.text_document.uri, here)
    if found is None or not found[1]:
        return None
    document, spots = found
    draft = document.draft
    shown = [spot for spot, _ in spots]
    content = await ls.in_thread(messages.hover, shown, draft.meta, draft.page)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, content), spots[0][1].range)


async def _actions(ls: DataServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    found = await ls.at(params.text_document.uri, params.range)
    if found is None:
        return []
    document, spots = found
    asked = params.context.only
    out: list[types.CodeAction] = []
    try:
        if _wanted(types.CodeActionKind.QuickFix.value, asked):
            for spot, diagnostic in spots:
                out += await _quick_fixes(ls, document, spot, diagnostic)
        if _wanted(FIX_ALL, asked) and _safe(document):
            out.append(await _deferred(ls, document, "Fix all that is safe to fix (dsprep)", FIX_ALL, None))
    except Exception as error:
        ls.complain(error)
    return out


async def _quick_fixes(
    ls: DataServer, document: Document, spot: Spot, diagnostic: types.Diagnostic
) -> list[types.CodeAction]:
    """What can be done about one finding."""
    draft, text = document.draft, document.text
    meta = draft.meta(spot.finding.code)
    name = messages.title(meta)
    kind = types.CodeActionKind.QuickFix
    out: list[types.CodeAction] = []
    if draft.can_fix(spot):
        fix = spot.finding.fix
        assert fix is not None
        safe = fix.applicability is Applicability.SAFE
        changes = await ls.in_thread(draft.fixed, text.content, spot)
        if changes and document.text is text:
            does = "Remove this row" if any(isinstance(edit, DropRow) for edit in fix.edits) else "Fix"
            risk = "" if safe else " (unsafe: it may change the meaning or drop rows)"
            out.append(
                types.CodeAction(
                    f"{does}: {name}{risk}",
                    kind,
                    [diagnostic],
                    is_preferred=safe or None,
                    edit=ls.workspace_edit(document, changes),
                )
            )
            alike = [other for other, _ in document.shown if other and other.finding.code == meta.code]
            if len(alike) > 1 and draft.alone(meta.code):
                every = await _deferred(ls, document, f"Fix every {name} in this file{risk}", kind, spot)
                every.diagnostics = [diagnostic]
                out.append(every)
    arguments = [document.uri, meta.code, spot.digest.hex()]
    out.append(
        types.CodeAction(
            f"Suppress {name} {'of this record' if spot.line is not None else 'in this file'}",
            kind,
            [diagnostic],
            command=types.Command(f"Suppress {name}", SUPPRESS, arguments=arguments),
        )
    )
    out.append(
        types.CodeAction(
            f"Explain {name}",
            kind,
            [diagnostic],
            command=types.Command(f"Explain {name}", SHOW_RULE, arguments=[document.uri, meta.code]),
        )
    )
    return out


async def _deferred(
    ls: DataServer, document: Document, said: str, kind: types.CodeActionKind | str, spot: Spot | None
) -> types.CodeAction:
    """An action whose edit is made when it is chosen, if the editor can wait for it; else at once."""
    code = spot.finding.code if spot is not None else None
    unsafe = bool(spot and spot.finding.fix and spot.finding.fix.applicability is Applicability.UNSAFE)
    data = {"uri": document.uri, "version": document.version, "code": code, "unsafe": unsafe}
    action = types.CodeAction(said, kind, data=data)
    own = ls.client_capabilities.text_document
    able = own.code_action.resolve_support if own is not None and own.code_action is not None else None
    return action if able is not None and "edit" in able.properties else await _resolve(ls, action)


async def _resolve(ls: DataServer, action: types.CodeAction) -> types.CodeAction:
    data = action.data if isinstance(action.data, Mapping) else {}
    document = ls.documents.get(str(data.get("uri")))
    if document is None or data.get("version") != document.version:
        return action  # the text is another one now, and the editor asks again
    text = document.text
    code, unsafe = data.get("code"), bool(data.get("unsafe"))
    try:
        changes = await ls.in_thread(lambda: document.draft.all_fixed(text.content, code, unsafe=unsafe))
        if document.text is text:
            action.edit = ls.workspace_edit(document, changes)
    except Exception as error:
        ls.complain(error)
    return action


async def _suppress(ls: DataServer, uri: str, code: str, digest: str) -> None:
    document = ls.documents.get(uri)
    if document is None:
        return
    try:
        file = await ls.in_thread(document.draft.suppress, code, bytes.fromhex(digest), _REASON)
    except Exception as error:
        ls.complain(error)
        return
    ls.tell(f"{code} is suppressed there; {os.path.basename(file)} says so, and has room for a reason")
    ls.saved(uri)


async def _show_rule(ls: DataServer, uri: str, code: str) -> None:
    document = ls.documents.get(uri)
    if document is None:
        return
    try:
        await ls.show_page(code, await ls.in_thread(document.draft.page, code))
    except Exception as error:
        ls.complain(error)


def _safe(document: Document) -> bool:
    """Whether anything in a document can be fixed without being asked for by itself."""
    draft = document.draft
    return any(
        spot is not None and draft.alone(spot.finding.code) and draft.can_fix(spot) and draft.allowed(spot.finding)
        for spot, _ in document.shown
    )


def _wanted(kind: str, asked: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether actions of a kind are asked for; kinds are parts of kinds: `source` asks for `source.fixAll`."""
    names = [str(getattr(one, "value", one)) for one in asked or ()]
    return not names or any(kind == name or kind.startswith(f"{name}.") for name in names)


def _overlap(a: types.Range, b: types.Range) -> bool:
    return _key(a.start) <= _key(b.end) and _key(b.start) <= _key(a.end)


def _key(position: types.Position) -> tuple[int, int]:
    return position.line, position.character


def serve(*, config: Sequence[str] = (), isolated: bool = False, overrides: Mapping[str, Any] | None = None) -> None:
    """Serve the editor at standard input and output until it goes. What anything else prints goes to standard error."""
    wire: BinaryIO = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = DataServer(config=config, isolated=isolated, overrides=overrides)
    try:
        server.start_io(stdout=wire)
    finally:
        server.close()
