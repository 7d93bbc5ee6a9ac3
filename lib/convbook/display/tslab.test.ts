import { inspect } from "node:util";
import { expect, it } from "vitest";
import { showWhenInspected } from "./tslab.ts";

it("shows what knows how where it is inspected by itself, and writes all else as usual", () => {
  const shown: unknown[] = [];
  const prototype = Object.create(null) as object;
  showWhenInspected((value) => {
    if ((value as { broken?: boolean }).broken) {
      throw new Error("cannot be shown");
    }
    shown.push(value);
  }, prototype);
  const make = <T extends object>(fields: T): T => Object.assign(Object.create(prototype) as T, fields);
  const figure = make({ [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "figure" }), alt: "a figure" });
  expect(inspect(figure)).toBe("");
  expect(shown).toEqual([figure]);
  expect(inspect([figure])).toContain("alt: 'a figure'");
  expect(shown).toHaveLength(1);
  expect(inspect(make({ plain: 1 }))).toContain("plain: 1");
  const broken = make({ [Symbol.for("Jupyter.display")]: () => ({}), broken: true });
  expect(inspect(broken)).toContain("broken: true");
  const own = make({ [inspect.custom]: () => "its own" });
  expect(inspect(own)).toBe("its own");
});
