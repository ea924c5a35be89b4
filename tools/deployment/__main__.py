"""`python -m tools.deployment check`, and `topics`, which writes the file of Kafka's topics."""

import os
import sys

import typer

from tools.deployment import check as checks
from tools.deployment import kubernetes, topics

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.command()
def check() -> None:
    """Hold Compose file and manifests against the code; exit code 1 where they disagree.

    Without kubectl or kustomize only what needs none is checked, and that is told; in CI it is a
    failure.
    """
    problems = [*checks.compose_problems(), *checks.topic_file_problems()]
    if kubernetes.renderer():
        problems += checks.kubernetes_problems()
    elif os.environ.get("CI"):
        problems.append("kubectl is missing: manifests are not rendered, which CI does not accept")
    else:
        sys.stderr.write(
            "skipped: kubectl is missing, so the manifests of deploy/k8s are not rendered and not"
            " checked. It needs no cluster: https://kubernetes.io/docs/tasks/tools/\n"
        )
    for each in problems:
        sys.stderr.write(f"{each}\n")
    if problems:
        raise typer.Exit(1)


@app.command("topics")
def write_topics() -> None:
    """Write the file of Kafka's topics from what the code declares."""
    (checks.ROOT / topics.FILE).write_text(topics.page())


if __name__ == "__main__":
    app()
