# Sourced by the tests in this folder: a fresh Debian root folder, in $root, removed when the test ends.
# The fresh root is kept as build/chroot/base-CODENAME.tar: remove that file to have it made anew. A test that sets
# `machine` to a list of packages gets a root folder with those in it, which is kept too.
# shellcheck shell=bash

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$@" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "needs root: sudo $0"

# In namespaces of its own: whatever is mounted or left running in the root folder is gone when the test ends.
if [ "${1:-}" != --inside ]; then exec unshare --mount --pid --fork --kill-child -- "$0" --inside; fi
mount -t proc proc /proc

# Packages are linked with the libraries of the system they were built on, so that is where they are tried.
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
base=build/chroot/base-$codename.tar

# The mirror is whatever this machine's apt uses.
# shellcheck disable=SC2016 # the dollar signs are apt-get's
debian_sources() {
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | grep -F " $codename" | sort -u
}

if [ ! -e "$base" ]; then
    echo "making a fresh Debian root folder: $base"
    mkdir -p build/chroot
    if [ -z "$(debian_sources)" ]; then apt-get -qq update; fi
    debian_sources >build/chroot/sources
    [ -s build/chroot/sources ] || fail "this machine's apt knows no mirror of Debian $codename."
    apt-config dump --format '%F "%v";%n' Acquire::http Acquire::https Acquire::Check-Valid-Until Acquire::Check-Date \
        >build/chroot/apt.conf
    mmdebstrap --quiet --variant=minbase --format=tar --aptopt=build/chroot/apt.conf "$codename" "$base.new" \
        build/chroot/sources
    mv "$base.new" "$base"
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/nodeguard-packaging.XXXXXX")
root=$scratch/root
log=$scratch/log
trap 'mountpoint -q "$root/proc" && umount "$root/proc"; rm -rf --one-file-system "$scratch"' EXIT
mkdir "$root"
unpacked=$base
if [ -n "${machine:-}" ]; then
    prepared=build/chroot/machine-$codename-$(cksum <<<"$machine" | cut -d ' ' -f 1).tar
    if [ -e "$prepared" ]; then unpacked=$prepared; fi
fi
tar --extract --directory="$root" --file="$unpacked"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"

in_root() {
    env --ignore-environment HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
        ${https_proxy:+https_proxy="$https_proxy"} chroot "$root" "$@"
}

if [ "${machine:-}" ] && [ "$unpacked" != "$prepared" ]; then
    echo "making a machine of it: $prepared"
    rm -f build/chroot/machine-"$codename"-*.tar
    # A root folder is no machine: nothing is to be started in it.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # shellcheck disable=SC2086 # a list of packages
    if ! { in_root apt-get -qq update && in_root apt-get -qq -y --no-install-recommends install $machine; } \
        >"$log" 2>&1 </dev/null; then
        cat "$log"
        fail "apt could not install: $machine"
    fi
    rm "$root/usr/sbin/policy-rc.d"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    umount "$root/proc"
    tar --create --directory="$root" --file="$prepared.new" .
    mv "$prepared.new" "$prepared"
    mount -t proc proc "$root/proc"
fi

passed=0 failed=0
# check WHAT COMMAND…: the command must succeed.
check() {
    local what=$1 status=0
    shift
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        echo "ok      $what"
        passed=$((passed + 1))
    else
        echo "FAILED  $what (exit status $status): $*"
        sed 's/^/        | /' "$log"
        failed=$((failed + 1))
    fi
}
# exits STATUS COMMAND…: the command must end with exactly this status.
exits() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" -eq "$wanted" ] || {
        echo "ended with $status, should be $wanted"
        return 1
    }
}
# says TEXT COMMAND…: the command must succeed, and print the text.
says() {
    local wanted=$1 output
    shift
    output=$("$@" 2>&1) || { echo "$output" && return 1; }
    grep -qF -- "$wanted" <<<"$output" || {
        printf '%s\n' "$output" "does not say: $wanted"
        return 1
    }
}
# never TEXT COMMAND…: the command must succeed, and not print the text.
never() {
    local unwanted=$1 output
    shift
    output=$("$@" 2>&1) || { echo "$output" && return 1; }
    if grep -F -- "$unwanted" <<<"$output"; then return 1; fi
}
# nothing COMMAND…: the command must succeed, and print nothing.
nothing() {
    local output
    output=$("$@" 2>&1) || { echo "$output" && return 1; }
    [ -z "$output" ] || {
        echo "$output"
        return 1
    }
}
# The last line of a test, and its exit status.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
