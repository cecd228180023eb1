"""Texts made of columns: a column, a fixed text, or a sandboxed Jinja template.

A template may come from a configuration file that somebody else wrote, and its columns from anywhere, so it can reach
no file, no attribute of Python's own and no memory beyond a limit.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from dsprep.text.labels import mapped_label
from dsprep.text.tokens import known_encoding, token_counter
from dsprep.text.web_pages import unmarked

#: The longest text that a template may make, in characters.
MAX_RENDERED: Final = 4 << 20

#: The longest time that a template may take for a row, and when that is up for the row at hand.
MAX_SECONDS: Final = 5
_END: Final[ContextVar[float]] = ContextVar("end", default=math.inf)
#: The filter that counts the steps of loops. No name that a template can write.
_STEPS: Final = " steps"

#: The name under which a template sees its whole row: `{{ row["Review text"] }}`.
ROW: Final = "row"

_BRACES: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_PLAIN_BRACES: Final = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_NAME: Final = re.compile(r"[^\W\d]\w*")
_FILTERS: Final = (
    "abs capitalize count d default dictsort first float int items join last length list lower map max min reject "
    "rejectattr replace reverse round select selectattr sort string striptags sum title tojson trim truncate "
    "unique upper wordcount"
)
#: Methods of strings whose result may be as long as a number in the template says.
_GROWING: Final = frozenset({"center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"})


class TemplateError(ValueError):
    """A template that cannot be used, or could not be filled for some row; says why."""


class MissingColumn(TemplateError):  # noqa: N818 - says what is missing, as a KeyError does
    """A row has no such column, which is the argument."""


class Template:
    """A text with columns in it.

    `text` may be the name of one of the `columns`; else whatever stands in `{{ }}` and `{% %}` is Jinja, with the
    columns as variables, and the rest is text, in which `\\n` and `\\t` stand for what they do in most languages.
    Raises TemplateError if it cannot be understood, or names a column that there is not (`columns` of None means that
    they are not known). `used` are the columns that occur in it.
    """

    def __init__(self, text: str, columns: Collection[str] | None = None) -> None:
        self.text = text
        self.columns = None if columns is None else tuple(columns)
        self._render: Callable[[Mapping[str, Any]], str] | None = None
        self._parts: list[tuple[bool, str]] | None
        if columns is not None and text in columns:
            self._parts = [(True, text)]
        else:
            self._parts = _plain_parts(_unescaped(text), self.columns)
        if self._parts is not None:
            self.used: tuple[str, ...] = tuple(dict.fromkeys(name for is_column, name in self._parts if is_column))
        else:
            self.used = self._checked()
        unknown = [name for name in self.used if columns is not None and name not in columns]
        if unknown:
            raise TemplateError(f"there is no column {unknown[0]!r}{_known(unknown[0], self.columns or ())}")

    @property
    def column(self) -> str | None:
        """The column that the text is, if it is one and nothing else."""
        parts = self._parts
        return parts[0][1] if parts is not None and len(parts) == 1 and parts[0][0] else None

    @property
    def constant(self) -> str | None:
        """The text, if it is the same for all rows."""
        parts = self._parts
        if parts is None or any(is_column for is_column, _ in parts):
            return None
        return "".join(text for _, text in parts)

    @property
    def plain(self) -> bool:
        """Whether it is texts and columns put together, and no Jinja."""
        return self._parts is not None

    @property
    def says_something(self) -> bool:
        """Whether a plain one gives more than white space for every row, whatever is in its cells."""
        return any(not is_column and text and not text.isspace() for is_column, text in self._parts or ())

    def render(self, row: Mapping[str, Any]) -> str:
        """The text for `row`. Raises MissingColumn, or TemplateError if Jinja fails on its values."""
        if self._render is None:
            # Made on first use in each process: compiled templates do not travel between them.
            self._render = self._compiled()
        return self._render(row)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_render": None}

    def _compiled(self) -> Callable[[Mapping[str, Any]], str]:
        parts = self._parts
        if parts is None:
            return self._jinja()
        if len(parts) == 1:
            is_only_column, only = parts[0]
            return (lambda row: as_text(_cell(row, only))) if is_only_column else (lambda row: only)
        return lambda row: "".join([as_text(_cell(row, text)) if is_column else text for is_column, text in parts])

    def _source(self) -> str:
        """The template with columns whose names are no names to Jinja written as it understands them."""

        def replaced(match: re.Match[str]) -> str:
            inner = match.group(1)
            known = self.columns is not None and inner in self.columns
            return f"{{{{ {ROW}[{json.dumps(inner)}] }}}}" if known else match.group()

        return _BRACES.sub(replaced, _unescaped(self.text))

    def _checked(self) -> tuple[str, ...]:
        import jinja2
        from jinja2 import meta, nodes

        try:
            tree = _environment().parse(self._source())
        except jinja2.TemplateSyntaxError as error:
            names = f"; the columns are: {_listed(self.columns)}" if self.columns else ""
            raise TemplateError(f"{error.message} (in line {error.lineno} of the template){names}") from error
        for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
            name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
            if isinstance(name, str) and name.startswith("_") and not self._is_column(node, name):
                raise TemplateError(f"{name!r} is not for templates: they see columns and nothing behind them")
        if any(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends))):
            raise TemplateError("templates cannot load other templates")
        for filtered in tree.find_all(nodes.Filter):
            if filtered.name not in _environment().filters:
                known = ", ".join(sorted(set(_environment().filters) - {_STEPS}))
                raise TemplateError(f"there is no filter {filtered.name!r}; there are: {known}")
        named = meta.find_undeclared_variables(tree) - {ROW, "range"}
        subscripts = [
            node.arg.value
            for node in tree.find_all(nodes.Getitem)
            if _is_row(node.node) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
        ]
        attributes = [node.attr for node in tree.find_all(nodes.Getattr) if _is_row(node.node)]
        in_order = sorted(named, key=lambda name: (self.text.find(name), name))
        return tuple(dict.fromkeys([*in_order, *subscripts, *attributes]))

    def _is_column(self, node: Any, name: str) -> bool:
        return _is_row(node.node) and self.columns is not None and name in self.columns

    def _jinja(self) -> Callable[[Mapping[str, Any]], str]:
        import jinja2
        from jinja2.exceptions import SecurityError

        template = _environment().from_string(self._source())

        def render(row: Mapping[str, Any]) -> str:
            pieces: list[str] = []
            size = 0
            _END.set(time.monotonic() + MAX_SECONDS)
            try:
                for piece in template.generate({**row, ROW: row}):
                    pieces.append(piece)
                    size += len(piece)
                    if size > MAX_RENDERED:
                        raise TemplateError(f"the text is longer than {MAX_RENDERED:,} characters")
            except jinja2.UndefinedError as error:
                raise _undefined(error, self.used, row) from error
            except SecurityError as error:
                raise TemplateError(f"not allowed: {error}") from error
            except TemplateError:
                raise
            except Exception as error:  # whatever an expression does to values that it was not written for
                raise TemplateError(f"{type(error).__name__}: {error}") from error
            return "".join(pieces)

        return render


def as_text(value: Any) -> str:
    """A cell as text: nothing for a missing one, JSON for what is neither text nor number."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if type(value) in (dict, list, bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def lettered(items: Any) -> str:
    """The items of a list, one a line, with letters before them: a filter for the options of a question."""
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise TemplateError("the filter 'lettered' wants a list")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "\n".join(
        f"{letters[i] if i < len(letters) else i + 1}. {as_text(item)}" for i, item in enumerate(items[:1000])
    )


