"""Sets the project up in .venv/ and node_modules/, then runs a task there. Standard library only.

python3 bootstrap.py              only the setup
python3 bootstrap.py rehearse     the whole rollout, played on the embedded twin
python3 bootstrap.py preview      what each night changes, and the Terraform of the committed night
python3 bootstrap.py test         lint, types and tests, but for those of CDK Terrain
python3 bootstrap.py terrain      installs CDK Terrain beside cdktf and compares what both synthesize
python3 bootstrap.py inventories  writes again what derives from the catalogue: inventories, reference, README
python3 bootstrap.py bench        measures the figures of docs/performance.md
python3 bootstrap.py lock         pins the newest versions that pyproject.toml and package.json allow
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
MADE_BY = VENV / "made-by"
STAMP = VENV / "setup-done"
PIP = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
UV = ("uv", "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--quiet")
# Cuts the provider's assembly down, which takes a few seconds, and has jsii unpack what it reads.
LOAD_ONCE = "import os, toolchain; toolchain.quiet_node(os.environ); import constructs.bindings"
# Without the variable it asks its maker for newer versions, and complains where there is no network.
CDKTF = """#!/bin/sh
export CHECKPOINT_DISABLE="${{CHECKPOINT_DISABLE-1}}"
exec "{command}" "$@"
"""
# One process more than cores that we may use: some tests wait, for a lock or a service.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
PYTEST = ("pytest", "-n", str(CORES + 1), "--dist", "worksteal")
TASKS = {
    "setup": [],
    "rehearse": [["ingest-rollout", "nights"], ["ingest-rollout", "rehearse", "--report", "rehearsal.html"]],
    "preview": [["ingest-rollout", "nights"], ["ingest-rollout", "synth"]],
    "test": [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy"],
        [*PYTEST, "--durations=15", "--ignore=tests/terrain"],
    ],
    # 350 MB that nothing else needs.
    "terrain": [[*PIP, "--require-hashes", "-r", "requirements-terrain.txt"], [*PYTEST, "tests/terrain"]],
    "inventories": [
        ["ingest-rollout", "timeline", "--output", "docs/timeline.svg"],
        ["pytest", "tests/stacks", "tests/docs", "--snapshot-update"],
    ],
    "bench": [["python", "-m", "bench"]],
    "lock": [
        [*UV, "pyproject.toml", "--extra", "dev", "--output-file", "requirements.txt"],
        # The versions that both sets need are those of the first.
        [*UV, "--group", "terrain", "--constraint", "requirements.txt", "--output-file", "requirements-terrain.txt"],
        ["npm", "install", "--package-lock-only", "--ignore-scripts"],
    ],
}


def main(arguments: list[str]) -> None:
    task = arguments[0] if arguments else "setup"
    if task in ("-h", "--help", "help"):
        print(__doc__.strip())
        return
    if task not in TASKS or len(arguments) > 1:
        sys.exit(f"bootstrap.py: unknown task {' '.join(arguments)!r}; tasks: {', '.join(TASKS)}; see --help")
    if sys.version_info < (3, 11):
        sys.exit(f"bootstrap.py: Python 3.11 or later is needed, this is {sys.version.split()[0]} at {sys.executable}")
    os.chdir(ROOT)
    environ = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    environ.pop("PYTHONHOME", None)
    # Each command would compile our modules again.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    set_up(environ)
    for command in TASKS[task]:
        run([shutil.which(command[0], path=str(BIN)) or command[0], *command[1:]], environ)


def set_up(environ: dict[str, str]) -> None:
    """Installs the pinned packages, unless the last setup had the same Python and the same pins."""
    pins = [ROOT / name for name in ("requirements.txt", "package-lock.json", "pyproject.toml")]
    wanted = hashlib.sha256(b"".join(p.read_bytes() for p in pins)).hexdigest()
    # A virtual environment works with the Python that made it alone, and where it was made. The base: what runs
    # this may be the environment's own.
    maker = f"{ROOT}\n{sys.base_prefix}\n{sys.version}"
    made = content(MADE_BY) == maker
    if made and content(STAMP) == wanted and (ROOT / "node_modules").is_dir():
        return
    print("Setting up .venv/ and node_modules/, once: one to three minutes.", flush=True)
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        sys.exit("bootstrap.py: this Python has no venv module; install it (Debian: apt install python3-venv)")
    STAMP.unlink(missing_ok=True)
    if not made:
        venv.create(VENV, clear=True, with_pip=True, symlinks=os.name != "nt")
        MADE_BY.write_text(maker, encoding="utf-8")
    pip = [str(BIN / "python"), *PIP[1:]]
    run([*pip, "--require-hashes", "-r", "requirements.txt"], environ)
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], environ)
    # No install scripts: the one native part of cdktf-cli comes prebuilt for the Node that we pin.
    # As pip does, npm then trusts the system's certificates too, such as those of a company's proxy.
    npm_environ = {"NODE_OPTIONS": "--use-system-ca"} | environ
    run([str(BIN / "npm"), "ci", "--ignore-scripts", "--loglevel=error", "--no-progress"], npm_environ)
    if os.name != "nt":
        command = BIN / "cdktf"
        command.unlink(missing_ok=True)
        command.write_text(CDKTF.format(command=ROOT / "node_modules" / ".bin" / "cdktf"), encoding="utf-8")
        command.chmod(0o755)
    run([str(BIN / "python"), "-c", LOAD_ONCE], environ | {"INGEST_CDK": ""})
    STAMP.write_text(wanted, encoding="utf-8")


def content(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def run(command: list[str], environ: dict[str, str]) -> None:
    try:
        code = subprocess.call(command, env=environ)
    except KeyboardInterrupt:
        sys.exit("bootstrap.py: interrupted; run it again, it goes on where it stopped")
    except OSError as error:
        sys.exit(f"bootstrap.py: cannot run {command[0]} ({error.strerror})")
    if code:
        shown = " ".join([Path(command[0]).name, *command[1:]])
        print(f"bootstrap.py: `{shown}` ended with exit code {code}", file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
