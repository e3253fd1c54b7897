#!/bin/sh
# The original's benchmark_local-setup.sh: start what config/benchmark.json says, run the benchmark there, end it all.
# Arguments go to `integritee play benchmark`: --clients COUNT (20), --transfers COUNT (100).
# Exit code: 0 if the benchmark ended with its report, for which the original does not look.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(command -v integritee || echo "$here/../.venv/bin/integritee")
place=$(mktemp -d)

cd "$place"
"$program" local-setup "$here/config/benchmark.json" >said 2>&1 &
setup=$!
trap 'kill "$setup" 2>/dev/null || true; wait "$setup" || true; cd /; rm -rf "$place"' EXIT
trap 'exit 1' HUP INT TERM

until grep -q "All are ready" said; do
  kill -0 "$setup" 2>/dev/null || { cat said >&2; exit 1; }
  sleep 0.2
done
ulimit -S -n 4096 2>/dev/null || true
"$program" play benchmark -p 9930 -A 2030 "$@"
