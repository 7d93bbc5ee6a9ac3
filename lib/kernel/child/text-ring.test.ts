import { expect, it } from "vitest";
import { TextRing, type TextRun } from "./text-ring.ts";

const takeAll = (ring: TextRing) => {
  const runs: TextRun[] = [];
  new TextRing(ring.memory).take((run) => runs.push(run));
  return runs.map(({ cell, name, text }) => `${cell} ${name} ${text}`);
};

it("gives text in order, joined where cell and stream are the same", () => {
  const ring = new TextRing();
  expect(ring.empty).toBe(true);
  expect(ring.append(1, "stdout", "a")).toBe("wake");
  expect(ring.append(1, "stdout", "é😀")).toBe("appended");
  ring.append(1, "stderr", "b");
  ring.append(2, "stderr", "c");
  expect(ring.empty).toBe(false);
  expect(takeAll(ring)).toEqual(["1 stdout aé😀", "1 stderr b", "2 stderr c"]);
  expect(ring.empty).toBe(true);
  ring.waitUntilEmpty();
});

it("goes round its memory many times without losing a character", () => {
  const ring = new TextRing();
  let written = "";
  let taken = "";
  for (let i = 0; i < 300; i++) {
    const text = `${i}: ${"é".repeat((i * 7919) % 50_000)}\n`;
    if (ring.append(3, "stdout", text) === "full") {
      new TextRing(ring.memory).take((run) => {
        taken += run.text;
      });
      expect(ring.append(3, "stdout", text)).toBe("wake");
    }
    written += text;
  }
  new TextRing(ring.memory).take((run) => {
    taken += run.text;
  });
  expect(taken).toBe(written);
});

it("refuses what does not fit", () => {
  expect(new TextRing().append(1, "stdout", "x".repeat(1 << 20))).toBe("full");
});
