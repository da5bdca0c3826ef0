#!/usr/bin/env bash
# Puts libtorch 2.11.0 (the CPU part) into the user's cache and links it into the tree as .libtorch.
# The PyPI wheel is the source: it is the one place that both open and mirrored networks reach. Only the
# trainer and the `torch` engine need it; the service itself is pure Rust.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
cuda_major=13
cache="${XDG_CACHE_HOME:-$HOME/.cache}/byecaptcha"
target="$cache/libtorch-$torch_version"

missing=()
command -v c++ >/dev/null || missing+=(g++) # compiles tch's binding
if [ ! -f "$target/.complete" ]; then
  command -v python3 >/dev/null || missing+=(python3)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
fi
[ ${#missing[@]} -eq 0 ] || scripts/packages.sh "${missing[@]}"

if [ ! -f "$target/.complete" ]; then
  wheels="$cache/wheels"
  mkdir -p "$wheels"
  fetch() { # fetch SPEC GLOB: download a wheel unless the cache holds it
    compgen -G "$wheels/$2" >/dev/null && return
    python3 -m pip download --quiet --no-deps --dest "$wheels" \
      --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 --abi none \
      --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 \
      --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 "$1"
  }
  echo "libtorch.sh: fetching libtorch $torch_version (about 530 MB, once)"
  fetch "torch==$torch_version" "torch-$torch_version-*.whl"
  # libtorch_cpu names these two libraries even where no GPU is used.
  fetch "nvidia-cuda-runtime==$cuda_major.*" "nvidia_cuda_runtime-$cuda_major.*.whl"
  fetch "nvidia-cuda-cupti==$cuda_major.*" "nvidia_cuda_cupti-$cuda_major.*.whl"
  rm -rf "$target.partial"
  python3 scripts/unpack_libtorch.py "$wheels" "$target.partial"
  echo "$torch_version" > "$target.partial/build-version"
  touch "$target.partial/.complete"
  rm -rf "$target"
  mv "$target.partial" "$target"
  rm -rf "$wheels"
fi
ln -sfn "$target" .libtorch
