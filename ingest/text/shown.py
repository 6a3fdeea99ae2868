"""How texts that are not ours are shown: harmless, in one line, and without what may be a secret.

Names, URIs, zones, descriptions and errors of the cloud reach a terminal, a workflow's log, HTML and Markdown.
"""

from __future__ import annotations

import re

LONGEST = 300
"""Characters of a text of the cloud that are shown."""

HIDDEN = "(not shown)"

SECRET_NAMES = re.compile(r"(?i)(access_token|api_?key|authorization|client_secret|cookie|credentials|password|secret)")
"""Names of fields that hold a secret whatever is in them."""

SECRET_VALUES = re.compile(
    r"-----BEGIN|\bAIza[\w-]{35}|\bya29\.[\w-]{10}|\bGOCSPX-[\w-]{10}|\bghp_\w{20}|\bAKIA[A-Z0-9]{16}"
    r"|\bBearer [\w.~+/-]{16}|\beyJ[\w-]{10,}\.eyJ|[\"']private_key(_id)?[\"']|[?&](access_token|api_?key|token)="
)

_MAY_HOLD_ONE = re.compile(r"(?i)auth|token|secret|passw|pwd|key|cookie|credential|session|signature|^sig$")
_NAMES = re.compile(r"""["']?([\w.-]+)["']?\s*[:=]""")


def printable(text: str, longest: int | None = LONGEST) -> str:
    """The text in one line: line breaks and runs of blanks are a blank, what cannot be printed is escaped.

    Escapes of the terminal and marks of writing direction are among the latter. A workflow takes `::` at a line's start
    and `##[` anywhere for a command of its own (actions/runner, ActionCommand.cs).
    """
    line = _escaped(" ".join(text.split()))
    return line if longest is None or len(line) <= longest else f"{line[:longest]} ..."


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which keep their blanks."""
    return "\n".join(map(_escaped, text.expandtabs().splitlines()))


def _escaped(line: str) -> str:
    line = re.sub(r"^(\s*)::", r"\1\\x3a:", line).replace("##[", "#\\x23[")
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def uri(text: str) -> str:
    """A URI without what its user info and its query may carry; how much is loaded (`mode`) stays."""
    # Imported where it is used, as base64 is: `plan` starts faster.
    from urllib.parse import parse_qsl, urlsplit

    try:
        url = urlsplit(text)
        parts = [
            f"{name}={value if name == 'mode' and value.isalnum() else '...'}" if value else "..."
            for name, value in parse_qsl(url.query, keep_blank_values=True)
        ]
        query = "&".join(parts) or ("..." if url.query else "")
        host = url.netloc.rpartition("@")[2]
        return printable(url._replace(netloc=host, query=query, fragment="").geturl())
    except ValueError:
        return printable(re.split(r"[?#]", text)[0].rpartition("@")[2])


def may_be_secret(name: str, value: str) -> bool:
    """Whether a header of that name and value may carry a secret."""
    return bool(value and (_MAY_HOLD_ONE.search(name) or SECRET_VALUES.search(value)))


def body_may_be_secret(body: str) -> bool:
    """Whether a body, in base64, may: by its keys where it is JSON or a form, and by its values."""
    from base64 import b64decode

    try:
        text = b64decode(body).decode(errors="replace")
    except ValueError:
        text = body
    return bool(SECRET_VALUES.search(text)) or any(map(_MAY_HOLD_ONE.search, _NAMES.findall(text)))
