#!/usr/bin/env bash
# Makes sure that there is a Rust toolchain; with `lint`, that it has rustfmt and clippy.
# Cargo.toml's rust-version, checked by cargo itself, says how new it must be.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/tools/debian.sh

if ! command -v cargo >/dev/null && ! debian_install rustc-web cargo-web; then
    echo "No Rust toolchain (cargo). Install the stable one with rustup, then run this again." >&2
    exit 1
fi

[ "${1:-}" = lint ] || exit 0
for tool in fmt clippy; do
    cargo "$tool" --version >/dev/null 2>&1 && continue
    echo "this toolchain has no cargo $tool" >&2
    case $tool in
        fmt) component=rustfmt package=rustfmt-web ;;
        clippy) component=clippy package=rust-web-clippy ;;
    esac
    if command -v rustup >/dev/null; then
        timeout -k 5 60 rustup component add "$component" && continue
    elif debian_install "$package"; then
        continue
    fi
    echo "make lint needs $component: rustup component add $component" >&2
    exit 1
done
