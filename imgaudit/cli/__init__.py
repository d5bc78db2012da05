"""The command line: one file a command. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from imgaudit import __version__

EXIT_INTERNAL = 2
EXIT_INTERRUPTED = 130


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the files beside this one."""
        return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = typer.main.get_command(importlib.import_module(f"{__name__}.{cmd_name}").app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyGroup,
    name="imgaudit",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Audit generated images: publish, edit or reject, with the evidence.",
    epilog="Example: imgaudit audit posters/ --out runs/posters",
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"imgaudit {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    no_plugins: bool = typer.Option(False, "--no-plugins", help="Load no plug-ins from other packages."),
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    if no_plugins:
        from imgaudit.registry import forbid_plugins

        forbid_plugins()


def main() -> None:
    """Run the command line; every failure is a sentence and an exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run with these arguments and return the exit code; see design for what each code means."""
    try:
        result = app(arguments, standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except TyperException as error:
        typer.echo(f"imgaudit: {error.format_message()} See imgaudit --help", err=True)
        return EXIT_INTERNAL
    except BrokenPipeError:
        return EXIT_INTERNAL
    except Exception as error:
        if "--debug" in arguments:
            raise
        _explain(error)
        return EXIT_INTERNAL
    if result == EXIT_INTERRUPTED:  # typer turns Ctrl-C into this, without a word
        return _interrupted()
    return result if isinstance(result, int) else 0


def _interrupted() -> int:
    typer.echo("interrupted; nothing finished is lost: the same command continues", err=True)
    return EXIT_INTERRUPTED


def _explain(error: Exception) -> None:
    import errno

    from imgaudit.errors import ImgauditError
    from imgaudit.reporters._shared import visible

    if isinstance(error, ImgauditError):
        text = str(error)
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        text = "the disk is full; what was finished is kept. Free some space and give the same command again"
    elif isinstance(error, OSError):
        text = f"{error.filename or 'a file'}: {error.strerror or error}"
    else:
        text = f"something unexpected went wrong: {type(error).__name__}: {error}. Put --debug first to see where"
    typer.echo(f"imgaudit: {visible(text)}", err=True)
