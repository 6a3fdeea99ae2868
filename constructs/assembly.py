"""The provider package's jsii assembly, cut down to the modules that we name. Standard library only.

An assembly describes all classes of a package to jsii's Node process, which reads it whole: 19,517 types, of which we
use some 280. That took most of each synth and 500 MB. The cut is made once and kept in the user's cache. Where
anything is not as expected, the whole assembly is used, which gives the same result.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import mkstemp

VARIABLE = "INGEST_WHOLE_ASSEMBLY"
CACHES = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("XDG_CACHE_HOME", "Library/Caches")}
DAY = 24 * 60 * 60
KEPT_DAYS = 30
"""What nobody used for so long is removed, as in jsii's own cache."""

LOADS = re.compile(r'JSIIAssembly\.load\(\s*"([^"]+)",\s*"([^"]+)",\s*__name__\[0:-6\],\s*"([^"]+)"')
EXPORTS = re.compile(r'^exports\.(\w+) = require\("\./([^"]+)"\);$', re.MULTILINE)
REQUIRES = re.compile(r'require\("([^"]+)"\)')
SPEC, INDEX = "package/.jsii", "package/lib/index.js"
HEAD = '"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\n'


@dataclass(frozen=True)
class Assembly:
    """What jsii loads under that name and version."""

    name: str
    version: str
    file: Path


def cut_down(package: Path, modules: Collection[str], environ: Mapping[str, str] = os.environ) -> Assembly | None:
    """The assembly of the Python package in that folder with those modules; None where only the whole one will do."""
    if environ.get(VARIABLE):
        return None
    try:
        found = LOADS.search((package / "_jsii" / "__init__.py").read_text(encoding="utf-8"))
        if found is None:
            return None
        name, version, file = found.groups()
        cut = _cached(package / "_jsii" / file, modules, cache_folder(environ))
    except Exception:  # Also what a damaged archive raises: the whole assembly says what is wrong with it.
        return None
    return Assembly(name, version, cut) if cut else None


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The folder of the cuts in the user's cache, made where it is missing.

    Raises OSError, also where other users may change what is in it: Node runs what we put there.
    """
    variable, default = CACHES.get(platform, ("XDG_CACHE_HOME", ".cache"))
    cache = Path(environ.get(variable, ""))
    folder = (cache if cache.is_absolute() else Path.home() / default) / "servicetitan-ingest-schedules"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and (folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o022):
        raise PermissionError(f"{folder}: other users may write to it")
    return folder


def _cached(whole: Path, modules: Collection[str], folder: Path) -> Path | None:
    """The cut in that folder, made if there is none that is whole; None where the archive cannot be cut."""
    with whole.open("rb") as file:
        size = file.seek(-8, os.SEEK_END) + 8
        checksum = file.read()  # The end of a gzip file: CRC-32 and length of all that it holds, without reading that.
    parts = (Path(__file__).read_bytes(), whole.name, size, checksum, sorted(modules))
    key = sha256(repr(parts).encode()).hexdigest()[:16]
    for path in folder.glob(f"{key}-*.tgz"):
        content = path.read_bytes()
        if path.name == _file_name(key, content):
            with suppress(OSError):  # A cache that is read-only.
                if path.stat().st_mtime < time.time() - DAY:
                    os.utime(path)
            return path if content else None
    number, temporary = mkstemp(dir=folder)  # Before the work, which is for nothing where the folder is read-only.
    try:
        with open(number, "wb") as file:
            try:
                content = _cut(whole, {module.replace("_", "-") for module in modules if module != "_jsii"})
            except (KeyError, ValueError):
                content = b""  # Kept as well, so that no other command tries.
            file.write(content)
        os.replace(temporary, path := folder / _file_name(key, content))
    finally:
        Path(temporary).unlink(missing_ok=True)
    for other in folder.iterdir():
        if other.stat().st_mtime < time.time() - KEPT_DAYS * DAY:
            other.unlink(missing_ok=True)
    return path if content else None


def _file_name(key: str, content: bytes) -> str:
    return f"{key}-{sha256(content).hexdigest()}.tgz"


def _cut(whole: Path, folders: set[str]) -> bytes:
    """The archive with those folders of lib/ and what they refer to. Raises KeyError, ValueError for another layout."""
    import gzip  # Here, as a cut is seldom made.
    import tarfile

    files: dict[str, bytes] = {}
    with tarfile.open(whole) as archive:
        for member in archive:
            kept = member.name.startswith("package/lib/") and member.name.split("/")[2] in folders
            if member.name in (SPEC, INDEX, "package/package.json") or (kept and not member.name.endswith(".d.ts")):
                files[member.name] = archive.extractfile(member).read()  # type: ignore[union-attr]
    spec, exports = json.loads(files.pop(SPEC)), EXPORTS.findall(files.pop(INDEX).decode())
    places = {f"{spec['name']}.{name}": folder for name, folder in exports}
    if places.keys() != spec["submodules"].keys() or any(f"package/lib/{one}/index.js" not in files for one in folders):
        raise ValueError(f"{whole}: another layout")
    home = {fqn: places[fqn.rpartition(".")[0]] for fqn in spec["types"]}
    types = {fqn: kind for fqn, kind in spec["types"].items() if home[fqn] in folders}
    used = {home[name] for name in re.findall(r'"([^"\s]+)"', json.dumps(types)) if name in home}
    for name, content in files.items():
        for required in REQUIRES.findall(content.decode()):
            if required.startswith("."):
                used.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), required)).split("/")[2])
            elif required not in spec["dependencies"]:
                raise ValueError(f"{name}: needs {required}")
    if not used <= folders:
        return _cut(whole, folders | used)
    submodules = {name: about for name, about in spec["submodules"].items() if places[name] in folders}
    files[SPEC] = json.dumps(spec | {"types": types, "submodules": submodules}).encode()
    lines = [f'exports.{name} = require("./{folder}");\n' for name, folder in exports if folder in folders]
    files[INDEX] = "".join([HEAD, *lines]).encode()
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)
