"""The pages of docs/reference/, made from the code. `make inventories` writes them."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import click

from ingest import rules, settings
from ingest.access import ROLES
from ingest.catalogue import CATALOGUE, GROUPS
from ingest.preview import preview
from ingest.rollout import STRATEGIES
from ingest.settings import NAMES, PREFIX, load, read_context
from ingest.utc import utc_clock
from operations.terraform import deployed
from tests.checkout import ROOT
from tests.docs.command_list import commands, help_text

# A day without meaning: nothing on the pages depends on it.
ANY_EVENING = datetime(2026, 10, 20, 21, tzinfo=UTC)


def pages() -> dict[str, str]:
    """Each page's text by its file name."""
    made: dict[str, Callable[[], str]] = {
        "commands.md": _commands,
        "exit-codes.md": _exit_codes,
        "settings.md": _settings,
        "catalogue.md": _catalogue,
        "nights.md": _nights,
        "rules.md": _rules,
        "roles.md": _roles,
    }
    return {name: make().rstrip() + "\n" for name, make in made.items()}


def _head(title: str, source: str, text: str) -> str:
    return f"# {title}\n\n<!-- Made from {source} by `make inventories`. Edit that, not this page. -->\n\n{text}\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _code(text: object) -> str:
    return f"`{text}`"


def _commands() -> str:
    found = commands()
    intro = (
        "All commands of `ingest-rollout`, then what `--help` prints for each. Meaning of the\n"
        "[exit codes](exit-codes.md). To complete them with TAB, see [how](../how-to/complete-with-tab.md)."
    )
    parts = [_head("Commands", "the commands' own help", intro)]
    rows = [(f"[{name}](#{name.replace(' ', '-')})", summary(command)) for name, command in found.items()]
    parts.append(_table(("command", "what it does"), rows))
    parts += [f"## {name}\n\n```\n{help_text(name, command)}\n```\n" for name, command in found.items()]
    return "\n".join(parts)


def summary(command: click.Command) -> str:
    """The first sentence of its help."""
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def _exit_codes() -> str:
    rows = []
    for name, command in commands().items():
        text = " ".join(inspect.cleandoc(command.help or "").split())
        found = re.search(r"[Ee]xit code (0: .+?)\.(?: |$)", text)
        said = found[1] if found else "0: done, 1: error"
        rows.append((_code(name), *_by_number(said)))
    intro = "A wrong option, or Ctrl-C, gives 1. `-` means that the command never gives this code."
    head = _head("Exit codes", "the commands' own help", intro)
    return f"{head}\n{_table(('command', '0', '1', '2'), rows)}"


def _by_number(said: str) -> list[str]:
    meanings = dict(re.findall(r"(\d): (.+?)(?=, \d: |$)", said))
    return [meanings.get(str(code), "error" if code == 1 else "-") for code in range(3)]


