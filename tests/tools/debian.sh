# shellcheck shell=bash
# Sourced, not run. Debian's packages as the last way to something the machine lacks.

# Installs the packages named, unless they are all there. Never removes another package to make room.
debian_install() {
    command -v apt-get >/dev/null || {
        echo "$*: not installed, and this is no Debian (no apt-get)" >&2
        return 1
    }
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    echo "installing Debian's ${missing[*]}" >&2
    "${root[@]}" timeout 300 apt-get update -qq >&2 || echo "apt-get update failed: trying with the old lists" >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 600 \
        apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-remove --no-install-recommends "${missing[@]}" >&2
}
