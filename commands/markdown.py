"""What commands printed, as one Markdown page: a comment on a pull request, or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import click

MARKER = "<!-- ingest-rollout -->"
"""The first line of each page, not shown by GitHub: a workflow finds its own comment by it."""

LIMIT = 65_536
"""What GitHub takes of a comment, in characters. We count bytes of UTF-8, which are never fewer."""

FOLDED_FROM = 60
"""A text of more lines is folded away under its title."""

LONGEST_RUN = 20
"""Of backticks: a longer run in a text is cut, because the fence around the text has to be longer still."""

_LEFT_OUT = "\n\n*{count} of {all} lines left out: the page would be too long for GitHub. The job's log has them.*"


@dataclass(frozen=True)
class Part:
    """A text that some command printed; `language` is GitHub's name for its colours, such as "diff"."""

    title: str
    text: str
    language: str = "text"


def page(parts: Sequence[Part], *, intro: str = "", limit: int = LIMIT) -> str:
    """The parts under their titles, in at most `limit` bytes; of texts too long for that, the beginnings.

    Whatever stands in a text, it stays inside its code block. Raises ValueError when not even the titles fit.
    """
    shown = [Part(part.title, _plain(part.text), part.language) for part in parts]
    bare = _joined([_block(part, "", len(part.text.splitlines())) for part in shown], intro)
    room = limit - _size(bare)
    if room < 0:
        raise ValueError(f"{limit} bytes are too few for {len(parts)} titles")
    budgets = _shares([_size(part.text) for part in shown], room)
    blocks = [_block(part, *_beginning(part.text, share)) for part, share in zip(shown, budgets, strict=True)]
    return _joined(blocks, intro)


def _plain(text: str) -> str:
    """Without colours, and with a mark in the place of what is not shown, such as marks of writing direction."""
    short = re.sub(f"`{{{LONGEST_RUN},}}", "`" * (LONGEST_RUN - 1) + "\ufffd", click.unstyle(text))
    lines = short.replace("\r\n", "\n").rstrip().splitlines()
    return "\n".join("".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in x) for x in lines)


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """How many bytes each text gets: the short ones all of theirs, the others an equal part of what is left."""
    shares = [0] * len(sizes)
    for done, index in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[index] = min(sizes[index], room // (len(sizes) - done))
        room -= shares[index]
    return shares


def _beginning(text: str, room: int) -> tuple[str, int]:
    """The whole lines of `text` that fit into `room` bytes, and how many do not."""
    lines = text.splitlines()
    kept, used = 0, 0
    for line in lines:
        used += _size(line) + (1 if kept else 0)
        if used > room:
            break
        kept += 1
    return "\n".join(lines[:kept]), len(lines) - kept


def _block(part: Part, text: str, left_out: int) -> str:
    lines = len(part.text.splitlines())
    if not lines:
        return f"### {part.title}\n\nNothing."
    # Longer than any run of backticks in the text, which therefore cannot close the block.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", part.text)), default=0))
    body = f"{fence}{part.language}\n{text}\n{fence}"
    if left_out:
        body += _LEFT_OUT.format(count=left_out, all=lines)
    if lines > FOLDED_FROM:
        return f"### {part.title}\n\n<details><summary>{lines} lines</summary>\n\n{body}\n\n</details>"
    return f"### {part.title}\n\n{body}"


def _joined(blocks: Sequence[str], intro: str) -> str:
    return "\n\n".join([MARKER, *([intro] if intro else []), *blocks]) + "\n"


def _size(text: str) -> int:
    return len(text.encode())
