#!/usr/bin/env bash
# A Debian 13 (trixie) in a folder, for what Debian 12 does not have: Mesa 25, whose Vulkan driver runs WebGPU without a graphics card.
#
#   trixie.sh make ROOT             makes it (debootstrap, as root; about 1 GB and two minutes), with tfjs's WebGPU packages in ROOT/packages
#   trixie.sh run ROOT COMMAND ...  runs a command in it; this repository, the temporary folder and this machine's Node are where they are here
set -euo pipefail
action=$1 root=$2
shift 2
repository=$(cd "$(dirname "$0")/../.." && pwd)

case "$action" in
make)
  [ -e "$root/.made" ] && exit 0
  mkdir -p "$root"
  debootstrap --variant=minbase --include=mesa-vulkan-drivers,libvulkan1,ca-certificates trixie "$root" >/dev/null
  # Their install scripts only matter on macOS.
  npm install --silent --ignore-scripts --prefix "$root/packages" webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0 >/dev/null
  touch "$root/.made"
  ;;
run)
  # Mounts of a namespace of its own: they are gone when the command ends, however it ends.
  export root repository
  exec unshare --mount --propagation private bash -euc '
    node=$(readlink -f "$(command -v node)")
    for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
    for folder in "$repository" "${TMPDIR:-/tmp}"; do mkdir -p "$root/$folder"; mount --rbind "$folder" "$root/$folder"; done
    touch "$root/usr/local/bin/node"; mount --bind "$node" "$root/usr/local/bin/node"
    export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json
    exec chroot "$root" /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin "$@"' bash "$@"
  ;;
*)
  echo "trixie.sh: make or run, got $action" >&2
  exit 2
  ;;
esac
