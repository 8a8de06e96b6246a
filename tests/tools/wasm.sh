#!/usr/bin/env bash
# Builds or lints the crate for wasm32-wasip1, and finds a toolchain for that by itself.
#
#   wasm.sh build FILE    writes the module to FILE
#   wasm.sh detect FILE   writes the detector alone to FILE, for a benchmark
#   wasm.sh clippy        lints what only the module contains (src/adapter)
#
# Three ways, in this order; TOLLGATE_WASM_TOOLCHAIN=installed|rustup|debian takes just that one:
#
#   installed  the active toolchain has the target's standard library
#   rustup     rustup fetches it (given a minute: on a closed network it can hang without an answer)
#   debian     Debian's Rust (packages *-web) compiles the standard library from Debian's sources
#
# The way taken is kept in build/.wasm-toolchain, so that a closed network costs its minute once.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/tools/debian.sh

target=wasm32-wasip1
target_dir=${CARGO_TARGET_DIR:-target}
features="-C target-feature=+simd128"
way_taken=build/.wasm-toolchain

try_installed() {
    local libraries
    libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null) || return 1
    compgen -G "$libraries/libstd-*.rlib" >/dev/null
}

try_rustup() {
    command -v rustup >/dev/null || return 1
    echo "asking rustup for $target" >&2
    RUST_BACKTRACE=0 timeout -k 5 60 rustup target add "$target" >&2 && try_installed
}

try_debian() {
    local packages=(rustc-web cargo-web rust-web-src rust-web-llvm wasi-libc)
    [ "$action" != clippy ] || packages+=(rust-web-clippy)
    debian_install "${packages[@]}" || return 1
    # Debian's rust-lld is a link to the linker of the same LLVM (lld-22, say), in a package of that name.
    [ -x /usr/bin/rust-lld ] || debian_install "$(basename "$(readlink /usr/bin/rust-lld)")"
}

choose() {
    local ways=(installed rustup debian) before
    before=$(cat "$way_taken" 2>/dev/null || true)
    case ${TOLLGATE_WASM_TOOLCHAIN:-auto} in
        auto) [ "$before" != debian ] || ways=(installed debian) ;;
        installed | rustup | debian) ways=("$TOLLGATE_WASM_TOOLCHAIN") ;;
        *)
            echo "TOLLGATE_WASM_TOOLCHAIN=$TOLLGATE_WASM_TOOLCHAIN: expected installed, rustup or debian" >&2
            exit 1
            ;;
    esac
    for way in "${ways[@]}"; do
        if "try_$way"; then
            mkdir -p build
            echo "$way" >"$way_taken"
            return
        fi
    done
    echo "No Rust for $target by way of: ${ways[*]}. Best: rustup target add $target" >&2
    exit 1
}

# Debian's compiler is another version than rustup's: it must not share its artefacts.
use_debian() {
    target_dir=$target_dir/debian
    export PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_WASIP1_LINKER=/usr/bin/rust-lld
    features+=" -C link-self-contained=no -L native=/usr/lib/wasm32-wasi"
    build_std=("-Zbuild-std=std,panic_abort")
}

action=${1:-}
build_std=()
choose
[ "$way" != debian ] || use_debian
echo "$target toolchain: $way, $(rustc --version)"

unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS # they would hide the target's own flags
export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS=$features
options=(--locked --target "$target" --target-dir "$target_dir" "${build_std[@]}")

case $action in
    build)
        cargo build --release --lib "${options[@]}"
        mkdir -p "$(dirname "$2")"
        cp "$target_dir/$target/release/tollgate.wasm" "$2.new"
        mv "$2.new" "$2"
        ;;
    detect)
        cargo build --release --example detect "${options[@]}"
        mkdir -p "$(dirname "$2")"
        cp "$target_dir/$target/release/examples/detect.wasm" "$2"
        ;;
    clippy) cargo clippy --lib "${options[@]}" -- -D warnings ;;
    *)
        echo "usage: wasm.sh build FILE | detect FILE | clippy" >&2
        exit 2
        ;;
esac
