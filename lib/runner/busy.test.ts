import { expect, test } from "vitest";
import { withLoad } from "./busy.ts";

test("a machine is busy where clearly more wants to compute than can", () => {
  expect(withLoad("it took long", 3, 2)).toBe("it took long");
  expect(withLoad("it took long", 10.04, 2)).toBe(
    "it took long (this machine was busy, with a load of 10.0 on 2 processors)",
  );
  // Where the system does not count.
  expect(withLoad("it took long", 0, 2)).toBe("it took long");
});
