import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { sendable } from "./bundle.ts";
import { describeError } from "./errors.ts";
import { render, renderMetadata } from "./render.ts";

const picture = {
  [Symbol.for("Jupyter.display")]: () => ({ "image/png": "AAAA", "text/plain": "a picture" }),
  [Symbol.for("Jupyter.displayMetadata")]: () => ({ "image/png": { width: 60, height: 20, alt: "a picture" } }),
};

it("takes representations and their metadata from a value that knows them", () => {
  expect(render(picture)).toEqual({ "image/png": "AAAA", "text/plain": "a picture" });
  expect(renderMetadata(picture)).toEqual({ "image/png": { width: 60, height: 20, alt: "a picture" } });
});

it("shows a proxy that allows its own properties only", () => {
  const proxy = new Proxy(
    { size: 1 },
    {
      get: (_, name) => {
        throw new Error(`no ${String(name)}`);
      },
    },
  );
  expect(render(proxy)).toEqual({ "text/plain": "{ size: 1 }" });
  expect(renderMetadata(proxy)).toEqual({});
});

it("shows a proxy of which nothing can be asked", () => {
  for (const target of [{}, []]) {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    expect(render(proxy)).toEqual({ "text/plain": "<Revoked Proxy>" });
    expect(describeError(proxy)).toMatchObject({ ename: "Thrown", evalue: "<Revoked Proxy>" });
  }
});

it("has no metadata for other values", () => {
  expect([1, "a", null, undefined, {}, () => 1].map(renderMetadata)).toEqual([{}, {}, {}, {}, {}, {}]);
  expect(renderMetadata({ [Symbol.for("Jupyter.displayMetadata")]: () => 7 })).toEqual({});
});

const shows = (bundle: unknown) => ({ [Symbol.for("Jupyter.display")]: () => bundle, name: "mine" });

it("encodes bytes, whatever kind they have, and leaves text as it is", () => {
  const bytes = Uint8Array.from([1, 2, 3, 250]);
  const base64 = "AQID+g==";
  const wider = new Uint8Array(8);
  wider.set(bytes, 2);
  for (const data of [bytes, Buffer.from(bytes), bytes.buffer, wider.subarray(2, 6), new DataView(bytes.buffer)]) {
    expect(render(shows({ "image/png": data }))).toEqual({ "image/png": base64 });
    expect(sendable({ "application/pdf": data }, undefined)).toEqual({ "application/pdf": base64 });
  }
  expect(render(shows({ "image/svg+xml": Buffer.from("<svg>é</svg>"), "text/html": Buffer.from("é") }))).toEqual({
    "image/svg+xml": "<svg>é</svg>",
    "text/html": "é",
  });
  expect(render(shows({ "image/png": "AAAA", "text/plain": ["a\n", "b"] }))).toEqual({
    "image/png": "AAAA",
    "text/plain": "a\nb",
  });
});

it("shows a value as text whose display function gives nonsense", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (const nonsense of [
    undefined,
    null,
    7,
    "text",
    Symbol("s"),
    { html: "no media type" },
    [1, 2],
    () => 1,
    circular,
  ]) {
    expect(Object.keys(render(shows(nonsense)) as object)).toEqual(["text/plain"]);
    expect((render(shows(nonsense)) as Record<string, string>)["text/plain"]).toContain("name: 'mine'");
  }
  expect(render(shows({ "text/html": undefined, "text/plain": null, "image/png": () => 1 }))).toEqual({
    "text/plain": expect.stringContaining("name: 'mine'"),
  });
  expect(render(shows({ "text/plain": 7, "text/html": 5n, "image/png": {} }))).toEqual({
    "text/plain": "7",
    "text/html": "5",
  });
  expect(render(shows({ "application/json": { big: 1n }, "text/plain": "kept" }))).toEqual({ "text/plain": "kept" });
  expect(render(shows({ "application/json": circular }))).toEqual({
    "text/plain": expect.stringMatching(/^application\/json cannot be shown: Converting circular structure to JSON/),
  });
  expect(render(shows({}))).toEqual({});
  const plain = render(shows({ "text/plain": { toString: () => 1, a: 2 } })) as Record<string, unknown>;
  expect(plain["text/plain"]).toBe("1");
  const metadata = { [Symbol.for("Jupyter.displayMetadata")]: () => ({ "image/png": circular }) };
  expect(renderMetadata(metadata)).toEqual({});
});

it("awaits anything that has a then", async () => {
  // biome-ignore lint/suspicious/noThenProperty: that is what is tried
  const thenable = { then: (done: (bundle: unknown) => void) => done({ "text/plain": "later" }) };
  expect(await render(shows(thenable))).toEqual({ "text/plain": "later" });
});

