#!/usr/bin/env bash
# Installs the Debian packages named, as root or with passwordless sudo; otherwise says which to install.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then as_root=(); elif sudo -n true 2>/dev/null; then as_root=(sudo); else
  echo "please install these packages and run this again: $*" >&2
  exit 1
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
