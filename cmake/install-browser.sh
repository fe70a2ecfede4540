#!/bin/sh
# Installs the browser that the tests of the pages drive, if it is not there yet. Where it cannot be installed those tests
# are skipped: build/browser/why-not says why.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=$root/build/browser

rm -rf "$folder"
command -v chromium >/dev/null 2>&1 || "$root/cmake/install-packages.sh" browser || {
    mkdir -p "$folder"
    printf 'chromium cannot be installed\n' | tee "$folder/why-not" >&2
    echo 'The tests that need it are skipped' >&2
}
