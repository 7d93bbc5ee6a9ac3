// One hash for all that the WebAssembly files are made of: it is kept beside them, and tells whether they are of these sources.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @param root the engine's folder */
export function sourcesHash(root) {
  const all = createHash("sha256");
  const paths = readdirSync(join(root, "native"), { recursive: true })
    .map((path) => `native/${path.replaceAll("\\", "/")}`)
    .filter((path) => /\.(cc|h)$/.test(path) && !path.startsWith("native/test/"));
  for (const path of [...paths, "install/wasm.mjs"].sort()) {
    const text = readFileSync(join(root, path), "utf8").replaceAll("\r\n", "\n");
    all.update(`${path}\n${text.length}\n${text}`);
  }
  return all.digest("hex");
}
