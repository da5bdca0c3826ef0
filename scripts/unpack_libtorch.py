"""Takes the headers and the CPU libraries out of the torch and CUDA wheels: unpack_libtorch.py WHEELS TARGET."""

import pathlib
import shutil
import sys
import zipfile

CPU_LIBRARIES = ("libtorch_cpu.so", "libc10.so", "libtorch.so", "libgomp", "libcudart", "libcupti.so")


def target_of(name: str) -> str | None:
    """Where an archive member belongs below the target folder; None for what a CPU build does not need."""
    if name.startswith("torch/include/"):
        return name.removeprefix("torch/")
    file_name = name.rsplit("/", 1)[-1]
    if "/lib/" in name and file_name.startswith(CPU_LIBRARIES) and ".so" in file_name:
        return f"lib/{file_name}"
    return None


def main() -> None:
    wheels, target = map(pathlib.Path, sys.argv[1:3])
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                place = None if member.is_dir() else target_of(member.filename)
                if place is None:
                    continue
                path = target / place
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, open(path, "wb") as sink:
                    shutil.copyfileobj(source, sink)


if __name__ == "__main__":
    main()
