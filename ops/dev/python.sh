#!/usr/bin/env bash
# Prints the first usable Python >= 3.11, or says what is missing. $PYTHON is the only candidate when it is set.
set -euo pipefail

usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [[ -n "${PYTHON:-}" ]]; then
    candidates=("$PYTHON")
else
    candidates=(python3 python3.14 python3.13 python3.12 python3.11)
fi

for candidate in "${candidates[@]}"; do
    usable "$candidate" || continue
    if ! "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "error: $candidate cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
    command -v "$candidate"
    exit 0
done

found=$("${candidates[0]}" --version 2>/dev/null | head -n 1 || true)
echo "error: Python 3.11 or newer is needed (tried: ${candidates[*]}; ${candidates[0]} says: ${found:-not found})." >&2
echo "       Install it, or name it: make setup PYTHON=/path/to/python3.12" >&2
exit 1
