#!/bin/sh
# Installs the captcha libraries that draw.py runs: Debian's packages (as root), a Python environment and Node's packages here.
set -eu
cd "$(dirname "$0")"
apt-get install -y -qq fonts-dejavu-core php-cli php-gd php-gregwar-captcha libauthen-captcha-perl libgd-securityimage-perl
python3 -m venv .venv
.venv/bin/pip install -q -r requirements.txt
npm ci --no-audit --no-fund
cargo build --release --quiet --manifest-path crates/Cargo.toml
echo "Now: scripts/real_libraries/.venv/bin/python scripts/real_libraries/draw.py OUT"
