import { expect, test } from "vitest";
import { busyWords } from "./busy.ts";

test("a machine is busy where clearly more wants to compute than can", () => {
  expect(busyWords(3, 2)).toBe("");
  expect(busyWords(10.04, 2)).toBe("this machine was busy, with a load of 10.0 on 2 processors");
  // Where the system does not count.
  expect(busyWords(0, 2)).toBe("");
});
