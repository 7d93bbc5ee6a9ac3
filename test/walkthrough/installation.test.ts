/**
 * What `npm ci` leaves on a machine that has everything: continuous integration has a compiler, so the engine must be there.
 */
import { selectBackend } from "convbook";
import { expect, it } from "vitest";

it.runIf(process.env.CI !== undefined && process.env.CONVBOOK_ISA !== "wasm")(
  "builds the native engine where there is a compiler",
  async () => {
    const { name, line } = await selectBackend({ announce: false, backend: "native" });
    expect(name).toBe("native");
    expect(line).toMatch(/on native engine, (amx|avx512|avx2|generic)/);
  },
);
