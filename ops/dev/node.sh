#!/usr/bin/env bash
# Says what is missing unless Node >= 20.19 (what the web build needs) and npm are there.
set -euo pipefail

version=$(node --version 2>/dev/null || true)
IFS=. read -r major minor _ <<<"${version#v}"
if [[ -z "$version" ]] || ((major < 20 || (major == 20 && minor < 19))) || ! command -v npm >/dev/null; then
    echo "error: Node 20.19 or newer with npm is needed to build the dashboard (node says: ${version:-not found})." >&2
    exit 1
fi
