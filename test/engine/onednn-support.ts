/** Whether the engine was built with oneDNN; the tests over it are left out where it was not, and must run in continuous integration. */
import { engine } from "@convbook/engine";

function tryOneDnn(): boolean {
  if (!engine.available) {
    return false;
  }
  engine.setImplementations(["onednn"]);
  const there = engine.info().implementations.onednn !== null;
  engine.setImplementations(["native"]);
  return there;
}

export const onednn = tryOneDnn() || (engine.available && process.env.CI !== undefined);
if (!onednn) {
  console.log("Left out: tests over oneDNN (Debian: apt install libdnnl-dev, then npm rebuild @convbook/engine)");
}
