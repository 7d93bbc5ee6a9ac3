#!/usr/bin/env bash
# A Debian 13 (trixie) in a folder, for what Debian 12 does not have: JupyterLab, and Mesa 25, whose Vulkan driver runs WebGPU without a graphics card.
#
#   trixie.sh make ROOT             makes it, or brings an older one up to date (debootstrap, as root; about 0.9 GB; 77 seconds on two cores)
#   trixie.sh run ROOT COMMAND ...  runs a command in it; this repository, the temporary folder and this machine's Node are where they are here
#
# CONVBOOK_DEBIAN is the address of a Debian archive, if another is nearer than the one that debootstrap takes by itself.
set -euo pipefail
action=${1-} root=${2-}
[ -n "$root" ] && { [ "$action" = make ] || [ "$action" = run ]; } || {
  echo "trixie.sh: expected make ROOT or run ROOT COMMAND, got $*" >&2
  exit 2
}
shift 2
repository=$(cd "$(dirname "$0")/.." && pwd)
archive=${CONVBOOK_DEBIAN:-}

# Runs a command in the folder; mounts of a namespace of its own are gone when the command ends, however it ends.
inside() {
  root=$root exec unshare --mount --propagation private bash -euc '
    for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
    exec chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"' bash "$@"
}

# What a folder holds when it is whole: one of another list is brought up to date.
drivers=(mesa-vulkan-drivers libvulkan1 ca-certificates)
# JupyterLab's own package wants all that Debian builds it with, 750 packages. To run it needs these; its files are unpacked over them.
lab=(python3-async-lru python3-httpx python3-jupyterlab-server python3-notebook-shim python3-jupyterlab-widgets python3-setuptools)
# Their install scripts only matter on macOS.
webgpu=(webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0)
whole="${drivers[*]} ${lab[*]} jupyterlab ${webgpu[*]}"

make() {
  [ "$(cat "$root/.made" 2>/dev/null)" != "$whole" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    echo "trixie.sh: a Debian 13 in a folder is made as root, with debootstrap (apt-get install debootstrap)" >&2
    return 1
  fi
  mkdir -p "$root"
  [ -e "$root/.base" ] || [ -e "$root/.made" ] || debootstrap --variant=minbase trixie "$root" ${archive:+"$archive"} >/dev/null
  touch "$root/.base"
  # A folder that can be made again needs no waiting for the disk, and no manuals.
  mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/locale/*' \
    >"$root/etc/dpkg/dpkg.cfg.d/convbook"
  # debootstrap has written where the base came from.
  [ -z "$archive" ] || echo "deb $archive trixie main" >"$root/etc/apt/sources.list"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  # What an interrupted run had begun.
  (inside dpkg --configure -a >/dev/null)
  (inside apt-get update -qq)
  (inside apt-get install -y -qq --no-install-recommends "${drivers[@]}" "${lab[@]}" >/dev/null)
  (inside sh -euc '
    cd /var/cache/apt/archives
    apt-get download -qq jupyterlab
    # The files that Lab is served from, without the sources of which they were built.
    dpkg-deb --fsys-tarfile jupyterlab_*.deb | tar -x -C / --exclude="./usr/share/nodejs" --exclude="./usr/share/doc"
    apt-get clean')
  npm install --silent --ignore-scripts --prefix "$root/packages" "${webgpu[@]}" >/dev/null
  echo "$whole" >"$root/.made"
}

run() {
  export root repository
  exec unshare --mount --propagation private bash -euc '
    node=$(readlink -f "$(command -v node)")
    for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
    for folder in "$repository" "${TMPDIR:-/tmp}"; do mkdir -p "$root/$folder"; mount --rbind "$folder" "$root/$folder"; done
    touch "$root/usr/local/bin/node"; mount --bind "$node" "$root/usr/local/bin/node"
    export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json
    exec chroot "$root" /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin "$@"' bash "$@"
}

"$action" "$@"
