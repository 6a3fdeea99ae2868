"""What each part of the project may import."""

from __future__ import annotations

# Apart from the standard library and itself.
ARROWS: dict[str, set[str]] = {
    "ingest": {"cronsim"},
    "constructs": {"ingest"},
    "stacks": {"constructs", "ingest"},
    "operations": {"ingest", "toolchain", "click", "filelock", "google", "fontpkg_inter", "jinja2", "resvg_py"},
    "twin": {"ingest", "operations", "cronsim", "duckdb", "sqlglot", "werkzeug"},
    "rehearsal": {"ingest", "operations", "twin", "click", "google", "jinja2"},
    "commands": {"ingest", "operations", "rehearsal", "click", "google"},
    "main.py": {"stacks", "ingest", "toolchain"},
    "toolchain.py": set(),
    "bootstrap.py": set(),
}

# Inside operations/, by folder; what is not named is a use case, which may import all of them.
INSIDE: dict[str, set[str]] = {
    "errors": set(),
    "local": {"errors"},
    "cloud": {"errors", "local"},
    "ledger": {"errors", "local"},
    "policy": {"errors", "local"},
    "timeline": {"errors", "local"},
    "terraform": {"errors", "local", "cloud", "ledger"},
}

# Who looks at the clock. A deploy and what it records may take an hour, and has its own times.
CLOCKS = {"commands/options.py", "operations/ledger/ledger.py"}

# Inside ingest/, by folder. The plan, which is flat, imports nothing of how a night is judged.
DOMAIN: dict[str, set[str]] = {"text": set(), "": {"text"}, "judging": {"", "text"}, "costing": {"", "text", "judging"}}
