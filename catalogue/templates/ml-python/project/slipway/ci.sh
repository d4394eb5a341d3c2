#!/bin/sh
# What CI does, one step each. .github/workflows/ci.yaml and .tekton/ci.yaml both call it, so that they do the same.
#
#     sh slipway/ci.sh install | lint | unit | keys | pipeline | again | behaviour | keep | report
#     sh slipway/ci.sh all     one after the other, to the report, which comes whatever fails
#
# Without packages or without a model nothing more is tried; what lint and unit tests find hides no numbers. Either way
# the run fails in the end, and the report says at what. It runs by hand too. Data is fetched and kept only with the
# bucket's key, a report is sent only with Slipway's.
set -eu
cd "$(dirname "$0")/.."

PYTHON=3.11 # that requirements.lock is made for; .tekton/ci.yaml takes the image of this version
cache="${SLIPWAY_CI_CACHE:-$PWD/.ci-cache}"
failed=".ci-cache/failed"
venv="$cache/venv-$(sha256sum requirements.lock | cut -c 1-16)"

# The version of a Python that can make environments; nothing when it can't, or isn't there.
version() {
    "$1" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null || true
}

# Runners have the right one under several names, or only another one.
a_python() {
    for one in python3 "python$PYTHON" "${RUNNER_TOOL_CACHE:-/opt/hostedtoolcache}/Python/$PYTHON".*/*/bin/python3; do
        if test "$(version "$one")" = "$PYTHON"; then
            echo "$one"
            return
        fi
    done
    echo "This runner has no Python $PYTHON, so $(python3 --version) is taken. Slipway is told: it is another environment." >&2
    echo python3
}

install() {
    mkdir -p "$cache"
    exec 9> "$venv.lock"
    flock 9
    python="$(a_python)"
    if test ! -e "$venv/complete" || test "$(version "$venv/bin/python")" != "$(version "$python")"; then
        rm -f "$venv/complete"
        "$python" -m venv --clear "$venv"
        "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r requirements.lock
        touch "$venv/complete"
    fi
    "$venv/bin/python" --version
}

lint() {
    ruff check .
    ruff format --check .
}

unit() {
    pytest -q tests/unit
}

# Where the forge runs CI: from the repository's secrets to variables of the later steps. As the report, this needs no
# package: where none could be installed, the runner's own Python does.
keys() {
    python3 slipway/keys.py >> "$GITHUB_ENV"
}

has_key() {
    test -n "${AWS_ACCESS_KEY_ID:-}"
}

# Own data is that which git pins. Only a training takes what DVC imports (dvc import-url) as it is there now.
own_data() {
    if test -z "${SLIPWAY_TRAINING:-}"; then
        git ls-files -z '*.dvc' | xargs -0 dvc pull
    else
        git ls-files -z '*.dvc' | xargs -0 grep -LZ '^deps:' | xargs -0 -r dvc pull
        git ls-files -z '*.dvc' | xargs -0 grep -lZ '^deps:' | xargs -0 -r dvc update
    fi
}

# Own data comes from the bucket, the pipeline makes the rest; by force, since a cache may have it from some other day.
pipeline() {
    if test -n "$(git ls-files '*.dvc')"; then
        if has_key; then
            own_data
        else
            echo "No key for the bucket here, so the data that DVC tracks can't be fetched."
        fi
    fi
    dvc repro --force
}

# Training twice costs twice. Whether it comes to the same is asked of trainings and of the default branch, for which
# Slipway judges it; and by hand.
is_repeated() {
    if test -n "${SLIPWAY_TRAINING:-}"; then return 0; fi
    if test -n "${SLIPWAY_PULL_REQUEST:-}${GITHUB_HEAD_REF:-}"; then return 1; fi
    default="${SLIPWAY_DEFAULT_BRANCH:-$(git symbolic-ref --quiet --short refs/remotes/origin/HEAD 2> /dev/null || true)}"
    case "${GITHUB_REF_NAME:-}" in
        "" | "${default#origin/}") return 0 ;;
        main | master) test -z "$default" ;;
        *) return 1 ;;
    esac
}

again() {
    rm -f metrics/first.json
    if ! is_repeated; then
        echo "Only the default branch and trainings run it again."
        return
    fi
    cp metrics/metrics.json metrics/first.json
    dvc repro --quiet --force
    if is_same; then echo "The same metrics again."; else echo "Other metrics, from the same code and data."; fi
}

is_same() {
    cmp -s metrics/first.json metrics/metrics.json
}

# Results of an earlier run must not be taken for those of this one.
behaviour() {
    rm -f metrics/tests.json
    pytest -q tests/data tests/model
}

# The bytes, and which ones they were: dvc.lock and *.dvc as they are now end with this run.
keep() {
    if has_key; then
        dvc push --quiet
        python -m slipway.runs keep
    else
        echo "No key for the bucket here."
    fi
}

report() {
    if test ! -e metrics/first.json; then set --; elif is_same; then set -- yes; else set -- no; fi
    python3 slipway/report.py ${1:+--reproduced "$1"}
}

all() {
    fell="" stopped=""
    for step in install lint unit pipeline again behaviour keep report; do
        if test -n "$stopped" && test "$step" != report; then continue; fi
        echo "== $step"
        if sh slipway/ci.sh "$step"; then continue; fi
        fell="$fell $step"
        case "$step" in install | pipeline | again) stopped=yes ;; esac
    done
    if test -n "$fell"; then
        echo "Failed:$fell"
        exit 1
    fi
}

# Run a step, and keep what it said where it fails: the report tells. It counts as failed until it has ended well, so that
# one which is killed, and this shell with it, is not taken for one that never began.
told() {
    said="$failed/$1" ended=".ci-cache/ended"
    # It is the first one: what is there is of another run.
    if test "$1" = install; then rm -rf "$failed"; fi
    mkdir -p "$failed"
    rm -f "$ended"
    {
        set +e
        (
            set -e
            "$1"
        )
        echo $? > "$ended"
    } 2>&1 | tee "$said"
    code="$(cat "$ended")"
    if test "$code" = 0; then rm -f "$said"; fi
    exit "$code"
}

export PYTHONPATH=src OMP_NUM_THREADS=1
# A forge's own CI is started by hand for a training only, by Slipway or by somebody.
if test "${GITHUB_EVENT_NAME:-}" = workflow_dispatch; then export SLIPWAY_TRAINING=yes; fi
# Postgres' library takes the authority that it is to trust from a file only.
if test -n "${DATABASE_CA:-}" && test -z "${PGSSLROOTCERT:-}"; then
    export PGSSLROOTCERT="$PWD/.ci-cache/database-ca.pem"
    mkdir -p .ci-cache
    printf '%s' "$DATABASE_CA" | base64 -d > "$PGSSLROOTCERT"
fi
step="${1:-}"
case "$step" in
    all) all ;;
    install) told install ;;
    lint | unit | pipeline | again)
        PATH="$venv/bin:$PATH"
        told "$step"
        ;;
    keys | behaviour | keep | report)
        PATH="$venv/bin:$PATH"
        "$step"
        ;;
    *)
        echo "There is no step '$step'; slipway/ci.sh says which there are." >&2
        exit 2
        ;;
esac
