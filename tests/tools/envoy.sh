#!/usr/bin/env bash
# Makes build/envoy a link to the Envoy in .venv, and proves that it runs.
set -euo pipefail
cd "$(dirname "$0")/../.."

mkdir -p build
package=$(.venv/bin/python -c 'import importlib.util as i; print(i.find_spec("envoy").submodule_search_locations[0])')
ln -sfn "$(realpath --relative-to=build "$package/_bin/envoy")" build/envoy
build/envoy --version
