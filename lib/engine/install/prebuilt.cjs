// Where a binary made beforehand lies, in prebuildify's layout: prebuilds/<platform>-<arch>/<name>.node, and on Linux
// names tagged with the C library. Plain CommonJS, because the installer and the loader both need it.
const { existsSync, readdirSync } = require("node:fs");
const { join } = require("node:path");

/** The path of the binary for this process in the package at `root`, or undefined. */
function prebuiltPath(root) {
  const folder = join(root, "prebuilds", `${process.platform}-${process.arch}`);
  if (!existsSync(folder)) {
    return undefined;
  }
  const tagged = readdirSync(folder)
    .filter((name) => name.endsWith(".node"))
    .map((name) => ({ name, tags: name.split(".").slice(1, -1) }));
  const needsLibc = tagged.some(({ tags }) => tags.includes("musl") || tags.includes("glibc"));
  const libc = !needsLibc || process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
  const other = libc === "glibc" ? "musl" : "glibc";
  const fits = tagged.find(({ tags }) => !tags.includes(other));
  return fits === undefined ? undefined : join(folder, fits.name);
}

module.exports = { prebuiltPath };