it("shows what a getter in a table threw in its place", () => {
  const rows = [
    { a: 1, b: 2 },
    {
      a: 3,
      get b(): number {
        throw new RangeError("no b");
      },
    },
  ];
  expect(render(rows)).toMatchObject({ "text/plain": "a  b\n─  ──────\n1  2\n3  <no b>" });
  const throwing = {
    [Symbol.for("nodejs.util.inspect.custom")]: () => {
      throw new Error("no text");
    },
  };
  expect(render([{ a: [throwing] }])).toMatchObject({ "text/plain": "a\n─────────\n<no text>" });
  const proxy = new Proxy({ a: 1 }, { getOwnPropertyDescriptor: () => Reflect.get(null as never, "x") });
  expect(Object.keys(render([proxy]) as object)).toEqual(["text/plain"]);
});

it("reads a cell of a table once", () => {
  let reads = 0;
  const row = {
    get a() {
      return ++reads;
    },
  };
  expect(render([row])).toMatchObject({ "text/plain": "a\n─\n1" });
  expect(reads).toBe(1);
});

const plainLines = (error: unknown) => stripVTControlCharacters(describeError(error).traceback.join("\n"));

it("shows an error's own properties, its causes, and the errors that it gathers, with their stacks", () => {
  const system = Object.assign(new Error("open failed"), { code: "ENOENT", path: "/x" });
  const outer = new TypeError("outer", { cause: system });
  const text = plainLines(outer);
  expect(text).toMatch(
    /^TypeError: outer\n(?: +at .*\n)+Caused by Error: open failed\n(?: +at .*\n)+\{ code: 'ENOENT', path: '\/x' \}$/,
  );
  const all = plainLines(new AggregateError([new RangeError("first"), system, "third"], "all failed"));
  expect(all).toMatch(
    /^AggregateError: all failed\n {2}first\n {2}open failed\n {2}'third'\n(?: +at .*\n)+ {2}\[1\/3\] RangeError: first\n(?: +at .*\n)+ {2}\[2\/3\] Error: open failed\n(?: +at .*\n)+ {2}\{ code: 'ENOENT', path: '\/x' \}\n {2}\[3\/3\] 'third'$/,
  );
  expect(plainLines(new Error("text as cause", { cause: "why" }))).toMatch(/\nCaused by 'why'$/);
  const many = new AggregateError(
    Array.from({ length: 30 }, (_, i) => new Error(`e${i}`)),
    "many",
  );
  expect(plainLines(many)).toMatch(/\[10\/30\] Error: e9\n[\s\S]*and 20 more$/);
});

it("shows both errors of one that was thrown while another was on its way", () => {
  const both = { error: new RangeError("disposing"), suppressed: new TypeError("first") };
  const text = plainLines(Object.assign(new Error("two"), { name: "SuppressedError" }, both));
  expect(text).toMatch(
    /^SuppressedError: two\n(?: +at .*\n)+Thrown while another error was on its way: RangeError: disposing\n(?: +at .*\n)+The other error: TypeError: first\n/,
  );
  // Alone it is a property like any other.
  expect(plainLines(Object.assign(new Error("one"), { error: "why" }))).toMatch(/\n\{ error: 'why' \}$/);
});

it("describes errors that refer to themselves, and ones that cannot be read", () => {
  const self = new Error("self");
  self.cause = self;
  expect(plainLines(self)).toMatch(/Caused by Error: self\n\(described above\)$/);
  const hostile = Object.defineProperties(new Error("hostile"), {
    cause: { get: () => Reflect.get(null as never, "x") },
    stack: { get: () => Reflect.get(null as never, "x") },
    errors: { value: { length: 2 } },
    name: { value: Symbol("name") },
    own: { enumerable: true, get: () => Reflect.get(null as never, "x") },
  });
  expect(describeError(hostile)).toMatchObject({ ename: "Symbol(name)", evalue: "hostile" });
  class Mute extends Error {
    override get message(): string {
      throw new Error("no message");
    }
  }
  expect(describeError(new Mute())).toMatchObject({ ename: "Error", evalue: "(its message cannot be read)" });
  const unnamed = Object.assign(new RangeError("kept"), { name: { toString: () => Reflect.get(null as never, "x") } });
  expect(describeError(unnamed)).toMatchObject({ ename: "RangeError", evalue: "kept" });
  const refused = () => Reflect.get(null as never, "x");
  const proxy = new Proxy({}, { get: refused, ownKeys: refused, getPrototypeOf: refused });
  for (const thrown of [proxy, undefined, null, Symbol("s"), { message: 7 }, Object.create(null), () => 1]) {
    const { ename, evalue, traceback } = describeError(thrown);
    expect([ename, evalue, ...traceback].every((line) => typeof line === "string")).toBe(true);
  }
});
