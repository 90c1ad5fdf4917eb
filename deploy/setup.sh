#!/bin/sh
# Make or refresh the virtual environment. Usage: deploy/setup.sh [run|test|engine|ray]
# A stamp holds the digest of the lock file, so a second call does nothing.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}
venv=.venv

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

find_python() {
  for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [ -n "$name" ] || continue
    if command -v "$name" >/dev/null 2>&1 &&
       "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"; return
    fi
  done
  fail "Packshot needs Python 3.11 or newer and found none. Install python3.12 (or name one: PYTHON=/path/to/python make up)."
}

make_venv() {
  python=$(find_python)
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    else
      fail "Python's venv module is missing. Run: sudo apt-get install python3-venv"
    fi
  fi
  "$python" -m venv "$venv" || fail "could not make $venv; remove that folder and try again."
}

# $1 lock file, $2 name of the stamp
install_lock() {
  stamp="$venv/.$2-stamp"
  digest=$(cksum "$1")
  [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && return 0
  printf 'setup: installing %s\n' "$1"
  mkdir -p var/logs || fail "the folder var cannot be written; make it yours with chown."
  log=var/logs/setup.log
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check -q --prefer-binary \
      -r "$1" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    if grep -qiE 'gcc|clang|cc1|compiler|Python\.h' "$log"; then
      fail "a package has to be compiled and no compiler is there. Install one (Debian: sudo apt-get install build-essential python3-dev; macOS: xcode-select --install)."
    fi
    fail "packages could not be installed; the whole log is in $log."
  fi
  printf '%s' "$digest" >"$stamp"
}

[ -x "$venv/bin/python" ] || make_venv
"$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "$venv was made by an old or removed Python; delete that folder and try again."
case "$kind" in
  run) install_lock requirements.lock run ;;
  test) install_lock requirements-test.lock test ;;
  engine) install_lock requirements-test.lock test; install_lock requirements-engine.lock engine ;;
  ray) install_lock requirements-test.lock test; install_lock requirements-ray.lock ray ;;
  *) fail "unknown kind $kind; use run, test, engine or ray." ;;
esac
case "${PACKSHOT_STORAGE_URL:-}" in
  s3://*) install_lock requirements-s3.lock s3 ;;
esac
case "${PACKSHOT_FLEET:-}" in
  kubernetes) install_lock requirements-kubernetes.lock kubernetes ;;
  ray) install_lock requirements-ray.lock ray ;;
esac
