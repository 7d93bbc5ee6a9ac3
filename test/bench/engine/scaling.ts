/** Images a second over the size of the batch and over the number of threads, beside PyTorch, as a table and as a figure. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { engine } from "@convbook/engine";
import { vegaLite } from "../../../lib/convbook/display/index.ts";
import { compete, type Entry, modes, rate } from "./contest.ts";
import { ours } from "./networks.ts";
import { networksOf, type Options, type Section } from "./options.ts";
import { pyTorch } from "./process.ts";

type Row = Section["rows"][number];

/** One line of the figure: who, and at which layout. */
async function measure(name: string, batch: number, threads: number, options: Options): Promise<Row[]> {
  const { python, rounds, isa } = options;
  const entries: Entry[] = [{ label: "ours", contestant: ours(name, batch) }];
  if (python !== undefined) {
    const peer = pyTorch(python, name, batch, threads, isa);
    entries.push({
      label: "PyTorch",
      contestant: { step: (mode) => peer.step(mode, "channels_last"), close: () => peer.close() },
    });
  }
  const times = await compete(entries, rounds, { burst: Math.min(16, Math.ceil(128 / batch)) });
  for (const { contestant } of entries) {
    contestant.close();
  }
  engine.trim();
  return entries.flatMap(({ label }) =>
    modes.map((mode) => ({
      model: name,
      who: label,
      mode,
      batch,
      threads,
      imagesPerSecond: rate(batch, times.get(`${label} ${mode}`) ?? []),
    })),
  );
}

export async function scaling(options: Options): Promise<Section> {
  const { threads: all, processors } = engine.info();
  const byBatch: Row[] = [];
  const byThreads: Row[] = [];
  const [name = "ResNet"] = networksOf(options, ["ResNet"]);
  for (let batch = 1; batch <= 512; batch *= 2) {
    byBatch.push(...(await measure(name, batch, all, options)));
  }
  for (
    let threads = 1;
    threads <= processors;
    threads = threads < processors ? Math.min(threads * 2, processors) : processors + 1
  ) {
    engine.setThreads(threads);
    byThreads.push(...(await measure(name, options.batch, threads, options)));
  }
  engine.setThreads(options.threads);
  if (options.figure !== undefined) {
    writeFigure(options.figure, name, byBatch, byThreads, options.batch);
  }
  const rows = [...byBatch, ...byThreads];
  const note = `Images a second of ${name}; PyTorch in channels_last; medians${options.figure === undefined ? "; --figure=FILE.png draws it" : `; drawn in ${options.figure}`}`;
  return { title: "Scaling", note, rows };
}

/** FILE.png and, beside it, the Vega-Lite description with the data. @throws Error when the file cannot be written. */
function writeFigure(file: string, name: string, byBatch: Row[], byThreads: Row[], batch: number): void {
  const panel = (title: string, mode: string, rows: Row[], x: object) => ({
    title: `${title}, ${mode === "train" ? "training" : "inference"}`,
    width: 260,
    height: 200,
    data: { values: rows.filter((row) => row.mode === mode) },
    mark: { type: "line", point: true, tooltip: true },
    encoding: {
      x,
      y: { field: "imagesPerSecond", type: "quantitative", title: "images / s" },
      color: { field: "who", type: "nominal", title: null },
    },
  });
  const x = {
    batch: { field: "batch", type: "ordinal", title: "batch size", axis: { labelAngle: 0 } },
    threads: { field: "threads", type: "ordinal", title: `threads (batch ${batch})`, axis: { labelAngle: 0 } },
  };
  const row = (mode: string) => ({
    hconcat: [panel(name, mode, byBatch, x.batch), panel(name, mode, byThreads, x.threads)],
  });
  const spec = { vconcat: modes.map(row) };
  const alt = `Images a second of ${name} over batch size and threads, ours and PyTorch`;
  const figure = vegaLite(JSON.parse(JSON.stringify(spec)), { alt });
  const bundle = figure[Symbol.for("Jupyter.display") as keyof typeof figure] as unknown as () => Record<
    string,
    string
  >;
  const { "image/png": png, "image/svg+xml": svg } = bundle.call(figure);
  mkdirSync(dirname(file), { recursive: true });
  if (png !== undefined) {
    writeFileSync(file, Buffer.from(png, "base64"));
  } else {
    writeFileSync(`${file.replace(/\.png$/, "")}.svg`, svg ?? "");
  }
  writeFileSync(`${file.replace(/\.png$/, "")}.vl.json`, `${JSON.stringify(figure.spec, null, 2)}\n`);
}
