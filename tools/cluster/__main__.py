"""`python -m tools.cluster`: an axis, or its servers alone, on this machine, for people.

A command is a function in a module of its own; this one lists them.
"""

import typer

from tools.cluster import commands
from tools.cluster.up import up

app = typer.Typer(
    help="A whole axis on this machine, with Kafka, MongoDB and S3, without Docker.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("fetch")(commands.fetch)
app.command("servers")(commands.servers)
app.command("up")(up)

if __name__ == "__main__":
    app(prog_name="python -m tools.cluster")
