#!/bin/sh
# From a bare Debian 12 and this checkout to a running tunnel: installs what is missing, builds, runs `instatunnel demo`.
# usage: cmake/demo.sh [arguments of `instatunnel demo`]      e.g. cmake/demo.sh 3000, cmake/demo.sh --once
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
tree=$root/build/release

"$root/cmake/install-packages.sh"

# A tree that somebody configured with tests keeps them: only the program is built here in either case.
if [ ! -f "$tree/build.ninja" ]; then
    echo "==> Configuring build/release"
    (cd "$root" && cmake --preset release -DBUILD_TESTING=OFF </dev/null >&2)
fi
echo "==> Building instatunnel (the first time takes some minutes)"
cmake --build "$tree" --target instatunnel </dev/null >&2

exec "$tree/instatunnel" demo "$@"
