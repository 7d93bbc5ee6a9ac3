import { inflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { staticPicture } from "./static-picture.ts";

const svg = (content: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20" viewBox="0 0 60 20">${content}</svg>`;

/** Width, height and all bytes of the rows of a PNG that resvg wrote (RGBA). */
function pixels(base64: string) {
  const file = Buffer.from(base64, "base64");
  const data: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const length = file.readUInt32BE(at);
    if (file.toString("latin1", at + 4, at + 8) === "IDAT") {
      data.push(file.subarray(at + 8, at + 8 + length));
    }
  }
  return { width: file.readUInt32BE(16), height: file.readUInt32BE(20), rows: inflateSync(Buffer.concat(data)) };
}

it("is twice as fine as it is shown", () => {
  const { bundle, metadata } = staticPicture(svg(""), "nothing");
  const { width, height } = pixels(bundle["image/png"] as string);
  expect([width, height]).toEqual([120, 40]);
  expect(metadata).toEqual({ "image/png": { alt: "nothing", width: 60, height: 20 } });
});

it.each(["system-ui, sans-serif", "No Such Font"])("draws text asked for in %s", (family) => {
  const { bundle } = staticPicture(svg(`<text x="2" y="15" font-family="${family}">abc</text>`), "abc");
  expect(pixels(bundle["image/png"] as string).rows.some((byte) => byte > 200)).toBe(true);
});

it("draws no boxes for characters that no font here has: the reader's browser draws the SVG", () => {
  // Assigned to nothing, so that no machine has it.
  const picture = svg('<text x="2" y="15">a&#983040;\u{10fffc}</text>');
  const { bundle, metadata } = staticPicture(picture, "odd");
  expect(bundle).toEqual({ "image/svg+xml": picture });
  expect(metadata).toEqual({ "image/svg+xml": { alt: "odd" } });
});

it.each(["训练损失", "学習", "학습"])("draws %s, or gives the SVG where the machine has no font for it", (text) => {
  const { bundle } = staticPicture(svg(`<text x="2" y="15" font-size="12">${text}</text>`), text);
  expect(Object.keys(bundle)).toHaveLength(1);
  if (bundle["image/png"] !== undefined) {
    expect(pixels(bundle["image/png"] as string).rows.some((byte) => byte > 200)).toBe(true);
  } else {
    expect(bundle["image/svg+xml"]).toContain(text);
  }
});

it("draws what the bundled font has, beyond Latin, as a PNG", () => {
  for (const text of ["loss − α²", "Потеря", "log₁₀", "✓ ✗", "é…", "a\u00a0b\u200d"]) {
    expect(Object.keys(staticPicture(svg(`<text x="2" y="15">${text}</text>`), text).bundle)).toEqual(["image/png"]);
  }
});
