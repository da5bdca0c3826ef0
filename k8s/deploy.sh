#!/usr/bin/env bash
# Puts an overlay into the cluster that kubectl speaks to: the namespace, the Secrets where they are not there yet, and the
# rest. KEDA must be installed, the RabbitMQ Cluster Operator where the overlay has RabbitMQ in the cluster, and
# metrics-server for the API's own scaling.
#
#   k8s/deploy.sh local|cpu|gpu [FILE]     FILE holds API keys, as `byecaptcha keys` writes it; without it nobody has one
set -euo pipefail
overlay=${1:?which overlay: local, cpu or gpu}
keys=${2:-}
namespace=byecaptcha
# Before anything is made in the cluster, and from the folder that the path was typed in.
if [ -n "$keys" ]; then
  [ -f "$keys" ] || { echo "deploy.sh: there is no file $keys" >&2; exit 1; }
  keys=$(realpath "$keys")
fi
cd "$(dirname "$0")"

needed=(scaledobjects.keda.sh)
rendered=$(kubectl kustomize "overlays/$overlay")
has() { [[ $rendered == *$'\nkind: '"$1"$'\n'* ]]; }
if has RabbitmqCluster; then needed+=(rabbitmqclusters.rabbitmq.com); fi
for kind in "${needed[@]}"; do
  kubectl get crd "$kind" >/dev/null || { echo "deploy.sh: install the operator of $kind first, see k8s/README.md" >&2; exit 1; }
done

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
there() { kubectl --namespace "$namespace" get secret "$1" >/dev/null 2>&1; }
# secret NAME KEY=FILE…: values come from files, so that no list of processes shows them
secret() { kubectl --namespace "$namespace" create secret generic "$1" "${@:2}"; }
# What runs outside of the cluster has passwords that nobody can make up.
outside() { echo "deploy.sh: make the Secret $1 first, for what runs outside of the cluster: see k8s/README.md" >&2; exit 1; }
has RabbitmqCluster || there broker || outside broker
has StatefulSet || there results || outside results

kubectl apply --filename base/namespace.yaml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 700 "$folder"
if ! there broker; then
  password=$(random)
  host=rabbitmq.$namespace.svc
  printf 'amqp://byecaptcha:%s@%s:5672/%%2f' "$password" "$host" > "$folder/url"
  printf 'http://%s:15672/' "$host" > "$folder/management"
  printf 'byecaptcha' > "$folder/username"
  printf '%s' "$password" > "$folder/password"
  # What the operator reads besides.
  printf 'default_user = byecaptcha\ndefault_pass = %s\n' "$password" > "$folder/default_user.conf"
  printf '%s' "$host" > "$folder/host"
  printf '5672' > "$folder/port"
  printf 'rabbitmq' | tee "$folder/provider" > "$folder/type"
  files=("$folder"/*)
  secret broker "${files[@]/#/--from-file=}"
  rm -f "$folder"/*
fi
if ! there results; then
  password=$(random)
  printf 'redis://:%s@redis:6379/0' "$password" > "$folder/url"
  printf 'requirepass %s\n' "$password" > "$folder/redis.conf"
  secret results --from-file="$folder/url" --from-file="$folder/redis.conf"
fi
if [ -n "$keys" ]; then
  kubectl --namespace "$namespace" create secret generic api-keys --from-file=keys.json="$keys" --dry-run=client --output yaml |
    kubectl apply --filename -
elif ! there api-keys; then
  echo '{"version":1,"keys":[]}' > "$folder/keys.json"
  secret api-keys --from-file="$folder/keys.json"
  echo "deploy.sh: there are no API keys, so the API answers nobody; make a file of keys and run this again with it" >&2
fi

kubectl apply --kustomize "overlays/$overlay"
