"""Tables in Markdown."""

from collections.abc import Iterable, Iterator

NONE = "–"


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def table(title: str, texts: list[str], numbers: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """With columns of texts, then columns of numbers."""
    yield f"{title}\n"
    yield f"| {' | '.join(texts + numbers)} |"
    yield f"|{'|'.join(['---'] * len(texts) + ['---:'] * len(numbers))}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
