"""All checks of the deployment files of a checkout."""

from collections.abc import Iterator
from pathlib import Path

from tools.deployment import compose, kubernetes, schemas, topics

ROOT = Path(__file__).resolve().parent.parent.parent
OVERLAYS = ("trial", "production")


def compose_problems(root: Path = ROOT) -> Iterator[str]:
    """Of docker-compose.yml."""
    yield from compose.problems(compose.read(root / "docker-compose.yml"), "docker-compose.yml")


def kubernetes_problems(root: Path = ROOT) -> Iterator[str]:
    """Of every overlay and of the standalone's manifests; needs kubectl."""
    k8s = root / "deploy" / "k8s"
    for name in OVERLAYS:
        try:
            objects = kubernetes.render(k8s / "overlays" / name)
        except kubernetes.CannotRender as error:
            yield str(error)
            continue
        yield from schemas.problems(objects, name, k8s / "schemas")
        yield from kubernetes.problems(objects, name)
    try:
        objects = kubernetes.render(k8s / "standalone")
    except kubernetes.CannotRender as error:
        yield str(error)
        return
    yield from schemas.problems(objects, "standalone", k8s / "schemas")


def topic_file_problems(root: Path = ROOT) -> Iterator[str]:
    """Of the file of topics, which is made."""
    if (root / topics.FILE).read_text() != topics.page():
        yield f"{topics.FILE} is stale: run `make docs`"
