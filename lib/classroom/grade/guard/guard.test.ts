import { afterEach, expect, test, vi } from "vitest";
import { answered } from "./guard.ts";

afterEach(() => vi.useRealTimers());

test("a kernel that never hears what it is asked is waited for a minute", async () => {
  vi.useFakeTimers();
  const waiting = answered(new Promise(() => {})).catch((error: Error) => error.message);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await waiting).toBe("the kernel did not answer the grader within 60 s");
});

test("an answer, or that the kernel ended, is what comes of asking", async () => {
  vi.useFakeTimers();
  expect(await answered(Promise.resolve(5))).toBe(5);
  await expect(answered(Promise.reject(new Error("it ended")))).rejects.toThrow("it ended");
  expect(vi.getTimerCount()).toBe(0);
});
