#!/usr/bin/env bash
# Writes the training corpus of the names-and-addresses model: build/model/train.jsonl and test.jsonl.
# The packages that it is made of are pinned, with hashes, in tests/model/requirements.txt and tests/model/negatives.toml.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/tools/debian.sh

python=${PYTHON:-python3}
venv=build/model/venv
mkdir -p build/model
if ! cmp -s tests/model/requirements.txt "$venv/.installed"; then
    "$python" -m venv --clear "$venv" || {
        debian_install python3-venv
        "$python" -m venv --clear "$venv"
    }
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/model/requirements.txt
    cp tests/model/requirements.txt "$venv/.installed"
fi
"$venv/bin/python" tests/model/negatives.py fetch
export PYTHONHASHSEED=0
"$venv/bin/python" -m unittest discover --quiet --start-directory tests/model
"$venv/bin/python" tests/model/generate.py "$@"
