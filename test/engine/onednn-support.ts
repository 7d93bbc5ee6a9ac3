/** Whether the engine was built with oneDNN; the tests over it are left out where it was not, and must run in continuous integration. WebAssembly has none. */
import { engine } from "@convbook/engine";

function tryOneDnn(): boolean {
  engine.setImplementations(["onednn"]);
  const there = engine.info().implementations.onednn !== null;
  engine.setImplementations(["native"]);
  return there;
}

const canBe = engine.available && engine.info().build === "native";
export const onednn = canBe && (tryOneDnn() || process.env.CI !== undefined);
if (!onednn) {
  console.log("Left out: tests over oneDNN (Debian: apt install libdnnl-dev, then npm rebuild @convbook/engine)");
}
