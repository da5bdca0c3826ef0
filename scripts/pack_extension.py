#!/usr/bin/env python3
"""Packs extension/ into the ZIP that the Chrome Web Store takes: what ships, and nothing else.

    scripts/pack_extension.py [OUT.zip]        # target/byecaptcha-extension-VERSION.zip unless told

The same files make the same bytes, so that anybody can compare a ZIP with the source.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "extension"
SHIPPED = {".json", ".js", ".html", ".css", ".png", ".jpg"}
LOCALES = EXTENSION / "_locales"
NAMED = re.compile(r"""["']\.?/?([\w-]+\.(?:js|html|css|png|jpg))["']""")


def shipped():
    """The files to pack, in the order of their names; an error where a folder is not the browser's or a file is missing."""
    files = sorted(path for path in EXTENSION.iterdir() if path.suffix in SHIPPED)
    folders = [path.name for path in EXTENSION.iterdir() if path.is_dir() and path != LOCALES]
    if folders:
        raise SystemExit(f"extension/ is a flat folder but for _locales, and holds {', '.join(folders)}")
    names = {path.name for path in files}
    for path in files:
        if path.suffix in {".json", ".js", ".html"}:
            missing = set(NAMED.findall(path.read_text(encoding="utf-8"))) - names
            if missing:
                raise SystemExit(f"{path.name} names {', '.join(sorted(missing))}, and there is no such file")
    return sorted([*files, *LOCALES.glob("*/messages.json")], key=name)


def name(path):
    return path.relative_to(EXTENSION).as_posix()


def main():
    files = shipped()
    version = json.loads((EXTENSION / "manifest.json").read_text(encoding="utf-8"))["version"]
    default = ROOT / "target" / f"byecaptcha-extension-{version}.zip"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w") as archive:
        for path in files:
            entry = zipfile.ZipInfo(name(path), date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    print(f"{out}: {len(files)} files, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
