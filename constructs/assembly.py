"""The provider package's jsii assembly, cut down to the modules that we name. Standard library only.

An assembly is a package's JavaScript with a description of its classes. jsii's Node process runs all 1,470 modules of
this one, of which we name 17: 1.5 s and 450 MB of each synth. The cut is made once and kept in the user's cache. Where
anything is not as expected, the whole assembly is used, with the same result.
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
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import mkstemp

VARIABLE = "INGEST_WHOLE_ASSEMBLY"
CACHES = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("XDG_CACHE_HOME", "Library/Caches")}
KEPT = 30 * 24 * 60 * 60  # Seconds that an unused cut stays, as in jsii's own cache.
LOADS = re.compile(r'JSIIAssembly\.load\(\s*"([^"]+)",\s*"([^"]+)",\s*__name__\[0:-6\],\s*"([^"]+)"')
EXPORTS = re.compile(r'^exports\.(\w+) = require\("\./([^"]+)"\);$', re.MULTILINE)
SPEC, ABOUT, INDEX = "package/.jsii", "package/package.json", "package/lib/index.js"


def cut_down(package: Path, modules: Collection[str]) -> tuple[str, str, str] | None:
    """What jsii.load takes for the Python package in that folder: name, version, file. None: the whole assembly."""
    if os.environ.get(VARIABLE):
        return None
    try:
        loading = LOADS.search((package / "_jsii" / "__init__.py").read_text(encoding="utf-8"))
        name, version, file = loading.groups()  # type: ignore[union-attr]
        cut = _cached(package / "_jsii" / file, modules, cache_folder(os.environ))
    except Exception:  # Whatever it was: the whole assembly is right, or says itself what is wrong with it.
        return None
    return (name, version, str(cut)) if cut else None


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The folder in the user's cache, made if missing. Raises OSError, also where other users may write: it is code."""
    variable, default = CACHES.get(platform, ("XDG_CACHE_HOME", ".cache"))
    cache = Path(environ.get(variable, ""))
    folder = (cache if cache.is_absolute() else Path.home() / default) / "servicetitan-ingest-schedules"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and (folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o022):
        raise PermissionError(f"{folder}: other users may write to it")
    return folder


def _cached(whole: Path, modules: Collection[str], folder: Path) -> Path | None:
    """The cut in that folder, made if it is missing or damaged; None where the archive cannot be cut."""
    with whole.open("rb") as archive:
        # A gzip file ends with CRC-32 and length of all that it holds, which saves reading 32 MB for each command.
        parts = archive.seek(-8, os.SEEK_END), archive.read(), whole.name, sorted(modules), Path(__file__).read_bytes()
    key = sha256(repr(parts).encode()).hexdigest()[:16]
    for path in folder.glob(f"{key}-*.tgz"):
        content = path.read_bytes()
        if path.stem.endswith(sha256(content).hexdigest()):
            with suppress(OSError):  # A cache that is read-only.
                os.utime(path)
            return path if content else None
    number, temporary = mkstemp(dir=folder)  # First: where it fails, nothing was cut for nothing.
    try:
        with open(number, "wb") as file:
            try:
                content = _cut(whole, {module.replace("_", "-") for module in modules if module != "_jsii"})
            except (LookupError, ValueError):
                content = b""  # Kept as well, so that not each command tries.
            file.write(content)
        os.replace(temporary, path := folder / f"{key}-{sha256(content).hexdigest()}.tgz")
    finally:
        Path(temporary).unlink(missing_ok=True)
    with suppress(OSError):  # Another process tidies up, too.
        for old in [cut for cut in folder.iterdir() if cut.stat().st_mtime < time.time() - KEPT]:
            old.unlink()
    return path if content else None


def _cut(whole: Path, folders: set[str]) -> bytes:
    """The archive with those folders of lib/ and what they refer to. LookupError or ValueError: another layout."""
    import gzip  # Here, as a cut is seldom made.
    import tarfile

    files: dict[str, bytes] = {}
    with tarfile.open(whole) as archive:
        for member in archive:
            kept = member.name.startswith("package/lib/") and member.name.split("/")[2] in folders
            if member.name in (SPEC, ABOUT, INDEX) or (kept and not member.name.endswith(".d.ts")):
                files[member.name] = archive.extractfile(member).read()  # type: ignore[union-attr]
    spec, exports = json.loads(files.pop(SPEC)), EXPORTS.findall(files.pop(INDEX).decode())
    places = {f"{spec['name']}.{name}": folder for name, folder in exports}
    here = all(f"package/lib/{folder}/index.js" in files for folder in folders)
    if not here or json.loads(files[ABOUT])["main"] != "lib/index.js":
        raise ValueError(f"{whole}: another layout")
    home = {fqn: places[fqn.rpartition(".")[0]] for fqn in spec["types"]}
    types = {fqn: kind for fqn, kind in spec["types"].items() if home[fqn] in folders}
    used = {home[name] for name in re.findall(r'"([^"\s]+)"', json.dumps(types)) if name in home}
    for name, content in files.items():
        for required in re.findall(r'require\("([^"]+)"\)', content.decode()):
            if required.startswith("."):
                used.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), required)).split("/")[2])
            elif required not in spec["dependencies"]:
                raise ValueError(f"{name}: needs {required}")
    if not used <= folders:
        return _cut(whole, folders | used)
    submodules = {name: about for name, about in spec["submodules"].items() if places[name] in folders}
    files[SPEC] = json.dumps(spec | {"types": types, "submodules": submodules}).encode()
    lines = [f'exports.{name} = require("./{folder}");\n' for name, folder in exports if folder in folders]
    files[INDEX] = "".join(lines).encode()
    with tarfile.open(fileobj=(buffer := BytesIO()), mode="w") as cut:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            cut.addfile(member, BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)
