"""`dsprep config`: which settings are in force, and what may be set."""

from __future__ import annotations

import json
import re

import typer

from dsprep.cli import options

app = typer.Typer(help="Show the settings in force, or the schema of the file.", no_args_is_help=True)


@app.command("show")
def show(config: options.Config = None, isolated: options.Isolated = False) -> None:
    """Print all settings with their values, and the file that they come from, as TOML."""
    from pathlib import Path

    from dsprep.config import load_settings

    settings, file = load_settings(config or (), isolated=isolated, start=Path.cwd(), overrides={})
    typer.echo(f"# {file or 'defaults: no configuration file was found'}")
    data = settings.model_dump(mode="json", by_alias=True)
    tables = {key: value for key, value in data.items() if isinstance(value, dict)}
    for key, value in data.items():
        if value is None:
            typer.echo(f"# {key} is not set")
        elif key not in tables:
            # A JSON string, number, boolean or list of strings is the same in TOML.
            typer.echo(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    for key, table in tables.items():
        if table and all(isinstance(value, dict) for value in table.values()):
            for name, values in table.items():
                typer.echo(f"\n[{key}.{name}]")
                for option, value in values.items():
                    typer.echo(f"{option} = {json.dumps(value, ensure_ascii=False)}")
        elif table:
            typer.echo(f"\n[{key}]")
            for name, value in table.items():
                if value is None:
                    continue
                # What is no bare key of TOML, such as a pattern of paths, stands in quotes.
                quoted = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
                typer.echo(f"{quoted} = {json.dumps(value, ensure_ascii=False)}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of dsprep.toml, for editors."""
    from dsprep.config import Settings

    typer.echo(json.dumps(Settings.model_json_schema(by_alias=True), indent=2))
