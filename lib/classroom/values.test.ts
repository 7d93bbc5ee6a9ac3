import { expect, it } from "vitest";
import { terminalText } from "./values.ts";

it("gives a terminal nothing to obey", () => {
  expect(terminalText("a\u001b[31mb\u0007\r\u009b2J\u202egnp\n\tZoë 名前 😀")).toBe(
    "a\\u001b[31mb\\u0007\\u000d\\u009b2J\\u202egnp\n\\u0009Zoë 名前 😀",
  );
});
