#!/usr/bin/env bash
# Writes requirements.txt from requirements.in for the tests and for the model's corpus: newest fitting versions, with the
# hashes of their files.
set -euo pipefail
cd "$(dirname "$0")/../.."

python3 -m venv build/pip-tools
build/pip-tools/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2
compile=$PWD/build/pip-tools/bin/pip-compile
for folder in wasm-tests tests/model; do
    (
        cd "$folder"
        PIP_FIND_LINKS='' "$compile" --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
            --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
    )
done
