#!/usr/bin/env bash
# Creates .venv and installs exactly wasm-tests/requirements.txt in it: the test tools, the client SDKs and Envoy.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/tools/debian.sh

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python: Python 3.11 or newer is needed; PYTHON=... names another" >&2
    exit 1
}

# A half-made environment, or one whose Python has gone, is made afresh.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
    "$python" -m venv .venv || {
        debian_install python3-venv
        "$python" -m venv --clear .venv
    }
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r wasm-tests/requirements.txt
touch .venv/.installed
