#!/usr/bin/env node
// The command `convbook`. A file of its own, so that npm can link it before the first build.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  console.error("convbook is not built yet: type `npm run build` in the folder of the repository.");
  process.exit(1);
}
await import(main.href);
