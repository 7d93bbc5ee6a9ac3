import { expect, test } from "vitest";
import { nearestName } from "./errors.ts";

test.each([
  ["epoch", "epochs"],
  ["Epohcs", "epochs"],
  ["convbok", "convbook"],
  ["rate", undefined],
  ["", undefined],
])("%s may mean %s", (name, meant) => {
  expect(nearestName(name, ["convbook", "epochs", "python3"])).toBe(meant);
});

test("a name that is longer than any slip makes it is not compared, on either side", () => {
  let compared = 0;
  const name = (length: number) => ({ length, toLowerCase: () => `${compared++}` }) as unknown as string;
  expect([nearestName(name(201), [name(4)]), nearestName(name(4), [name(201)])]).toEqual([undefined, undefined]);
  expect(compared).toBe(0);
});