def strip_html(text: Any) -> str:
    """A text without tags, with entities resolved and a line end where a block ends: a filter for cells of scrapes."""
    return unmarked(as_text(text))


def truncate_tokens(text: Any, count: int, encoding: str = "cl100k_base") -> str:
    """The first `count` tokens of a text, without a part of a character: a filter."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise TemplateError("the filter 'truncate_tokens' wants a number of tokens")
    plain = as_text(text)
    # No token has less than a character.
    return plain if len(plain) <= count else plain[: token_counter(known_encoding(encoding)).offset(plain, count)]


def one_of(key: Any, *choices: Any) -> Any:
    """One of several texts, chosen by `key` alone: `{{ id | one_of("Classify:", "Which class is this?") }}` gives a row
    the same one in every run."""
    if len(choices) == 1 and isinstance(choices[0], Sequence) and not isinstance(choices[0], str):
        choices = tuple(choices[0])
    if not choices:
        raise TemplateError("the filter 'one_of' wants something to choose from")
    digest = hashlib.blake2b(as_text(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return choices[int.from_bytes(digest, "little") % len(choices)]


def map_labels(value: Any, labels: Any, otherwise: Any = None) -> Any:
    """What `labels` has for a value: `{{ stars | map_labels({"1-2": "bad", "3": "so-so", "4-5": "good"}) }}`. A range
    of numbers has both of its ends. What is not there stays as it is, or becomes `otherwise`."""
    if not isinstance(labels, Mapping):
        raise TemplateError("the filter 'map_labels' wants an object such as {'1-2': 'bad'}")
    return mapped_label(as_text(value), labels, value if otherwise is None else otherwise)


def from_json(text: Any) -> Any:
    """The value of a cell that holds JSON: a filter. Raises TemplateError for what is none."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        raise TemplateError(f"the cell holds no JSON: {error}") from error


