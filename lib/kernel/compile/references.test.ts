import { expect, it } from "vitest";
import { referencesTo } from "./references.ts";
import { parseModule } from "./rewrite.ts";

/** The code with every mention of `name` that means the top level's in brackets. */
function marked(code: string): string {
  const found = referencesTo(parseModule(code), new Set(["name"]));
  return found
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end, as }) => `${text.slice(0, start)}[${as}]${text.slice(end)}`, code);
}

it("tells a name of the top level from properties, labels and names of functions and blocks", () => {
  const cells = [
    ["name.name(name)", "[value].name([value])"],
    ["name`x`; name(); new name()", "[called]`x`; [called](); new [value]()"],
    [
      "({ name, a: name, name: 1, [name]: 2, name() {} })",
      "({ [shorthand], a: [value], name: 1, [[value]]: 2, name() {} })",
    ],
    ["({ name = name } = {}); [name] = []", "({ [shorthand] = [value] } = {}); [[value]] = []"],
    ["const name = () => name", "const [value] = () => [value]"],
    ["((name) => name)(name)", "((name) => name)([value])"],
    [
      "function f(a = name) { if (a) { var name } return name }",
      "function f(a = name) { if (a) { var name } return name }",
    ],
    ["function g() { { let name; name } return name }", "function g() { { let name; name } return [value] }"],
    [
      "(function name() { name })(); (class name { static x = name })",
      "(function name() { name })(); (class name { static x = name })",
    ],
    ["for (const name of name) name", "for (const name of name) name"],
    ["for (var name of []) name", "for (var [value] of []) [value]"],
    ["try { } catch (name) { name } name", "try { } catch (name) { name } [value]"],
    ["name: for (;;) break name", "name: for (;;) break name"],
    [
      "class C { name = name; #name = 1; get() { return this.#name } }",
      "class C { name = [value]; #name = 1; get() { return this.#name } }",
    ],
    ["switch (name) { case 1: let name; name }", "switch ([value]) { case 1: let name; name }"],
  ];
  for (const [code = "", expected] of cells) {
    expect(marked(code)).toBe(expected);
  }
});
