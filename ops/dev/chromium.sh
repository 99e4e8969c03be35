#!/usr/bin/env bash
# Makes sure that the browser tests find Chromium: installs Debian's when run as root, otherwise says what to do.
# Never fails: without a browser those tests are skipped and say so.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && exit 0
done

if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    echo "==> Installing Chromium for the browser tests"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get install --yes --quiet --no-install-recommends chromium </dev/null >/dev/null 2>&1 ||
        { apt-get update --quiet </dev/null >/dev/null && apt-get install --yes --quiet --no-install-recommends chromium </dev/null >/dev/null; }; then
        exit 0
    fi
    echo "note: Chromium could not be installed; the browser tests will be skipped." >&2
else
    echo "note: no Chromium found; the browser tests will be skipped (on Debian: apt install chromium)." >&2
fi
