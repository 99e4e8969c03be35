#!/usr/bin/env bash
# Puts Debian's Prometheus and promtool into .tools, for checking ops/ against the real thing. Nothing is installed into
# the system and no service is started: the package is only unpacked. Does nothing when both are there already.
# Never fails: without them those checks are skipped and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    exit 0
fi
if [[ -x .tools/usr/bin/prometheus && -x .tools/usr/bin/promtool ]]; then
    exit 0
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "note: no Prometheus found; alert rules and dashboards will not be tried (on Debian: apt install prometheus)." >&2
    exit 0
fi

echo "==> Unpacking Debian's Prometheus into .tools"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder" # apt-get run as root downloads as another user
download() { (cd "$folder" && apt-get download --quiet prometheus </dev/null >/dev/null 2>&1); }
update() { [[ $(id -u) -eq 0 ]] && apt-get update --quiet </dev/null >/dev/null 2>&1; }
if download || { update && download; }; then
    mkdir -p .tools
    dpkg-deb --extract "$folder"/prometheus_*.deb "$folder/unpacked"
    rm -rf .tools/usr
    mkdir -p .tools/usr
    mv "$folder/unpacked/usr/bin" .tools/usr/bin
else
    echo "note: Prometheus could not be downloaded; alert rules and dashboards will not be tried." >&2
fi