def _unescaped(text: str) -> str:
    """`\\n` and `\\t`, which no shell makes a line end or a tab in single quotes, as what they stand for."""
    return text.replace("\\n", "\n").replace("\\t", "\t")


def _plain_parts(text: str, columns: Collection[str] | None) -> list[tuple[bool, str]] | None:
    """`text` as pieces (is it a column, text or name), or None if it needs Jinja."""
    if "{%" in text or "{#" in text:
        return None
    parts: list[tuple[bool, str]] = []
    at = 0
    for match in _PLAIN_BRACES.finditer(text):
        name = match.group(1)
        if not (name in columns if columns is not None else _NAME.fullmatch(name)):
            return None
        if match.start() > at:
            parts.append((False, text[at : match.start()]))
        parts.append((True, name))
        at = match.end()
    rest = text[at:]
    if rest or not parts:
        parts.append((False, rest))
    if any("{{" in piece for is_column, piece in parts if not is_column):
        return None
    return parts


def _cell(row: Mapping[str, Any], name: str) -> Any:
    try:
        return row[name]
    except KeyError:
        raise MissingColumn(name) from None


def _known(name: str, columns: Sequence[str]) -> str:
    if not columns:
        return "; there are no columns"
    close = difflib.get_close_matches(name, columns, 1, 0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint}; the columns are: {_listed(columns)}"


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:40]) + (f" and {len(columns) - 40} more" if len(columns) > 40 else "")


def _is_row(node: Any) -> bool:
    return getattr(node, "name", None) == ROW


def _undefined(error: Exception, used: Sequence[str], row: Mapping[str, Any]) -> TemplateError:
    missing = [name for name in used if name not in row]
    return MissingColumn(missing[0]) if missing else TemplateError(str(error))


@cache
def _environment() -> Any:
    """The one sandbox; made on first use, because Jinja takes 30 ms to import."""
    import jinja2
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**", "%"})

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return attr not in _GROWING and super().is_safe_attribute(obj, attr, value)

        def wrap_str_format(self, value: Any) -> None:
            # Jinja lets texts be formats, with care for attributes but none for widths; here they are not at all.
            return None

        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            tree = super()._parse(source, name, filename)
            for loop in list(tree.find_all(jinja2.nodes.For)):
                loop.iter = jinja2.nodes.Filter(loop.iter, _STEPS, [], [], None, None, lineno=loop.lineno)
            return tree

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
            # What multiplies texts, or makes numbers of any length, can fill the memory from ten characters.
            if not numbers or operator == "**" or max(abs(left), abs(right)) > 1 << 64:
                raise SecurityError(f"the operator {operator} is for numbers of usual size")
            return super().call_binop(context, operator, left, right)

    environment = Sandbox(
        undefined=jinja2.StrictUndefined,
        finalize=as_text,
        autoescape=False,  # the output is training text, not a page
        keep_trailing_newline=True,
        loader=None,
    )
    known = dict(environment.filters)
    environment.filters.clear()
    environment.filters.update({name: known[name] for name in _FILTERS.split()}, lettered=lettered)
    own = (strip_html, truncate_tokens, one_of, map_labels, from_json)
    environment.filters.update({function.__name__: function for function in own})
    environment.filters[_STEPS] = _steps
    environment.globals.clear()
    environment.globals["range"] = _short_range
    return environment


def _steps(items: Iterable[Any]) -> Iterator[Any]:
    """What a loop goes through, as long as the time of the template is not up: loops in loops need not print anything
    to take for ever."""
    for item in items:
        if time.monotonic() > _END.get():
            raise TemplateError(f"the template takes longer than {MAX_SECONDS} seconds for a row")
        yield item


def _short_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > 1000:
        raise TemplateError("a range of more than 1,000 numbers")
    return numbers
