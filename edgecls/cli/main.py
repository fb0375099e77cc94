"""The `edgecls` command: gathers the verbs and turns errors into lines and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edgecls import __version__
from edgecls.cli import adversarial as adversarial_verb
from edgecls.cli import benchmark as benchmark_verb
from edgecls.cli import boards as boards_verb
from edgecls.cli import bundle as bundle_verbs
from edgecls.cli import calibrate as calibrate_verb
from edgecls.cli import classify as classify_verb
from edgecls.cli import compare as compare_verb
from edgecls.cli import config as config_verbs
from edgecls.cli import data as data_verbs
from edgecls.cli import demo as demo_verb
from edgecls.cli import doctor as doctor_verb
from edgecls.cli import engine as engine_verbs
from edgecls.cli import evaluate as evaluate_verb
from edgecls.cli import events as events_verbs
from edgecls.cli import flash as flash_verb
from edgecls.cli import output
from edgecls.cli import push as push_verb
from edgecls.cli import quantize as quantize_verb
from edgecls.cli import run as run_verb
from edgecls.cli import select as select_verb
from edgecls.cli import train as train_verb
from edgecls.cli import tune as tune_verb
from edgecls.cli import user as user_verbs
from edgecls.cli import watch as watch_verb
from edgecls.cli import wheelhouse as wheelhouse_verb
from edgecls.errors import EdgeclsError, MissingDependencyError
from edgecls.plugins import INSTALL_HINTS

BUG = 70
INTERRUPTED = 130

app = typer.Typer(
    name="edgecls",
    help="Put image classifiers on small cameras. Start with: edgecls demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 gate not met, 2 usage or config, 3 missing dependency or hardware, "
    "4 operation failed, 70 bug, 130 interrupted.",
)


app.command("classify")(classify_verb.classify)
app.add_typer(bundle_verbs.app, name="bundle")
app.command("run")(run_verb.run)
app.command("demo")(demo_verb.demo)
app.command("watch")(watch_verb.watch)
app.command("tune")(tune_verb.tune)
app.add_typer(events_verbs.app, name="events")
app.add_typer(user_verbs.app, name="user")
app.command("evaluate")(evaluate_verb.evaluate)
app.command("benchmark")(benchmark_verb.benchmark)
app.command("select")(select_verb.select)
app.command("compare")(compare_verb.compare)
app.add_typer(data_verbs.app, name="data")
app.command("train")(train_verb.train)
app.command("calibrate")(calibrate_verb.calibrate)
app.command("quantize")(quantize_verb.quantize)
app.command("adversarial")(adversarial_verb.adversarial)
app.add_typer(engine_verbs.app, name="engine")
app.add_typer(config_verbs.app, name="config")
app.command("boards")(boards_verb.boards)
app.command("doctor")(doctor_verb.doctor)
app.command("wheelhouse")(wheelhouse_verb.wheelhouse)
app.command("flash")(flash_verb.flash)
app.command("push")(push_verb.push)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgecls {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print and exit."),
    ] = False,
) -> None:
    del version  # handled by its callback


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; return its exit code. A bug prints its traceback and gives 70."""
    try:
        app(arguments, prog_name="edgecls")
    except SystemExit as stop:  # typer's own end: 0, 2 for usage, 130 for Ctrl-C, or a verb's code
        return stop.code if isinstance(stop.code, int) else 0
    except EdgeclsError as error:
        output.complain(error.message, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except ModuleNotFoundError as error:
        return _missing_library(error)
    except Exception:
        return _bug()
    return 0


def _missing_library(error: ModuleNotFoundError) -> int:
    """Name the extra that brings a library which a verb imports; any other missing one is a bug."""
    library = (error.name or "").partition(".")[0]
    if library not in INSTALL_HINTS:
        return _bug()
    hint = INSTALL_HINTS[library]
    output.complain(f"this needs the library {library!r}, which is not installed", hint)
    return MissingDependencyError.exit_code


def _bug() -> int:
    sys.excepthook(*sys.exc_info())
    output.complain("this is a bug in edgecls: please report the traceback above", None)
    return BUG
