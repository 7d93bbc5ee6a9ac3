/** Every convolution of the networks, forward and gradients, by the engine's own and by oneDNN, as the engine measures them to choose. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@convbook/engine";
import { modes, rounded } from "./contest.ts";
import { hasOneDnn } from "./implementations.ts";
import { ours } from "./networks.ts";
import type { Options, Section } from "./options.ts";

export async function shapes({ batch, names }: Options): Promise<Section | undefined> {
  if (!hasOneDnn()) {
    return undefined;
  }
  const { threads, isa } = engine.info();
  const before = process.env.CONVBOOK_CACHE;
  const rows: Section["rows"][number][] = [];
  for (const name of names) {
    // Measured anew, whatever was chosen before on this machine.
    const scratch = mkdtempSync(join(tmpdir(), "convbook-shapes-"));
    process.env.CONVBOOK_CACHE = scratch;
    engine.setImplementations(["native", "onednn"]);
    const own = ours(name, batch);
    for (const mode of modes) {
      await own.step(mode);
    }
    own.close();
    for (const { operation, native, onednn, chosen } of engine.info().implementations.choices) {
      const ratio = onednn === null ? null : rounded(native / onednn);
      rows.push({
        model: name,
        operation,
        native: rounded(native, 3),
        onednn: onednn === null ? null : rounded(onednn, 3),
        ratio,
        chosen,
      });
    }
    engine.setImplementations(["native"]);
    rmSync(scratch, { recursive: true, force: true });
    engine.trim();
  }
  if (before === undefined) {
    delete process.env.CONVBOOK_CACHE;
  } else {
    process.env.CONVBOOK_CACHE = before;
  }
  const note =
    `Milliseconds, batch ${batch}, ${threads} threads, ${isa}; ratio: native by oneDNN; ` +
    "blocks deal their images out, a few at a time on one thread";
  return { title: "Shapes", note, rows };
}
