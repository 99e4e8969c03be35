#!/usr/bin/env bash
# Says what is missing unless Node >= 20 and npm are there.
set -euo pipefail

version=$(node --version 2>/dev/null || true)
major=${version#v}
major=${major%%.*}
if [[ -z "$version" ]] || ((major < 20)) || ! command -v npm >/dev/null; then
    echo "error: Node 20 or newer with npm is needed to build the dashboard (node says: ${version:-not found})." >&2
    exit 1
fi
