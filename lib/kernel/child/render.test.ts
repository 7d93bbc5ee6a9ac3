import { expect, it } from "vitest";
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

it("has no metadata for other values", () => {
  expect([1, "a", null, undefined, {}, () => 1].map(renderMetadata)).toEqual([{}, {}, {}, {}, {}, {}]);
  expect(renderMetadata({ [Symbol.for("Jupyter.displayMetadata")]: () => 7 })).toEqual({});
});
