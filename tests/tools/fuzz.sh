#!/usr/bin/env bash
# Runs every fuzz target for a number of executions, and says what came of each.
#
#   fuzz.sh [TARGET…]     FUZZ_RUNS executions each (100,000 unless set)
#
# libFuzzer comes with a crate and needs a C++ compiler, and no other tool: the compiler's own coverage pass does what
# cargo-fuzz would ask of it. What is found is left in build/fuzz/.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${FUZZ_RUNS:-100000}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(detect splice restore)
if ! command -v c++ >/dev/null; then
    echo "no C++ compiler: the fuzz targets are not run" >&2
    exit 0
fi

host=$(rustc -vV | sed -n 's/^host: //p')
out=${CARGO_TARGET_DIR:-target}/fuzz
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
# With a target of its own, build scripts are left alone.
RUSTFLAGS=$flags cargo build --release --manifest-path tests/fuzz/Cargo.toml --target "$host" --target-dir "$out"

for target in "${targets[@]}"; do
    mkdir -p "build/fuzz/$target"
    log=build/fuzz/$target.log
    if ! "$out/$host/release/$target" -runs="$runs" -max_len=2048 -timeout=10 -print_final_stats=1 \
        -dict=tests/fuzz/words.dict -artifact_prefix="build/fuzz/$target-" "build/fuzz/$target" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "$target: FAULT, see $log" >&2
        exit 1
    fi
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, no fault"
done
