import { expect, test } from "vitest";
import type { AssignmentCell, AssignmentNotebook } from "../source/index.ts";
import { Hidden } from "./hidden.ts";

test("a text that quotes a hidden line is not shown, whatever its blanks and colours", () => {
  const source = "assert.equal(f(1), 1);\n// BEGIN HIDDEN TESTS\nassert.equal(f(7), 49);\n}\n// END HIDDEN TESTS";
  const cell = { source, id: "test", role: "tests" } as AssignmentCell;
  const hidden = new Hidden(
    { cells: [cell] } as unknown as AssignmentNotebook,
    new Map([[cell, "assert.equal(f(1), 1);\n"]]),
  );
  const instead = "(This message quotes a hidden test, and is not shown.)";
  expect(hidden.clean("> 2 | assert.equal( f(7),\n 49 );")).toBe(instead);
  expect(hidden.clean("\u001b[31massert.equal(\u001b[39mf(7), 49);")).toBe(instead);
  expect(hidden.clean("assert.equal(f(1), 1); } got 3, expected 49")).toBe(
    "assert.equal(f(1), 1); } got 3, expected 49",
  );
});
