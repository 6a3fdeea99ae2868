"""A checkout's main.py, whose own is main_itself.py then: runs it once for equal code, settings and variables.

SYNTHESIZED is the folder of all that it wrote. Three quarters of a second, in each of a hundred deploys.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parent
READ = ("cdktf.json", "baseline.json", "*.py", "ingest/**/*.py", "constructs/**/*.py", "stacks/**/*.py")
VARIABLES = ("INGEST_", "CDKTF_", "TF_", "SYNTH_")


def key() -> str:
    variables = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(VARIABLES) and k != "CDKTF_OUTDIR"]
    digest = hashlib.sha256("\0".join(variables).encode())
    for file in sorted(path for pattern in READ for path in ROOT.glob(pattern)):
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def main() -> None:
    outdir = Path(os.environ.get("CDKTF_OUTDIR", ROOT / "cdktf.out"))
    made = Path(os.environ["SYNTHESIZED"]) / key()
    if not made.exists():
        sys.path.insert(0, str(ROOT))
        from main_itself import main as itself  # type: ignore[import-not-found]

        fresh = Path(mkdtemp(dir=made.parent))
        os.environ["CDKTF_OUTDIR"] = str(fresh)
        itself()
        try:
            fresh.rename(made)
        except OSError:
            # Another process was first, with the same.
            shutil.rmtree(fresh)
    shutil.copytree(made, outdir, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
