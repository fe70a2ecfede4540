#!/bin/sh
# Installs what the tests take from npm (tests/support/npm, exact versions) into build/npm, if it is not there yet.
# Without npm or its registry the tests that need it are skipped: build/npm/why-not says why. Runs no scripts of packages.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
wanted=$root/tests/support/npm
folder=$root/build/npm

if [ -d "$folder/node_modules" ] && cmp -s "$wanted/package-lock.json" "$folder/package-lock.json" && [ ! -e "$folder/why-not" ]; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
give_up() {
    printf '%s\n' "$1" >"$folder/why-not"
    printf '%s: the tests that need it are skipped\n' "$1" >&2
    exit 0
}
command -v npm >/dev/null 2>&1 || "$root/cmake/install-packages.sh" npm || give_up "npm cannot be installed"
cp "$wanted/package.json" "$wanted/package-lock.json" "$folder/"
if ! timeout 300 npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null; then
    rm -rf "$folder/node_modules"
    give_up "npm could not install the packages of tests/support/npm"
fi
