"""Builds every overlay as kubectl does, and checks what comes out: .venv/bin/python k8s/check/manifests.py [OVERLAY...]"""

import pathlib
import shutil
import subprocess
import sys

import yaml

import rules
import schemas

K8S = pathlib.Path(__file__).parent.parent
# The one that scripts/requirements.txt names, where it is there.
KUBECTL = shutil.which("kubectl", path=pathlib.Path(sys.executable).parent) or "kubectl"
# An overlay with broker and result store outside the cluster, for tests.
OUTSIDE = "resources: [../../base]\ncomponents: [../../components/outside]\n"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())


def build(folder: pathlib.Path) -> list[dict]:
    """The documents that `kubectl apply --kustomize` would send."""
    built = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    if built.returncode:
        raise SystemExit(f"{folder}: {built.stderr}")
    return list(yaml.safe_load_all(built.stdout))


def problems(documents: list[dict]) -> list[str]:
    found = []
    for document in documents:
        name = f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"
        found += [f"{name}: {problem}" for problem in schemas.problems(document)]
    return found or rules.problems(documents)


def main() -> None:
    failed = 0
    for overlay in sys.argv[1:] or OVERLAYS:
        documents = build(K8S / "overlays" / overlay)
        found = problems(documents)
        failed += len(found)
        print(f"{overlay}: {len(documents)} objects, {len(found)} problems")
        for problem in found:
            print(f"  {problem}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
