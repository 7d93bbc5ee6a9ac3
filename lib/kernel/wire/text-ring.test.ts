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

it("goes round its memory many times without losing a character, or whose it is", () => {
  const ring = new TextRing();
  const reader = new TextRing(ring.memory);
  const written = new Map<number, string>();
  const taken = new Map<number, string>();
  const take = () => reader.take(({ cell, text }) => taken.set(cell, (taken.get(cell) ?? "") + text));
  for (let i = 0; i < 300; i++) {
    const cell = Math.floor(i / 7) % 3;
    const text = `${i}: ${"é".repeat((i * 7919) % 50_000)}\n`;
    if (ring.append(cell, "stdout", text) === "full") {
      take();
      expect(ring.append(cell, "stdout", text)).toBe("wake");
    } else if (i % 5 === 0) {
      take();
    }
    written.set(cell, (written.get(cell) ?? "") + text);
  }
  take();
  expect(taken).toEqual(written);
});

it("tells streams apart that take turns, as often as there is room for", () => {
  const ring = new TextRing();
  const reader = new TextRing(ring.memory);
  const lines: string[] = [];
  const take = () => reader.take(({ name, text }) => lines.push(`${name} ${text}`));
  for (let i = 0; i < 10_000; i++) {
    const name = i % 2 === 0 ? "stdout" : "stderr";
    if (ring.append(1, name, `${i}`) === "full") {
      take();
      expect(ring.append(1, name, `${i}`)).toBe("wake");
    }
  }
  take();
  expect(lines).toEqual(Array.from({ length: 10_000 }, (_, i) => `${i % 2 === 0 ? "stdout" : "stderr"} ${i}`));
});

it("refuses what does not fit", () => {
  expect(new TextRing().append(1, "stdout", "x".repeat(1 << 20))).toBe("full");
});
