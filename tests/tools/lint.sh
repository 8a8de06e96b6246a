#!/usr/bin/env bash
# Format and lint: the Rust of both targets, and the Python of the tests and the demo.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
tests/tools/wasm.sh clippy
.venv/bin/ruff check --no-cache --config wasm-tests/ruff.toml wasm-tests envoy tests/model
