#!/bin/sh
# assemble.sh SERVICE SOURCE FOLDER: the source of one service beside its environment, compiled once so that starts are quick.
# SERVICE `migrate` takes every service's folder: it brings all schemas up to date.
set -eu
service=$1 source=$2 folder=$3
app=$folder/app
mkdir -p "$app/services"
for room in chassis schemas knowledge local; do cp -R "$source/$room" "$app/$room"; done
cp "$source/services/__init__.py" "$app/services/"
for room in "$source"/services/*/; do
    name=$(basename "$room")
    if [ "$service" = migrate ] || [ "$service" = "$name" ]; then cp -R "$source/services/$name" "$app/services/$name"; fi
done
test "$service" = migrate || test -d "$app/services/$service" || { echo "SERVICE=$service is no service" >&2; exit 1; }
find "$app" -type d -name __pycache__ -prune -exec rm -rf {} +
"$folder/bin/python" -m compileall -q "$app" "$folder/lib"
