import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { debianPython, pythonHas } from "../../../test/conformance/harness.ts";
import { murmur2 } from "./murmur2.ts";

it.runIf(pythonHas("ipykernel"))("hashes as ipykernel does", () => {
  const texts = ["", "a", "ab", "abc", "abcd", "const x = 1;\nx", "é😀", "x".repeat(1001)];
  const script =
    "import sys, json\nfrom ipykernel.compiler import murmur2_x86\nprint(json.dumps([murmur2_x86(t, 0xc70f6907) for t in json.load(sys.stdin)]))";
  const oracle = JSON.parse(
    execFileSync(debianPython(), ["-c", script], { input: JSON.stringify(texts), encoding: "utf8" }),
  );
  expect(texts.map((text) => murmur2(text, 0xc70f6907))).toEqual(oracle);
});
