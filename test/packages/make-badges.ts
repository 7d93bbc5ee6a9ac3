/** Writes the badges of README.md: `npx tsx test/packages/make-badges.ts`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { badgesOf, drawBadge } from "./badges.ts";

const folder = new URL("../../.github/badges/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const badge of badgesOf(new URL("../../lib/convbook/package.json", import.meta.url))) {
  writeFileSync(new URL(`${badge.name}.svg`, folder), drawBadge(badge));
}
