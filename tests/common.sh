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

# apt_get WORD...: as root, and not while another has the lock: fresh machines upgrade themselves at
# boot. apt's own option waits for the lock of dpkg alone, not for those of the lists and archives.
apt_get() {
    local patience=300 end errors status as_root=()
    end=$((SECONDS + patience))
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
        if ! command -v sudo >/dev/null; then
            echo "${0##*/}: only root can install packages, and there is no sudo" >&2
            return 1
        fi
    fi
    errors=$(mktemp)
    while true; do
        status=0
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
            apt-get -q -o "DPkg::Lock::Timeout=$patience" "$@" 2>"$errors" || status=$?
        if [ $status -eq 0 ] || [ $SECONDS -ge $end ] || ! grep -q 'Could not get lock' "$errors"; then
            break
        fi
        sleep 1
    done
    cat "$errors" >&2
    rm -f "$errors"
    return $status
}

# need_packages LIST...: installs what each tests/LIST lists, unless all of it is there.
need_packages() {
    local list package missing=()
    for list; do
        while read -r package; do
            if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
                missing+=("$package")
            fi
        done <"$top/tests/$list"
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    echo "installing ${missing[*]}"
    apt_get update &&
        apt_get install -y --no-install-recommends "${missing[@]}"
}

# configure DIRECTORY [MESON OPTION...]: sets the build up, or changes its options.
configure() {
    local directory=$1
    shift
    if [ -e "$directory/build.ninja" ]; then
        meson configure "$directory" "$@" >/dev/null
    else
        meson setup "$directory" "$top" "$@"
    fi
}

# build DIRECTORY [MESON OPTION...]: compiles what changed.
build() {
    configure "$@" && meson compile -C "$1"
}
