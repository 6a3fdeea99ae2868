"""Terraform's own rendering of a plan, without what may be a secret."""

from __future__ import annotations

import re

from ingest.text import shown

_FIELD = re.compile(r"( *(?:[-+~] )?)(headers|body|uri|attributes|data|relative_uri)( += )(.*)")
"""A field of a job's target that may hold a secret: what is before its name, the name, the sign, the value."""

_ENTRY = re.compile(r'( *(?:[-+~] )?)("(?:[^"\\]|\\.)*")( += )')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def harmless(text: str) -> str:
    """The text of `terraform show` without values of headers, bodies and queries, and without what would be obeyed.

    A value over several lines ends with the line that closes it below the field's name; its own lines are further in.
    """
    lines: list[str] = []
    column, is_map = None, False
    for line in text.splitlines():
        if column is not None:
            indent = len(line) - len(line.lstrip(" "))
            entry = _ENTRY.match(line)
            if indent == column and line.strip():
                lines += [line] if is_map else []
                column = None
            elif entry and len(entry[1]) == column + 4:
                lines.append(f"{entry[1]}{entry[2]}{entry[3]}{shown.HIDDEN}")
            continue
        field = _FIELD.fullmatch(line)
        if not field:
            lines.append(line)
            continue
        before, name, sign, value = field.groups()
        if value.endswith(("{", "(", "[", "EOT")):
            column, is_map = len(before), value.endswith("{")
            value = value if is_map else shown.HIDDEN
        elif '"' in value and name.endswith("uri"):
            value = _QUOTED.sub(lambda match: f'"{shown.uri(match[1])}"', value)
        elif '"' in value:
            value = shown.HIDDEN
        lines.append(f"{before}{name}{sign}{value}")
    return shown.printable_lines("\n".join(lines))
