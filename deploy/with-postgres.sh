#!/bin/sh
# Run a command against a PostgreSQL of its own: made in a temporary folder, gone afterwards.
# Usage: deploy/with-postgres.sh COMMAND [ARGUMENT...]
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "${bin:-}/initdb" ] || bin=$(dirname "$(command -v initdb 2>/dev/null || echo /none/initdb)")
[ -x "$bin/initdb" ] || { echo "with-postgres: no PostgreSQL server found; install the package postgresql." >&2; exit 1; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/packshot-postgres.XXXXXX")
as=""
# initdb refuses root; the Debian package brings a user for it.
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"; as="setpriv --reuid=postgres --regid=postgres --init-groups --"
fi
stop() { $as "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"; }
trap stop EXIT INT TERM
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
$as "$bin/initdb" -D "$folder/data" -U packshot --auth=trust --encoding=UTF8 --locale=C >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
# Durability is not what the suite asks of this server.
$as "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/server.log" \
  -o "-c listen_addresses=127.0.0.1 -p $port -k $folder -c fsync=off -c full_page_writes=off -c max_connections=100" start >/dev/null
DATABASE_URL="postgres://packshot@127.0.0.1:$port/postgres" "$@"
