#!/usr/bin/env bash
# Makes what docker-compose.yml needs: .env, and secrets/ with a random secret in each file. What is there is kept, so a
# second run changes nothing; delete a file to have it made anew. All of it is readable by the owner only.
#   ops/compose/env.sh [FOLDER]      (default: the checkout)
set -euo pipefail
umask 077

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "${1:-$checkout}"

random() { # $1 characters out of letters and digits; the dd ends before tr does, so no pipe breaks
    dd if=/dev/urandom bs=1024 count=4 2>/dev/null | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c "1-$1"
}

keep() { # $1: the file; standard input: what it holds if it is not there yet. Whole or not at all.
    if [[ -s "$1" ]]; then
        cat >/dev/null
    else
        cat >"$1.new" && mv "$1.new" "$1"
        echo "made $1"
    fi
    chmod 600 "$1"
}

mkdir -p secrets
chmod 700 secrets

own() { # whoever the containers run as; also when something below fails
    if [[ $(id -u) -eq 0 && -s .env ]]; then
        chown -R "$(sed -n 's/^LTB_UID=//p' .env):$(sed -n 's/^LTB_GID=//p' .env)" secrets
    fi
}
trap own EXIT

# The containers run as the owner of these files. Root would be root in them too, so then they get the image's user.
uid=$(id -u)
gid=$(id -g)
if [[ $uid -eq 0 ]]; then
    uid=10001
    gid=10001
fi
keep .env <<END
# Made by \`make env\`. Settings of docker-compose.yml that may be changed here are in docs/deployment.md.
LTB_UID=$uid
LTB_GID=$gid
END

random 64 | keep secrets/secret-key
random 24 | keep secrets/admin-password
random 48 | keep secrets/metrics-token
random 48 | keep secrets/postgres-password
random 24 | keep secrets/grafana-password
random 48 | keep secrets/redis-password
keep secrets/redis-conf <<END
requirepass $(<secrets/redis-password)
save ""
appendonly no
maxmemory 384mb
maxmemory-policy noeviction
END
keep secrets/redis-url <<<"redis://:$(<secrets/redis-password)@redis:6379/0"

if [[ ! -s secrets/cluster/ca.pem ]]; then
    if [[ -x "$checkout/.venv/bin/llm-test-bench" ]]; then
        "$checkout/.venv/bin/llm-test-bench" cluster certs --out secrets/cluster >/dev/null
    elif command -v docker >/dev/null && docker image inspect "${LTB_IMAGE:-llm-test-bench:local}" >/dev/null 2>&1; then
        mkdir -p secrets/cluster
        docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$PWD/secrets/cluster:/out" \
            "${LTB_IMAGE:-llm-test-bench:local}" cluster certs --out /out >/dev/null
    else
        echo "error: certificates for the cluster need this program: run 'make setup', or build the image with" >&2
        echo "       'docker build --tag llm-test-bench:local .'; then run this again." >&2
        exit 1
    fi
    echo "made secrets/cluster"
fi
