"""Inputs that URLs name: the same report as for files, read in ranges by whoever works, and errors in one sentence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep import api
from dsprep.engine.folding import fold
from dsprep.engine.writing import encoded
from dsprep.model.source import InputError
from dsprep.opening import is_url, opened, ranged, resolved, shown, size
from dsprep.reports import json as as_json


def _chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


ROWS = [_chat(f"What is {i} and twice {i % 30}?", f"It is {i % 30} for all that is known.") for i in range(2000)]
LINES = b"".join(encoded(row) + b"\n" for row in [*ROWS, *ROWS[:20]]) + b'{"messages": [\n'
ARRAY = encoded(ROWS[:60])
TABLE = b"question,answer\n" + b"".join(b"What is %d?,It is %d.\n" % (i, i) for i in range(80))


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of what is in `server.files`, with ranges unless the path begins with /whole/."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/secret/"):
            self._send(403, b"", {}, body)
            return
        data = self.server.files.get(path.replace("/whole/", "/"))
        if data is None:
            self._send(404, b"", {}, body)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and not path.startswith("/whole/"):
            start, end = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
            if start >= len(data):
                self._send(416, b"", {}, body)
                return
            self.server.ranges.append((start, end))
            found = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
            self._send(206, data[start:end], found, body)
            return
        self._send(200, data, {"Accept-Ranges": "bytes"}, body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"/data.jsonl": LINES, "/array.json": ARRAY, "/table.csv": TABLE, "/empty.jsonl": b""}
        self.ranges: list[tuple[int, int]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    made = _Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, data in (("data.jsonl", LINES), ("array.json", ARRAY), ("table.csv", TABLE)):
        (tmp_path / name).write_bytes(data)
        fsspec.filesystem("memory").pipe_file(f"/{name}", data)
    return tmp_path


def _said(report: Any, name: str) -> Any:
    """The report as data, the file called by its name alone."""
    return json.loads(re.sub(rb'"[^"]*/' + re.escape(name.encode()), b'"' + name.encode(), as_json.dumps(report)))


@pytest.mark.parametrize("name", ["data.jsonl", "array.json", "table.csv"])
def test_every_format_is_read_from_every_kind_of_url(name: str, files: Path, server: _Server) -> None:
    expected = _said(api.lint(files / name, executor="serial"), name)
    for url in (f"memory://{name}", f"file://{files / name}", f"{server.url}/{name}"):
        assert _said(api.lint(url, executor="serial"), name) == expected, url
    assert expected["inputs"][0]["sha256"]


def test_workers_fetch_their_shards_and_no_more(files: Path, server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fold.__kwdefaults__, "shard_bytes", 30_000)
    expected = _said(api.lint(files / "data.jsonl", executor="serial"), "data.jsonl")
    server.ranges.clear()
    report = api.lint(f"{server.url}/data.jsonl", executor="processes", workers=2)
    assert _said(report, "data.jsonl") == expected
    assert sum(start > 0 for start, _ in server.ranges) >= len(LINES) // 60_000
    # Once to know its format, once to plan, once by the workers, and some rows again to compare them.
    assert sum(end - start for start, end in server.ranges) < 4 * len(LINES)


def test_ray_workers_read_urls(files: Path, server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsprep.executors.ray import disconnect

    monkeypatch.setitem(fold.__kwdefaults__, "shard_bytes", 30_000)
    expected = _said(api.lint(files / "data.jsonl", executor="serial"), "data.jsonl")
    try:
        for url in (f"{server.url}/data.jsonl", f"file://{files / 'data.jsonl'}"):
            assert _said(api.lint(url, executor="ray", workers=2), "data.jsonl") == expected
    finally:
        disconnect()


def test_prepare_and_convert_read_urls(files: Path, server: _Server, tmp_path: Path) -> None:
    for name, source in (("file", files / "table.csv"), ("url", f"{server.url}/table.csv")):
        api.prepare(source, tmp_path / name, executor="serial")
        api.convert(source, tmp_path / f"{name}.jsonl", executor="serial")
    assert (tmp_path / "url/train.jsonl").read_bytes() == (tmp_path / "file/train.jsonl").read_bytes()
    assert (tmp_path / "url.jsonl").read_bytes() == (tmp_path / "file.jsonl").read_bytes() != b""


def test_the_command_line_leaves_urls_as_they_are(files: Path, server: _Server) -> None:
    done = _run("lint", f"{server.url}/data.jsonl", "--isolated", "--workers", "1", "--output-format", "concise")
    assert done.returncode == 1
    assert f"{server.url}/data.jsonl:2021:" in done.stdout
    done = _run("prepare", f"{server.url}/data.jsonl", "--isolated", "--out", "s3://bucket/prepared")
    assert (done.returncode, done.stderr) == (
        2,
        "error: s3://bucket/prepared is a URL, and results are written to folders; write to one and copy it\n",
    )


def test_what_may_be_secret_in_a_url_is_not_shown(server: _Server) -> None:
    url = f"{server.url.replace('//', '//user:password@')}/data.jsonl?signature=secret"
    text = as_json.dumps(api.lint(url, executor="serial"))
    assert b"secret" not in text
    assert b"password" not in text
    with pytest.raises(InputError) as error:
        api.lint(url.replace("data", "other"), executor="serial")
    assert str(error.value) == f"{server.url}/other.jsonl: there is no such file"


def test_an_empty_file_is_empty(server: _Server) -> None:
    report = api.lint(f"{server.url}/empty.jsonl", executor="serial")
    assert next(summary.meta.code for summary in report.summaries) == "ENC009"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("{server}/missing.jsonl", "{server}/missing.jsonl: there is no such file"),
        ("{server}/secret/data.jsonl", "{server}/secret/data.jsonl cannot be read: permission denied"),
        ("memory://missing.jsonl", "memory://missing.jsonl: there is no such file"),
        ("http://127.0.0.1:1/a.jsonl", "http://127.0.0.1:1/a.jsonl cannot be read: Client.*annot connect.*"),
        ("abc://a/b.jsonl", "abc://a/b.jsonl: nothing installed reads URLs that begin with abc://"),
        ("hdfs2://a/b.jsonl", "hdfs2://a/b.jsonl: nothing installed reads .*"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(url: str, sentence: str, server: _Server) -> None:
    with pytest.raises(InputError) as error:
        api.lint(url.format(server=server.url), executor="serial")
    assert re.fullmatch(sentence.format(server=re.escape(server.url)), str(error.value)), str(error.value)


def test_a_server_without_ranges_is_found_out(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fold.__kwdefaults__, "shard_bytes", 30_000)
    with pytest.raises(InputError, match="the server does not give out parts of a file; download it first"):
        api.lint(f"{server.url}/whole/data.jsonl", executor="serial")


def test_packages_that_are_missing_are_named() -> None:
    done = _run("lint", "memory://a.jsonl", "--isolated", missing="fsspec")
    assert (done.returncode, done.stdout) == (2, "")
    assert "which is not installed: pip install 'dsprep[remote]'" in done.stderr
    done = _run("lint", "http://127.0.0.1:1/a.jsonl", "--isolated", missing="aiohttp")
    assert done.returncode == 2
    assert re.fullmatch(r"error: http://127.0.0.1:1/a.jsonl cannot be read without another package: .*\n", done.stderr)


def test_a_url_is_not_fixed_in_place(files: Path) -> None:
    with pytest.raises(InputError, match="is not fixed in place"):
        api.fix("memory://data.jsonl")


def test_a_url_is_named_once() -> None:
    with pytest.raises(InputError, match="named twice"):
        api.lint(["memory://a.jsonl", "memory://a.jsonl"])


def _run(*arguments: str, missing: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules.update({{{missing!r}: None}} if {missing!r} else {{}}); "
    code += f"sys.argv = ['dsprep', *{arguments!r}]; from dsprep.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120, env=None
    )


@given(data=st.binary(max_size=200), start=st.integers(0, 220), length=st.none() | st.integers(1, 220))
def test_a_url_is_read_as_a_file_is(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: int, length: int | None
) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes"
    file.write_bytes(data)
    fsspec.filesystem("memory").pipe_file("/bytes", data)
    assert size("memory://bytes") == size(str(file)) == len(data)
    with opened("memory://bytes") as one, opened(str(file)) as other:
        assert one.readlines() == other.readlines()
        assert one.seek(start) == other.seek(start)
        assert one.read() == other.read()
    with ranged("memory://bytes", start, length) as one, ranged(str(file), start, length) as other:
        wanted = 300 if length is None else length
        assert one.read(wanted) == other.read(wanted)


def test_what_a_url_is() -> None:
    assert all(map(is_url, ["s3://a/b", "gs://a", "HTTPS://a", "file:///a", "abfs+x://a"]))
    assert not any(map(is_url, ["a.jsonl", "/a//b", "C://a", "://a", "-", "a:b", Path("s3://a")]))
    assert shown("https://user:word@host:1/a/b.jsonl?x=y#z") == "https://host:1/a/b.jsonl"
    assert shown("a?b.jsonl") == "a?b.jsonl"
    assert resolved("s3://a/../b") == "s3://a/../b"
