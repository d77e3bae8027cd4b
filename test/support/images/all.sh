#!/usr/bin/env bash
# Begins to make all images and is done at once: they are made while the types are checked. A test that needs one runs its
# script again, and so waits for it, or fails with what it says. Here that goes to .tap/images.log.
#
#   all.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
log=$PWD/../../../.tap/images.log
mkdir -p "$(dirname "$log")"
export NODE
NODE=$(node -p process.execPath)
exec </dev/null >"$log" 2>&1
for script in build languages servers vault edge; do ./$script.sh & done
if [ "$(id -u)" = 0 ]; then ../fleet/build-image.sh & fi
