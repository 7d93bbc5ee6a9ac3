// Where binaries made beforehand lie, in prebuildify's layout: prebuilds/<platform>-<arch>/<name>.node, and on Linux
// names tagged with the C library. Plain CommonJS, because the installer and the loader both need it.
const { existsSync, readdirSync } = require("node:fs");
const { join } = require("node:path");

/** All that a release has, below prebuilds/. */
const shipped = [
  "darwin-arm64/engine.node",
  "darwin-x64/engine.node",
  "linux-arm64/engine.glibc.node",
  "linux-arm64/engine.musl.node",
  "linux-x64/engine.glibc.node",
  "linux-x64/engine.musl.node",
  "win32-x64/engine.node",
];

/** What decides which binary fits: this process's system, processor and, on Linux, C library. */
function thisMachine() {
  const { platform, arch } = process;
  const isGlibc = () => Boolean(process.report.getReport().header.glibcVersionRuntime);
  return { platform, arch, libc: platform !== "linux" ? undefined : isGlibc() ? "glibc" : "musl" };
}

/** The name below prebuilds/ of a binary that is made for a machine. */
function prebuiltName({ platform, arch, libc } = thisMachine()) {
  return `${platform}-${arch}/engine${libc === undefined ? "" : `.${libc}`}.node`;
}

/** The path of the binary for a machine in the package at `root`, or undefined. One without a C library in its name fits both. */
function prebuiltPath(root, machine = thisMachine()) {
  const folder = join(root, "prebuilds", `${machine.platform}-${machine.arch}`);
  if (!existsSync(folder)) {
    return undefined;
  }
  const other = machine.libc === "musl" ? "glibc" : "musl";
  const fits = readdirSync(folder).find(
    (name) => name.endsWith(".node") && !name.startsWith(".") && !name.split(".").slice(1, -1).includes(other),
  );
  return fits === undefined ? undefined : join(folder, fits);
}

module.exports = { prebuiltName, prebuiltPath, shipped };
