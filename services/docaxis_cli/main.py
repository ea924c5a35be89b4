"""The `docaxis` command and the list of its commands."""

import typer

from docaxis_cli import (
    administering,
    counting,
    dead_letters,
    looking_up,
    pinging,
    proving,
    receiving,
    registry,
    running,
    sending,
    simulating,
    subscribing,
    tracing,
    tracking,
    watching,
)

HELP = """Send and receive signed documents between agencies over the docaxis axis.

New here? Run `docaxis demo`: it starts an axis, plays one letter from sender to two recipients,
and tells what to try next.
"""

EXIT_CODES = """Exit codes: 0 done, 1 refused (the axis says why), 2 wrong usage,
3 axis unavailable, 4 a receipt or a file's digest does not prove what it should."""

app = typer.Typer(
    name="docaxis",
    help=HELP,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    # Plain help: loading rich for it would take longer than all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS = (
    ("send", sending.send),
    ("inbox", receiving.inbox),
    ("get", receiving.get),
    ("ack", receiving.ack),
    ("status", receiving.status),
    ("timeline", tracking.timeline),
    ("trace", tracing.trace),
    ("find", looking_up.find),
    ("receipts", looking_up.receipts),
    ("watch", watching.watch),
    ("deliveries", dead_letters.deliveries),
    ("resend", dead_letters.resend),
    ("verify", proving.verify),
    ("organisations", looking_up.organisations),
    ("subscribe", subscribing.subscribe),
    ("subscriptions", subscribing.subscriptions),
    ("unsubscribe", subscribing.unsubscribe),
    ("notifications", subscribing.notifications),
    ("statistics", counting.statistics),
    ("unmatched", counting.unmatched),
    ("whoami", tracking.whoami),
    ("ping", pinging.ping),
    ("token", tracking.token),
    ("demo", running.demo),
    ("simulate", simulating.simulate),
    ("standalone", running.standalone),
    ("rebuild", running.rebuild),
)

for name, command in _COMMANDS:
    app.command(name, epilog=EXIT_CODES)(command)

registry_app = typer.Typer(
    help="The registry's organisations, for its operator.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
registry_app.command("import", epilog=EXIT_CODES)(registry.import_organisations)
app.add_typer(registry_app, name="registry")


app.add_typer(administering.app, epilog=EXIT_CODES)


def main() -> None:
    """Run the command that the arguments name."""
    app()
