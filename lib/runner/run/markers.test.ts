import { expect, test } from "vitest";
import type { Cell } from "../notebook/types.ts";
import { markersOf } from "./markers.ts";

const cell = (source: string, tags: string[] = []): Cell => ({
  cell_type: "code",
  metadata: { tags },
  source,
  execution_count: null,
  outputs: [],
});

test.each([
  ["# NBVAL_IGNORE_OUTPUT\nx", [], { check: false }],
  ["x = 1\n  ## PYTEST_VALIDATE_IGNORE_OUTPUT  ", [], { check: false }],
  ["// NBVAL_IGNORE_OUTPUT\nDate.now()", [], { check: false }],
  ["//NBVAL_CHECK_OUTPUT", [], { check: true }],
  ["/* NBVAL_IGNORE_OUTPUT */\nDate.now()", [], { check: false }],
  ["/** NBVAL_SKIP **/", [], { skip: true }],
  ["/* NBVAL_SKIP", [], {}],
  ["# NBVAL_RAISES_EXCEPTION", [], { raises: true }],
  ["# NBVAL_SKIP\n# NBVAL_CHECK_OUTPUT", [], { skip: true, check: true }],
  ["x", ["nbval-ignore-output", "nbval-raises-exception", "nbval-skip"], { check: false, raises: true, skip: true }],
  ["# NBVAL_CHECK_OUTPUT", ["nbval-ignore-output"], { check: true }],
  ["# NBVAL_CHECK_OUTPUT\n# NBVAL_IGNORE_OUTPUT", [], { check: false }],
  ["x = 1  # NBVAL_SKIP", [], {}],
  ["# NBVAL_SKIP because it is slow", [], {}],
  ["# constructor\n# toString", [], {}],
])("%j with the tags %j", (source, tags, markers) => {
  expect(markersOf(cell(source, tags))).toEqual(markers);
});
