# What can be done here. Every target may be repeated; none leaves a process behind.
#
# CARGO_TARGET_DIR        where cargo builds; default: target
# DEMO_KUBECONFIG=FILE    runs the demo on a cluster that is there already
# BENCH_OBJECTS=N         a smaller bench; default: 1000
# TEST=NAME               runs only the tests whose names hold NAME

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build demo test bench lint generate image clean setup parts

export DEMO_KUBECONFIG BENCH_OBJECTS TEST

# Asked of cargo itself, which may be told by the environment or by a file.
target_dir = $$(cargo metadata --format-version 1 --no-deps --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@sed -n 's/^# \([A-Z_]*[=A-Z]*  .*\)/  \1/p' $(MAKEFILE_LIST)

build: setup-cargo ## Build the release binary
	@echo "building the release binary (minutes the first time) ..."
	@cargo build --release --locked -p paramsync
	@ls -lh "$(target_dir)/release/paramsync" | awk '{ print "built " $$NF " (" $$5 ")" }'

demo: parts ## Show it all on real parts: from a ParameterSync to a Secret, a change, a repair, a freeze
	@"$(target_dir)/debug/demo"

test: parts ## Run all tests, end to end on real parts too
	@tests/run

bench: parts build ## Measure what calendars cost, and calls, decrypts, seconds, CPU and memory at 1,000 ParameterSyncs
	@cargo run --release --locked --quiet -p calendar-bench
	@"$(target_dir)/debug/bench" "$(target_dir)/release/paramsync"

lint: setup ## Check format, clippy, scripts, dependencies, chart and docs
	@tests/lint

generate: parts ## Write what follows from the types: crds/, docs/reference.md, the chart's copies, deploy/
	@paramsync="$(target_dir)/debug/paramsync"; \
	"$$paramsync" crd --out crds; \
	"$$paramsync" crd --reference >docs/reference.md.new; \
	mv docs/reference.md.new docs/reference.md; \
	HELM=$$(tests/setup --print helm) charts/generate
	@echo "crds/, docs/reference.md, charts/paramsync and deploy/ are up to date"

image: ## Build the container image paramsync:dev, with docker, podman or buildah
	@for tool in docker podman buildah; do \
	  if command -v $$tool >/dev/null && $$tool info >/dev/null 2>&1; then exec $$tool build -t paramsync:dev .; fi; \
	done; \
	echo "make image: needs docker (with a running daemon), podman or buildah; none of them works here" >&2; exit 1

clean: setup-cargo ## Remove what cargo built here; the tools in the cache stay
	@cargo clean

# The programs that everything runs on, fetched and built once a machine.
setup: setup-cargo
	@tests/setup

.PHONY: setup-cargo
setup-cargo:
	@command -v cargo >/dev/null || { echo "this machine has no cargo (Rust 1.95 or newer): https://rustup.rs" >&2; exit 1; }

# One build for tests, demo and bench. A plain `cargo build` would choose other features and build kube twice.
parts: setup
	@echo "building (minutes the first time, nothing the second) ..."
	@cargo test --workspace --locked --no-run --quiet
