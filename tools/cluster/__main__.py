"""`python -m tools.cluster`: servers on this machine, for people.

A command is a function in a module of its own; this one lists them.
"""

import typer

from tools.cluster import commands

app = typer.Typer(
    help="Kafka, a MongoDB-compatible and an S3-compatible server on this machine, without Docker.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("fetch")(commands.fetch)
app.command("servers")(commands.servers)

if __name__ == "__main__":
    app(prog_name="python -m tools.cluster")
