#!/bin/bash
# Sourced by tests/run, tests/try and tests/bench; top is the top of the source tree.

: "${top:?}"

need_fuse() {
    if ! [ -r /dev/fuse ] || ! [ -w /dev/fuse ]; then
        echo "${0##*/}: /dev/fuse is missing or not accessible: real mounts need it" \
            "(in a container: --device /dev/fuse --cap-add SYS_ADMIN)" >&2
        exit 1
    fi
}

# need_packages [LIST]: installs what tests/LIST (packages) lists, unless all of it is there.
need_packages() {
    local list=${1:-packages} package missing=() as_root=()
    while read -r package; do
        if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
            missing+=("$package")
        fi
    done <"$top/tests/$list"
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    echo "installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# build DIRECTORY [MESON OPTION...]: sets up once, then compiles what changed.
build() {
    local directory=$1
    shift
    if [ -e "$directory/build.ninja" ]; then
        meson configure "$directory" "$@" >/dev/null
    else
        meson setup "$directory" "$top" "$@"
    fi
    meson compile -C "$directory"
}
