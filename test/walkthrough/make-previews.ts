/**
 * Makes the pictures of notebooks/previews and notebooks/README.md from executed notebooks:
 *
 *     npx nbconvert-ts-runner notebooks/*.ipynb --fast --output-dir out
 *     npm run previews out/*.ipynb
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { encodePng, transforms } from "convbook";
import { PNG } from "pngjs";
import { folder, hashOf, type Preview, pageOf, pictureCells, readPreviews } from "./preview-page.ts";

interface Output {
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
  readonly metadata?: Readonly<Record<string, { readonly alt?: string }>>;
}

/** No larger than this, in pixels. */
const [mostWide, mostHigh] = [420, 240];

/** A picture on white, small. */
function small(png: Uint8Array): Uint8Array {
  const { width, height, data } = PNG.sync.read(Buffer.from(png));
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const alpha = (data[4 * i + 3] ?? 255) / 255;
    for (let c = 0; c < 3; c++) {
      rgb[3 * i + c] = Math.round(alpha * (data[4 * i + c] ?? 0) + (1 - alpha) * 255);
    }
  }
  const scale = Math.min(1, mostWide / width, mostHigh / height);
  const size = [Math.round(scale * height), Math.round(scale * width)] as const;
  const resized = new transforms.Resize([...size]).apply({ dtype: "uint8", shape: [height, width, 3], data: rgb });
  return encodePng({ width: size[1], height: size[0], channels: 3, data: resized.data as Uint8Array });
}

const file = join(folder, "previews/sources.json");
mkdirSync(join(folder, "previews"), { recursive: true });
const previews: Record<string, Preview> = existsSync(file) ? readPreviews() : {};
for (const path of process.argv.slice(2)) {
  const name = basename(path, ".ipynb");
  const { cells } = JSON.parse(readFileSync(path, "utf8")) as { cells: { id: string; outputs?: Output[] }[] };
  const outputs = cells.find(({ id }) => id === pictureCells[name])?.outputs ?? [];
  const shown = outputs.find(({ data }) => data?.["image/png"] !== undefined);
  if (shown === undefined) {
    throw new Error(`${path}: the cell "${pictureCells[name]}" shows no picture.`);
  }
  const png = Buffer.from([shown.data?.["image/png"] ?? ""].flat().join(""), "base64");
  writeFileSync(join(folder, `previews/${name.slice(0, 2)}.png`), small(png));
  previews[name] = { sources: hashOf(name), alt: shown.metadata?.["image/png"]?.alt ?? "" };
}
const sorted = Object.fromEntries(Object.entries(previews).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
writeFileSync(join(folder, "README.md"), pageOf(sorted));
