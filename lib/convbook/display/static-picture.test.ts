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
