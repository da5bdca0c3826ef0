# Every target is also given as plain commands in the README.
.PHONY: run test lint bench fuzz chaos train table6 setup stack stack-down

# Where Node.js is missing or too old, scripts/test_tools.sh puts one there.
export PATH := $(CURDIR)/.node:$(PATH)
# Chromium where scripts/test_tools.sh found it or put it, unless CHROMIUM names one.
WITH_CHROMIUM = CHROMIUM=$${CHROMIUM:-$(CURDIR)/.chromium/chromium}

run:
	cargo run --release

# What the tests need and a fresh machine lacks: libtorch, RabbitMQ, Redis, Python packages, Chromium, npm packages.
setup:
	scripts/libtorch.sh
	scripts/test_tools.sh

# In the release profile, so that what is tested is what ships; the browser tests use the program built first.
# What needs libtorch apart from the rest, which must build and pass without it.
test: setup
	cargo test --release --workspace --exclude byecaptcha-trainer
	cargo test --release -p byecaptcha-trainer -p byecaptcha-worker --features byecaptcha-worker/torch
	cd api/browser-tests && $(WITH_CHROMIUM) npm test
	cd extension-tests && $(WITH_CHROMIUM) npm test
	cd scripts/page_cuts && $(WITH_CHROMIUM) npm test
	cd compose && ../.venv/bin/python -m unittest
	cd k8s/check && ../../.venv/bin/python -m unittest
	cd k8s/simulate && ../../.venv/bin/python -m unittest

lint:
	scripts/libtorch.sh
	scripts/test_tools.sh
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	cd fuzz && CARGO_TARGET_DIR=../target cargo check --release --locked
	cd scripts/lint_js && npm run --silent lint

# The whole service on this machine, in containers.
stack:
	scripts/stack.sh up

stack-down:
	scripts/stack.sh down

bench: setup
	python3 scripts/bench_setting.py
	cargo bench -p byecaptcha-models
	cargo bench -p byecaptcha-dataset
	cargo build --release
	python3 scripts/bench_serve.py
	cargo build --release -p byecaptcha-api -p byecaptcha-worker
	cargo run --release -p byecaptcha-testbed --bin bench-pipeline
	scripts/bench_dataset.sh # last: it wants Python 3.11 or older

# Ten minutes for each target; SECONDS_EACH=60 for less. A sanitizer is a matter of nightly toolchains, unless one insists.
SECONDS_EACH ?= 600
fuzz: export RUSTC_BOOTSTRAP = 1
fuzz:
	cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --version 0.13.2 --locked
	cd fuzz && for target in $$(cargo fuzz list); do \
	  mkdir -p corpus/$$target && \
	  cargo fuzz run $$target corpus/$$target seeds/$$target -- -max_total_time=$(SECONDS_EACH) -timeout=10 || exit 1; \
	done

# Breaks a whole installation under load; MINUTES=30 for longer.
MINUTES ?= 5
chaos:
	scripts/test_tools.sh
	cargo build --release --workspace --exclude byecaptcha-trainer
	target/release/chaos --minutes $(MINUTES)

train:
	scripts/libtorch.sh
	cargo run --release -p byecaptcha-trainer -- train --config trainer/configs/lean.toml

# The report's networks under one budget of images; hours on a CPU, resumed by the same command.
table6:
	scripts/libtorch.sh
	cargo run --release -p byecaptcha-trainer -- table6
