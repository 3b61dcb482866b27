#!/usr/bin/env bash
# Runs the store's verbs on S3 servers that nobody here wrote: moto (Python) and s3rver (Node). A server that is
# not installed is skipped with a line. What the verbs say must be what they say of a folder.
#
#   scripts/foreign-s3.sh [OICX]      OICX is the binary, target/debug/oicx if none is named
#
# To install them: pip install 'moto[server,s3]', npm install -g s3rver.
set -euo pipefail
cd "$(dirname "$0")/.."
oicx=$(realpath "${1:-target/debug/oicx}")
work=$(mktemp -d)
export OICX_STATE_FOLDER=$work/state XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache
export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER AWS_REGION=us-east-1
started=()
end() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap end EXIT

# Starts a server, and waits until its output has an address.
start() { # name, command…
    local name=$1
    shift
    "$@" >"$work/$name.out" 2>&1 &
    started+=($!)
    for _ in $(seq 100); do
        grep -qE '(127\.0\.0\.1|localhost):[0-9]+' "$work/$name.out" && return 0
        sleep 0.1
    done
    cat "$work/$name.out" >&2
    return 1
}

port_of() { grep -oE '(127\.0\.0\.1|localhost):[0-9]+' "$work/$1.out" | head -1 | grep -oE '[0-9]+$'; }

start sim "$oicx" sim --listen 127.0.0.1:0 --landscape tests/support/projects.toml
sim=$(port_of sim)

config() { # name, lines of the store
    cat >"$work/$1.toml" <<END
$2

[environments.prod]
url = "http://127.0.0.1:$sim"
instance = "acme-prod"

[environments.prod.auth]
type = "client_credentials"
token_url = "http://127.0.0.1:$sim/oauth2/v1/token"
client_id = "oicx"
client_secret = { env = "OICX_DEMO_SECRET" }
scope = "all"
END
}
export OICX_DEMO_SECRET=demo

# Every verb of the store, each with the exit codes that are right for it.
verbs() { # name
    local run=("$oicx" --config "$work/$1.toml" --quiet)
    local steps=(
        "backup prod" "backup prod --tag again" "verify --deep" "snapshots" "history PEOPLE/PAY_FEED"
        "inspect store:prod/GLOBAL_ONE" "diff prod:GLOBAL_ONE store:prod/GLOBAL_ONE"
        "restore store:prod/GLOBAL_ONE --to prod --yes" "copy --to $work/copy-$1"
        "prune --keep-last 1 --yes" "verify --deep"
    )
    local step code
    for step in "${steps[@]}"; do
        code=0
        # shellcheck disable=SC2086 # the words of a step are its arguments
        "${run[@]}" $step || code=$?
        echo "$step: exit $code"
        # A backup that could not see certificates ends with 3.
        [[ $code = 0 || ($code = 3 && $step = backup*) ]] || return 1
    done
}

said() { sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]+Z?(-[a-z]+)?(-[0-9a-f]{8})?/TIME/g; s/[0-9.]+ (s|KB|MB)\b/N \1/g; s#'"$work"'[^ :]*#STORE#g; s#s3://backups/oic#STORE#g'; }

same_as_folder() { # name
    verbs "$1" 2>&1 | said >"$work/$1.said" || {
        cat "$work/$1.said"
        echo "$1: FAILED"
        return 1
    }
    if diff -u "$work/folder.said" "$work/$1.said"; then
        echo "$1: the same as a folder"
    else
        echo "$1: not the same as a folder"
        return 1
    fi
}

config folder "store = \"$work/store\""
verbs folder 2>&1 | said >"$work/folder.said" || { cat "$work/folder.said"; exit 1; }
failed=0

# Runs the verbs on a server that is started, and says where they differ.
try_server() { # name
    config "$1" "store = \"s3://backups/oic\"
[store_options]
endpoint = \"http://127.0.0.1:$(port_of "$1")\""
    same_as_folder "$1" || failed=1
}

if python3 -c 'import moto.server' 2>/dev/null; then
    start moto python3 -m moto.server -H 127.0.0.1 -p 0
    curl -fsS -X PUT "http://127.0.0.1:$(port_of moto)/backups" >/dev/null
    try_server moto
else
    echo "moto is not installed: skipped"
fi

if command -v s3rver >/dev/null 2>&1; then
    start s3rver s3rver --directory "$work/s3rver" --address 127.0.0.1 --port "${S3RVER_PORT:-4568}" \
        --configure-bucket backups
    try_server s3rver
else
    echo "s3rver is not installed: skipped"
fi
exit $failed
