/** Drawings as addresses of pictures. */

/** A drawing as a data address: in a picture nothing of it runs, and nothing is loaded. */
export function svgDataUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
