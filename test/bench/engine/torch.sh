#!/usr/bin/env bash
# PyTorch 2.6 on Debian 12: a Debian 13 (trixie) in a folder, with its python3-torch, python3-torchvision and the compiler that torch.compile wants.
#
#   torch.sh make ROOT    makes it (debootstrap, as root; about 2.5 GB and ten minutes)
#
# ROOT/torch-python is then the program for `npm run bench -- engine --python=ROOT/torch-python`: the folder's Python, to which this repository and
# the temporary folder are where they are here.
set -euo pipefail
[ "${1-}" = make ] && [ $# = 2 ] || {
  echo "torch.sh: expected make ROOT, got $*" >&2
  exit 2
}
mkdir -p "$2"
root=$(realpath "$2")
repository=$(realpath "$(dirname "$0")/../../..")

inside() {
  unshare --mount --propagation private bash -euc '
    root=$0
    for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
    exec chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"' "$root" "$@"
}

if [ ! -e "$root/.made" ]; then
  [ -e "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase trixie "$root" >/dev/null
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  inside apt-get install -y --no-install-recommends python3-torch python3-torchvision python3-numpy g++ libpython3-dev >/dev/null
  touch "$root/.made"
fi
{
  echo '#!/usr/bin/env bash'
  # Mounts of a namespace of its own: they are gone when the program ends, however it ends.
  printf 'export root=%q repository=%q\n' "$root" "$repository"
  cat <<'PROGRAM'
exec unshare --mount --propagation private bash -euc '
  for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
  for folder in "$repository" "${TMPDIR:-/tmp}"; do mkdir -p "$root/$folder"; mount --rbind "$folder" "$root/$folder"; done
  exec chroot "$root" /usr/bin/env PATH=/usr/bin:/bin UCX_LOG_LEVEL=fatal python3 "$@"' bash "$@"
PROGRAM
} >"$root/torch-python"
chmod +x "$root/torch-python"
echo "$root/torch-python"
