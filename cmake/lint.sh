#!/bin/sh
# Checks that need no build: format, shell scripts, Python sources, and a compiler defect to keep clear of.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
cmake/install-packages.sh lint
failed=no

echo "==> Format"
# shellcheck disable=SC2016  # $0 is for the inner shell
unformatted=$(find src include tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 | sort -z |
    xargs -0 -r -n 1 -P 2 sh -c 'clang-format-14 --dry-run -Werror "$0" >/dev/null 2>&1 || echo "  clang-format-14 -i $0"' | sort)
if [ -n "$unformatted" ]; then
    printf 'Not formatted; mend with:\n%s\n' "$unformatted" >&2
    failed=yes
fi

echo "==> Shell scripts"
shellcheck cmake/*.sh .ci/run || failed=yes

echo "==> Python sources"
find tests -name '*.py' -print0 |
    PYTHONUTF8=1 xargs -0 -r /usr/bin/python3 -c '
import sys
for path in sys.argv[1:]:
    compile(open(path, encoding="utf-8").read(), path, "exec")
' || failed=yes

# g++ 12 frees the captures of such a lambda twice; name the lambda first, then co_await the call.
echo "==> Lambdas inside co_await expressions"
find src include tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
    PYTHONUTF8=1 xargs -0 -r /usr/bin/python3 -c '
import re, sys
pattern = re.compile(r"\bco_await\b[^;{}]*[(,=]\s*\[[^\[\]]+\]\s*[({]")
bad = 0
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    for found in pattern.finditer(text):
        print("%s:%d: lambda with a capture inside a co_await expression" % (path, text.count("\n", 0, found.start()) + 1))
        bad = 1
sys.exit(bad)
' || failed=yes

if [ "$failed" = yes ]; then
    echo "Lint failed: see above." >&2
    exit 1
fi
