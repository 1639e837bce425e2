"""The entry point: the commands, and how errors reach a person."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

import click

import barograph
from barograph.cli.alerts import alerts
from barograph.cli.check import check
from barograph.cli.compare import compare
from barograph.cli.config import config
from barograph.cli.data import data
from barograph.cli.demo import demo
from barograph.cli.eval import evaluate
from barograph.cli.explain import explain
from barograph.cli.export import export
from barograph.cli.plot import plot
from barograph.cli.report import report
from barograph.cli.rules import rules
from barograph.cli.serve import serve
from barograph.cli.sweep import sweep
from barograph.cli.train import train
from barograph.cli.watch import watch
from barograph.console.terminal import clean
from barograph.core.errors import BarographError, ConfigurationError, Interrupted
from barograph.core.plugins import PluginWarning

__all__ = ["COMMANDS", "main"]

#: Exit codes, the same for every command.
FAILED, USAGE, FINDINGS, INTERRUPTED = 1, 2, 3, 130

COMMANDS: tuple[click.Command, ...] = (
    check,
    data,
    config,
    watch,
    serve,
    compare,
    evaluate,
    plot,
    report,
    train,
    sweep,
    explain,
    rules,
    export,
    alerts,
    demo,
)


@click.group(
    commands=list(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 failed, 2 usage, 3 findings at or above --fail-on, 130 interrupted.",
)
@click.version_option(barograph.__version__, "-V", "--version", prog_name="barograph")
def cli() -> None:
    """Say whether a preference-tuning or RLHF run is healthy, and why.

    \b
      barograph check runs/kto             judge a run as it lies on disk
      barograph data pairs.jsonl           is this data fit to be trained on?
      barograph config kto.toml            are these settings fit to train with?
      barograph watch runs/kto             follow it while it is written
      barograph report runs/kto            the same as one HTML file, with charts
      barograph train dpo                  train by a recipe, watched
      barograph explain rewards/margins    what a metric means and how it should behave
      barograph explain PREF03             what a rule sees, why it happens, what to do
    """  # noqa: D301 - click looks for the backspace itself


def _show_plugin_warnings() -> None:
    """What is wrong with another package is said in one line, once, and is never an error."""
    import warnings

    warnings.simplefilter("default", PluginWarning)
    as_python_does = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PluginWarning):
            click.echo(f"barograph: {clean(str(message))}", err=True)
        else:
            as_python_does(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def main() -> None:  # noqa: C901, PLR0912 - one branch for each way to end
    """Run the command line. Errors a user can mend are one line; a traceback is a bug of ours."""
    _show_plugin_warnings()
    # Columns are worked through in small blocks: threads for matrices would cost more than they bring.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed by the caller: there is nobody to read the answer
            sys.exit(FAILED)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may hold what the terminal cannot show
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = USAGE
    except click.Abort:
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except Interrupted as error:
        click.echo(f"barograph: {clean(str(error))}", err=True)
        code = INTERRUPTED
    except ConfigurationError as error:
        click.echo(f"barograph: {clean(str(error))}", err=True)
        code = USAGE
    except BarographError as error:
        click.echo(f"barograph: {clean(str(error))}", err=True)
        code = FAILED
    except MemoryError:
        click.echo("barograph: this input is larger than the memory; pass a file or a part of it", err=True)
        code = FAILED
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: not an error, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"barograph: {clean(f'{where}{error.strerror or error}')}", err=True)
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
