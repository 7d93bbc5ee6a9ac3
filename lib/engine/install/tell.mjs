// What whoever installs is told where there is no native engine. npm hides what packages say while they are installed; in the repository
// `node install/tell.mjs` says it again behind the build, where it is seen.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ways = { darwin: "macOS: xcode-select --install", linux: "Debian: apt install g++ make python3" };

/** One line, the same everywhere, so that it can be searched for. */
export function sentence(reason, system = process.platform) {
  const what = `@convbook/engine: ${reason}, so the engine runs in WebAssembly (everything works, slower).`;
  if (system === "win32") {
    return what;
  }
  const way = ways[system] === undefined ? "" : ` (${ways[system]})`;
  return `${what} For the native one: install a C++17 compiler, make and Python 3${way}, then \`npm rebuild @convbook/engine\`.`;
}

/** What an installation left as the reason why there is no native engine; undefined where there is one. */
export function leftReason(root) {
  const file = join(root, "build", "reason.txt");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const reason = leftReason(fileURLToPath(new URL("..", import.meta.url)));
  if (reason !== undefined) {
    console.log(sentence(reason));
  }
}
