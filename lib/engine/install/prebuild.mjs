// `node install/prebuild.mjs NAME`: builds the engine here and puts it where releases have it, prebuilds/NAME; NAME, as
// linux-x64/engine.glibc.node, says what this machine is expected to be.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prebuiltName } from "./prebuilt.cjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const wanted = process.argv[2];
const name = prebuiltName();
if (wanted !== undefined && wanted !== name) {
  console.error(`prebuild: this machine makes ${name}, expected ${wanted}`);
  process.exit(1);
}
// One made before would be taken for it.
const target = join(root, "prebuilds", name);
rmSync(target, { force: true });
const { status } = spawnSync(process.execPath, [join(root, "install", "install.mjs")], { stdio: "inherit" });
const built = join(root, "build", "Release", "engine.node");
const reason = join(root, "build", "reason.txt");
if (status !== 0 || !existsSync(built) || existsSync(reason)) {
  console.error(
    `prebuild: nothing was built: ${existsSync(reason) ? readFileSync(reason, "utf8") : `exit code ${status}`}`,
  );
  process.exit(1);
}
mkdirSync(dirname(target), { recursive: true });
copyFileSync(built, target);
console.log(target);
