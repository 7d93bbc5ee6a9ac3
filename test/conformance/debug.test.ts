/** The debugger over DAP: breakpoints in cells, steps, stack, variables, evaluation. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, resultOf } from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("debugging a cell", () => {
  let kernel: KernelUnderTest;
  beforeEach(async () => {
    kernel = await KernelUnderTest.start();
    await kernel.execute("const earlier = 'kept';");
  });
  afterEach(() => kernel.close());

  it("stops at a line, shows the stack and the variables, steps, and goes on", async () => {
    const code =
      "type Num = number;\nfunction half(n: Num): Num {\n  const result = n / 2;\n  return result;\n}\nlet total = half(8);\ntotal += 1;\ntotal";
    const { answers, stops, events } = await kernel.do("debug", {
      code,
      before: [
        { command: "initialize", arguments: {} },
        { command: "attach", arguments: {} },
        { command: "setBreakpoints", arguments: { source: { path: "$PATH" }, breakpoints: [{ line: 3 }] } },
        { command: "configurationDone", arguments: {} },
      ],
      stops: [{ go: "next", evaluate: "n * 10" }, { go: "stepOut" }, { go: "continue" }],
      after: [
        { command: "inspectVariables" },
        { command: "richInspectVariables", arguments: { variableName: "total" } },
        { command: "debugInfo" },
        { command: "disconnect" },
      ],
    });
    // biome-ignore lint/suspicious/noExplicitAny: DAP bodies
    expect(answers.every((answer: any) => answer.success)).toBe(true);
    expect(stops[0]).toMatchObject({ reason: "breakpoint", variables: { n: "8" }, evaluated: "80" });
    expect(stops[0].frames.map(([name, line]: [string, number]) => `${name}:${line}`)).toEqual(["half:3", "In [2]:6"]);
    expect(stops[1]).toMatchObject({ reason: "step", variables: { n: "8", result: "4" } });
    expect(stops[1].frames[0]).toEqual(["half", 4]);
    expect(stops[2].frames[0][0]).toBe("In [2]");
    // biome-ignore lint/suspicious/noExplicitAny: DAP bodies
    const variables = answers.find((answer: any) => answer.command === "inspectVariables").body.variables;
    // biome-ignore lint/suspicious/noExplicitAny: DAP bodies
    expect(variables.map(({ name, value, type }: any) => `${name}=${value} ${type}`)).toEqual(
      expect.arrayContaining(['earlier="kept" undefined', "total=5 undefined", "half=function half(n) { function"]),
    );
    // biome-ignore lint/suspicious/noExplicitAny: DAP bodies
    const rich = answers.find((answer: any) => answer.command === "richInspectVariables").body;
    expect(rich).toEqual({ data: { "text/plain": "5" }, metadata: {} });
    expect(
      resultOf({
        events: events.map((event: object) => ({ ...event, mine: true })),
        id: "",
        reply: { type: "", content: {} },
      }),
    ).toBe("5");
  });

  it("is interrupted at a breakpoint that comes again at once", async () => {
    const { stops, events } = await kernel.do("debug", {
      code: "let i = 0;\nfor (;;) {\n  i++;\n}",
      before: [
        { command: "initialize", arguments: {} },
        { command: "attach", arguments: {} },
        { command: "setBreakpoints", arguments: { source: { path: "$PATH" }, breakpoints: [{ line: 3 }] } },
        { command: "configurationDone", arguments: {} },
      ],
      stops: [{ go: "continue" }, { go: "interrupt" }],
      after: [{ command: "disconnect" }],
    });
    expect(stops).toHaveLength(2);
    const errors = events.filter(({ type }: { type: string }) => type === "error");
    // biome-ignore lint/suspicious/noExplicitAny: contents are what the test looks into
    expect(errors.map(({ content }: any) => content.ename)).toEqual(["KeyboardInterrupt"]);
    expect(resultOf(await kernel.execute("[earlier, i > 0]"))).toBe("[ 'kept', true ]");
  });

  it("refuses a command that it does not know, and stays", async () => {
    const { reply } = await kernel.request(
      "debug_request",
      { type: "request", seq: 1, command: "teleport" },
      "control",
    );
    expect(reply.content).toMatchObject({
      type: "response",
      success: false,
      message: "The debugger knows no command teleport",
    });
    expect(resultOf(await kernel.execute("earlier"))).toBe("'kept'");
  });
});
