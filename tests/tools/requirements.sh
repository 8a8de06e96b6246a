#!/usr/bin/env bash
# Writes wasm-tests/requirements.txt from requirements.in: newest fitting versions, with the hashes of their files.
set -euo pipefail
cd "$(dirname "$0")/../.."

python3 -m venv build/pip-tools
build/pip-tools/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2
cd wasm-tests
PIP_FIND_LINKS='' ../build/pip-tools/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
    --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
