import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clearOutput, display, type MimeBundle, type MimeMetadata, toMimeBundle } from "./index.ts";

const io = Symbol.for("jupyter.notebook.io");
type Sent = { bundle: MimeBundle; options: { metadata?: MimeMetadata; displayId?: string; update?: boolean } };
let sent: Sent[];
let cleared: (boolean | undefined)[];

beforeEach(() => {
  sent = [];
  cleared = [];
  (globalThis as Record<symbol, unknown>)[io] = {
    display: (bundle: MimeBundle, options: Sent["options"]) => sent.push({ bundle, options }),
    clearOutput: (wait?: boolean) => cleared.push(wait),
  };
});
afterEach(() => {
  delete (globalThis as Record<symbol, unknown>)[io];
});

describe("in a notebook", () => {
  it("sends a bundle at once and replaces it by its id", () => {
    const handle = display("one");
    handle.update("two");
    const { displayId } = handle;
    expect(sent).toEqual([
      { bundle: { "text/plain": "one" }, options: { metadata: {}, displayId, update: false } },
      { bundle: { "text/plain": "two" }, options: { metadata: {}, displayId, update: true } },
    ]);
    expect(display("x", { displayId: "mine" }).displayId).toBe("mine");
  });

  it("keeps the order when a bundle takes time", async () => {
    const slow = { [Symbol.for("Jupyter.display")]: async () => ({ "text/plain": "slow" }) };
    const handle = display(slow);
    handle.update("late");
    expect(sent).toEqual([]);
    await handle.ready;
    expect(sent.map(({ bundle, options }) => [bundle["text/plain"], options.update])).toEqual([
      ["slow", false],
      ["late", true],
    ]);
    handle.update("now");
    expect(sent).toHaveLength(3);
  });

  it("reports a bundle that fails to whoever waits, and goes on", async () => {
    const handle = display({ [Symbol.for("Jupyter.display")]: () => Promise.reject(new Error("no figure")) });
    await expect(handle.ready).rejects.toThrow("no figure");
  });

  it("shows each kind under its type", () => {
    display.html("<b>bold</b>");
    display.markdown("*x*");
    display.latex("x^2");
    display.latex("$y$");
    display.svg("<svg/>", { alt: "nothing" });
    display.png(Uint8Array.of(1, 2, 3));
    display.json({ a: [1] });
    display.vegaLite(
      { data: { values: [{ x: 1 }] }, mark: "point", encoding: { x: { field: "x" } } },
      { alt: "a point" },
    );
    display.plotly([{ y: [1, 2] }], {}, { alt: "a line" });
    expect(sent.map(({ bundle }) => Object.keys(bundle))).toEqual([
      ["text/html", "text/plain"],
      ["text/markdown", "text/plain"],
      ["text/latex", "text/plain"],
      ["text/latex", "text/plain"],
      ["image/svg+xml", "text/plain"],
      ["image/png", "text/plain"],
      ["application/json", "text/plain"],
      ["application/vnd.vegalite.v5+json", "image/png", "text/plain"],
      ["application/vnd.plotly.v1+json", "image/png", "text/plain"],
    ]);
    expect(sent[0]?.bundle["text/plain"]).toBe("bold");
    expect(sent[2]?.bundle["text/latex"]).toBe("$$x^2$$");
    expect(sent[3]?.bundle["text/latex"]).toBe("$y$");
    expect(sent[4]?.options.metadata).toEqual({ "image/svg+xml": { alt: "nothing" } });
    expect(sent[5]?.bundle["image/png"]).toBe("AQID");
    expect(sent[7]?.bundle["text/plain"]).toBe("a point");
  });

  it("clears", () => {
    clearOutput(true);
    clearOutput();
    expect(cleared).toEqual([true, false]);
  });
});

describe("outside of a notebook", () => {
  it("prints text", () => {
    delete (globalThis as Record<symbol, unknown>)[io];
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    try {
      display("hello").update("again");
      display.bundle({ "application/json": { a: 1 } });
      display.bundle({ "image/png": "AQID" });
      clearOutput();
      expect(write.mock.calls.map(([text]) => text)).toEqual([
        "hello\n",
        "again\n",
        '{\n  "a": 1\n}\n',
        "[image/png]\n",
      ]);
    } finally {
      write.mockRestore();
    }
  });

  it("does not load vega before a figure is drawn", () => {
    const program = `
      import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      const read = fs.readFileSync;
      let count = 0;
      fs.readFileSync = (file, ...rest) => {
        if (String(file).includes("vega.min.js")) count++;
        return read(file, ...rest);
      };
      syncBuiltinESMExports();
      const { curves } = await import(${JSON.stringify(new URL("index.ts", import.meta.url).href)});
      const figure = curves({ series: { a: [1, 2] } });
      console.log(count);
      figure.toSvg();
      console.log(count);`;
    const output = execFileSync(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", program],
      { encoding: "utf8" },
    );
    expect(output.trim().split("\n")).toEqual(["0", "1"]);
  });
});

describe("any value's bundle", () => {
  it("is text for what is not showable", () => {
    expect(toMimeBundle({ a: 1 })).toEqual({ "text/plain": "{ a: 1 }" });
    expect(toMimeBundle(null)).toEqual({ "text/plain": "null" });
    expect(toMimeBundle(new Map([["k", 1]]))).toEqual({ "text/plain": "Map(1) { 'k' => 1 }" });
    const tensor = { dtype: "float32", shape: [2, 3], dataSync: () => [], toString: () => "Tensor\n [[1]]" };
    expect(toMimeBundle(tensor)).toEqual({ "text/plain": "Tensor float32 [2, 3]\nTensor\n [[1]]" });
  });
});
