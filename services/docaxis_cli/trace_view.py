"""A trace for people: a tree, each span with when it began, how long it took and whose it is."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from docaxis_cli.messages import Words
from docaxis_runtime.kept_spans import Branch

_WROTE = "docaxis.wrote."


def trace_view(
    words: Words,
    trace_id: str,
    tree: Sequence[Branch],
    linked: Mapping[str, Sequence[Branch]],
) -> RenderableType:
    """Lay out a document's trace, and below it those that say that they follow it."""
    parts: list[RenderableType] = [_tree(f"{words('trace_id')} {trace_id}", tree)]
    if linked:
        parts.append(Text(f"\n{words('trace_linked')}", style="bold"))
        parts += [_tree(f"{words('trace_id')} {each}", found) for each, found in linked.items()]
    return Group(*parts)


def _tree(title: str, branches: Sequence[Branch]) -> Tree:
    tree = Tree(Text(title, style="bold"))
    began = min((each.span.start for each in branches), default=0)
    _add(tree, branches, began)
    return tree


def _add(tree: Tree, branches: Iterable[Branch], began: int) -> None:
    for branch in branches:
        span = branch.span
        line = Text(f"{span.service.removeprefix('docaxis-')} ", style="cyan")
        line.append(span.name, style="red" if span.error else "")
        wrote = [
            f"{name.removeprefix(_WROTE)} ×{count}" if count != "1" else name.removeprefix(_WROTE)
            for name, count in span.attributes.items()
            if name.startswith(_WROTE)
        ]
        if wrote:
            line.append(f" → {', '.join(wrote)}")
        line.append(f"  +{_ms(span.start - began)}  {_ms(span.end - span.start)}", style="dim")
        if span.error:
            line.append(f"  ✘ {span.error}", style="bold red")
        _add(tree.add(line), branch.branches, began)


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"
