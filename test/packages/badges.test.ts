/** README's badges say what package.json says. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { badgesOf, drawBadge } from "./badges.ts";

const root = new URL("../../", import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, root), "utf8");

it.each(badgesOf(new URL("lib/convbook/package.json", root)))("$label: $value", (badge) => {
  const file = `.github/badges/${badge.name}.svg`;
  expect(textOf(file), "npx tsx test/packages/make-badges.ts makes it").toBe(drawBadge(badge));
  expect(textOf("README.md")).toContain(`![${badge.label}: ${badge.value}](${file})`);
});