def field_texts() -> dict[str, str]:
    """What each setting is for: the docstring below its field."""
    tree = ast.parse(inspect.getsource(settings))
    (body,) = [node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    texts = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            texts[field.target.id] = str(ast.literal_eval(text.value))
    return texts


def _settings() -> str:
    texts = field_texts()
    context = read_context(ROOT)
    rows = []
    for name in NAMES:
        allowed = settings._CHECKS[name][1]
        given = json.dumps(context[name])
        rows.append((_code(name), texts[name], allowed, _code(given), _code(PREFIX + name.upper())))
    intro = (
        "Settings are in the context of [cdktf.json](../../cdktf.json); all are required. An environment variable\n"
        "overrides the file for one command, and an option such as `--night` overrides both. In a variable, separate\n"
        "the items of a list with commas: `a,b`."
    )
    head = _head("Settings", "ingest/settings.py and cdktf.json", intro)
    return f"{head}\n{_table(('setting', 'what it is', 'allowed', 'as committed', 'variable'), rows)}"


def _catalogue() -> str:
    given = load(ROOT, {})
    zone = given.time_zone
    groups = [
        (
            group.name,
            group.stack,
            "daily" if group.weekday is None else "Sundays" if group.weekday == 0 else f"weekday {group.weekday}",
            f"{group.opens:%H:%M}",
            f"{group.closes:%H:%M}" if group.closes else "",
            ", ".join(group.after),
        )
        for group in GROUPS
    ]
    jobs = [
        (
            _code(e.job_name),
            e.group,
            _code(e.live.cron) if e.live else "none",
            _code(e.target.cron),
            e.target.clock,
            utc_clock(e.target, zone),
            e.margin_effect,
        )
        for e in CATALOGUE
    ]
    targets = [
        (
            e.name,
            _code(e.uri("", given.reference_path)),
            _code(given.table(e)),
            _code(", ".join(e.loaded_at_fields)),
            _code(", ".join(e.key)) if e.key else "not known",
            _code(e.amount) if e.amount else "",
            e.description(e.target, zone),
        )
        for e in CATALOGUE
    ]
    parts = [
        _head("Catalogue", "ingest/catalogue.py and cdktf.json", f"{len(CATALOGUE)} entities in {len(GROUPS)} groups."),
        "## Groups\n",
        _table(("group", "stack", "runs", "from", "before", "needs"), groups),
        f"## Jobs\n\nCrons are in {zone}. `live` is what runs before the rollout, `target` what runs after it.\n",
        _table(("job", "group", "live", "target", "local time", "UTC", "effect on margin"), jobs),
        f"## Requests and tables\n\nEach job sends a GET to {given.base_url} with this path. "
        "`loaded at` is the column with\nthe time at which a row was loaded, `natural key` the columns that rows of "
        "one record share, `amount` what the\nmargin counts.\n",
        _table(("entity", "path", "table", "loaded at", "natural key", "amount", "description"), targets),
    ]
    return "\n".join(parts)


def _nights() -> str:
    intro = (
        "What exists after a night is a function of the strategy and the night. Jobs that a night does not change are\n"
        "not listed. The full content of each night is in [tests/inventories/](../../tests/inventories)."
    )
    parts = [_head("Nights", "ingest/rollout.py", intro)]
    given = load(ROOT, {})
    for strategy in STRATEGIES.values():
        parts.append(f"## {strategy.name}\n")
        for number in strategy.numbers:
            of_night = replace(given, strategy=strategy.name, night=number, invoker_service_account="")
            before = deployed.assumed(of_night)
            found = preview(of_night, before.world, before.label, ANY_EVENING)
            rows = [
                (
                    " and ".join(change.actions),
                    _code(change.entity.job_name),
                    change.before.clock if change.before else "",
                    change.after.clock if change.after else "",
                )
                for change in found.changes
                if not change.is_unchanged
            ]
            parts.append(f"### Night {number}, {found.title}\n\nStacks: {', '.join(found.stacks)}\n")
            parts.append(_table(("change", "job", "before", "after"), rows))
    parts.append(
        "With `invoker_service_account` set, both strategies have one more night, `identity`: from then on every job\n"
        "sends the account's OIDC token, and nothing else changes."
    )
    return "\n".join(parts)


def _rules() -> str:
    rows = [(_code(rule.__name__.replace("_", "-")), " ".join((rule.__doc__ or "").split())) for rule in rules.RULES]
    intro = (
        "The rules that the catalogue and the rollout have to follow. Every command and `python main.py` check them\n"
        "before anything is synthesized, and show all violations together, each with the rule's name in brackets. The\n"
        "rules for the Terraform that is synthesized are the [policy](../policy.md)."
    )
    return f"{_head('Rules', 'ingest/rules.py', intro)}\n{_table(('rule', 'why'), rows)}"


def _roles() -> str:
    intro = textwrap.dedent(
        """\
        The custom roles of the project, each with only the permissions it needs. `deployers` and `operators` in the
        [settings](settings.md) get the first two; the previewer is the account of the workflows' previews. The tables
        are granted on the dataset, not here."""
    )
    parts = [_head("Roles", "ingest/access.py", intro)]
    for role in ROLES:
        rows = [(_code(permission), reason) for permission, reason in sorted(role.permissions.items())]
        parts.append(f"## {role.id}\n\n{role.title}.\n\n{_table(('permission', 'for'), rows)}")
    return "\n".join(parts)
