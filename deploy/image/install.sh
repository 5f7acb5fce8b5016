#!/bin/sh
# install.sh FOLDER LOCK: a Python environment with what the lock lists, hash by hash, and nothing that is only for installing.
set -eu
folder=$1 lock=$2
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-deps --require-hashes -r "$lock"
"$folder/bin/python" -m pip uninstall --quiet --yes setuptools pip 2>/dev/null || true
find "$folder" -type d \( -name tests -o -name test -o -name __pycache__ \) -path '*/site-packages/*' -prune -exec rm -rf {} +
