import { describe, expect, it } from "vitest";
import { loadNative } from "./native.ts";
import { differenceOf, type NativeTables } from "./native-tables.ts";

const { addon } = loadNative();

/** The native code's tables with one of them changed; null takes it away. */
function changed(table: string, change: (entries: string) => string | null): NativeTables {
  const tables = (addon?.tables() ?? []).flatMap(([name, entries]): [string, string][] => {
    const text = name === table ? change(entries) : entries;
    return text === null ? [] : [[name, text]];
  });
  return { tables: () => tables };
}

describe.runIf(addon !== undefined)("native code", () => {
  const names = (addon?.tables() ?? []).map(([name]) => name);

  it("numbers and orders as these sources do", () => {
    expect(names).toContain("programOperation");
    expect(addon === undefined ? undefined : differenceOf(addon)).toBeUndefined();
  });

  it.each(names)("of other sources is told by its table %s", (name) => {
    expect(differenceOf(changed(name, (entries) => `${entries}, another`))).toMatch(
      new RegExp(`^its table "${name}" is \\[.+, another\\], expected \\[.+\\]$`),
    );
    expect(differenceOf(changed(name, (entries) => entries.split(", ").reverse().join(", ")))).toContain(`"${name}"`);
    expect(differenceOf(changed(name, () => null))).toMatch(
      new RegExp(`^its table "${name}" is missing, expected \\[`),
    );
  });

  it("without a function that these sources call is of other sources", () => {
    const tables = { tables: () => addon?.tables() ?? [] };
    expect(differenceOf({ ...tables, alloc: () => {} }, ["alloc"])).toBeUndefined();
    expect(differenceOf({ ...tables, alloc: () => {} }, ["alloc", "settle"])).toBe('it has no function "settle"');
  });

  it("from before there were tables is of other sources", () => {
    expect(differenceOf({})).toBe('its table "activations" is missing, expected [linear, relu, relu6]');
  });
});
