#!/bin/sh
# Builds and runs the tests; the last thing printed is one ctest summary of all of them.
# usage: cmake/test.sh [--long] [arguments of ctest]          e.g. cmake/test.sh -R unit.wire
#
#   build/release  g++ -O2                        the program, driven by the integration tests
#   build/asan     clang, ASan, UBSan, libFuzzer  unit tests; fuzz targets: their corpus, then 5 s each (a minute with --long)
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

fuzz_seconds=5
skip_label=--label-exclude
if [ "${1:-}" = --long ]; then
    shift
    fuzz_seconds=60
    skip_label=
fi

started=$(date +%s)
step() {
    printf '==> %s (after %s s)\n' "$*" "$(($(date +%s) - started))"
}

step "Packages"
cmake/install-packages.sh test
cmake/install-npm.sh
cmake/install-browser.sh

build() {
    preset=$1 target=$2
    shift 2
    step "Configuring build/$preset"
    cmake --preset "$preset" "$@" </dev/null
    step "Building build/$preset"
    cmake --build "build/$preset" --target "$target" </dev/null
}
# Only what each tree is for is built: unit tests run with sanitizers, integration tests on the optimised program.
build release instatunnel -DIT_WERROR=ON
build asan tests/all -DIT_WERROR=ON "-DIT_FUZZ_SECONDS=$fuzz_seconds"

# One ctest over both trees, so that there is one summary.
cat >build/CTestTestfile.cmake <<'TESTS'
subdirs("asan/tests" "release/tests/integration")
TESTS

step "Tests"
# Two for each processor: most tests wait for something the larger part of their time.
# shellcheck disable=SC2086  # two words or none
exec ctest --test-dir build --output-on-failure --parallel "$(($(nproc) * 2))" --no-tests=error ${skip_label:+$skip_label long} "$@" </dev/null
