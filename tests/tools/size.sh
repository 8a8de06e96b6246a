#!/usr/bin/env bash
# Says how big the module is, as it is and as an OCI registry or a compressing server sends it.
set -euo pipefail
module=$1
aim=$((2 * 1024 * 1024))

bytes=$(wc -c <"$module")
packed=$(gzip -9 <"$module" | wc -c)
mib() { awk -v bytes="$1" 'BEGIN { printf "%.2f MiB", bytes / 1048576 }'; }

verdict="within the aim of"
[ "$bytes" -le "$aim" ] || verdict="OVER the aim of"
echo "$module: $bytes bytes, $(mib "$bytes"), $verdict $(mib "$aim"); gzip -9: $packed bytes, $(mib "$packed")"
