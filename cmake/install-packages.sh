#!/bin/sh
# Installs the Debian packages that are missing, and nothing else.
# usage: cmake/install-packages.sh [test] [lint] [bench] [npm]     (cmake/packages.txt always; packages-NAME.txt for each NAME)
# Needs root or sudo only when something is missing. Exit 1: something is missing and cannot be installed from here.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

listed() {
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/packages.txt"
    for name in "$@"; do
        sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/packages-$name.txt"
    done
}

missing_packages() {
    listed "$@" | sort -u | while read -r package; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || printf '%s ' "$package"
    done
}

# Runs a command as root: directly, or through sudo, which may ask for a password only if there is a terminal.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    if [ -t 0 ]; then sudo -v; else sudo -n true 2>/dev/null; fi
}

policy=/usr/sbin/policy-rc.d
policy_is_ours=no
remove_policy() {
    if [ "$policy_is_ours" = yes ]; then
        as_root rm -f "$policy"
        policy_is_ours=no
    fi
}

# Packages like nginx start a service when they are installed; the tests start their own processes and need none of that.
forbid_services() {
    [ -e "$policy" ] && return 0
    trap 'remove_policy' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    policy_is_ours=yes
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
}

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "This is not a Debian system. Install what these lists name, then run cmake yourself:" >&2
    listed "$@" | sort -u | tr '\n' ' ' >&2
    echo >&2
    exit 1
fi

missing=$(missing_packages "$@")
[ -n "$missing" ] || exit 0

if ! can_be_root; then
    echo "These packages are missing and installing them takes root or sudo:" >&2
    echo "  $missing" >&2
    echo "Install them with: apt-get install --no-install-recommends $missing" >&2
    exit 1
fi

echo "==> Installing: $missing"
forbid_services
as_root apt-get -q -o DPkg::Lock::Timeout=120 update </dev/null
# shellcheck disable=SC2086  # a list of package names
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
    install --no-install-recommends $missing </dev/null
remove_policy

still=$(missing_packages "$@")
if [ -n "$still" ]; then
    echo "apt-get ended well, yet these packages are not installed: $still" >&2
    exit 1
fi
