#!/bin/sh
# install.sh FOLDER LOCK: a Python environment with what the lock lists, hash by hash.
set -eu
folder=$1 lock=$2
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-deps --require-hashes -r "$lock"
