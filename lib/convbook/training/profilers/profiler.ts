/** Where the time goes, by hook and by step: what PyTorch Lightning's SimpleProfiler reports. */
import { type MimeBundle, type Table, table } from "../../display/index.ts";

/** Calls of one thing and the time that they took, in milliseconds. */
export interface ProfilerRow {
  readonly span: string;
  readonly calls: number;
  readonly mean: number;
  readonly longest: number;
  readonly total: number;
  /** Of the profiler's life so far; spans may contain each other. */
  readonly share: number;
}

/** Measures named spans. */
export class Profiler {
  readonly #spans = new Map<string, { count: number; total: number; longest: number }>();
  readonly #started = performance.now();

  /** Adds a span of `milliseconds`. */
  add(name: string, milliseconds: number): void {
    const span = this.#spans.get(name);
    if (span === undefined) {
      this.#spans.set(name, { count: 1, total: milliseconds, longest: milliseconds });
    } else {
      span.count++;
      span.total += milliseconds;
      span.longest = Math.max(span.longest, milliseconds);
    }
  }

  /** Runs a function as a span; a promise is a span until it settles. */
  measure<T>(name: string, f: () => T): T {
    const start = performance.now();
    const result = f();
    if (result instanceof Promise) {
      return result.finally(() => this.add(name, performance.now() - start)) as T;
    }
    this.add(name, performance.now() - start);
    return result;
  }

  /** Runs all of what a batch does; `stage` is for example `training`. */
  async measureBatch<T>(stage: string, f: () => Promise<T>): Promise<T> {
    return this.measure(`${stage} batch`, f);
  }

  /** Spans by total time, longest first. */
  rows(): ProfilerRow[] {
    const life = performance.now() - this.#started;
    return [...this.#spans]
      .map(([span, { count, total, longest }]) => ({
        span,
        calls: count,
        mean: total / count,
        longest,
        total,
        share: total / life,
      }))
      .sort((a, b) => b.total - a.total);
  }

  /** What the Trainer shows when a run is over. */
  tables(): Table[] {
    const rows = this.rows();
    const [long, short] = [rows.filter(isLong), rows.filter((row) => !isLong(row))];
    if (short.length > 0) {
      long.push(together(short));
    }
    return [
      table(
        long.map((row) => ({ ...row })),
        {
          columns: {
            span: "span",
            calls: "calls",
            mean: "mean ms",
            longest: "longest ms",
            total: "total ms",
            share: "share",
          },
          formats: { calls: "integer", mean: "fixed2", longest: "fixed2", total: "fixed0", share: "percent" },
          caption: "Time by hook and step; spans may contain each other",
        },
      ),
    ];
  }

  /** The tables as text. */
  toString(): string {
    return this.tables().map(String).join("\n\n");
  }

  [Symbol.for("Jupyter.display")](): MimeBundle {
    const html = this.tables().map((each) => each.toHtml());
    return { "text/html": html.join("\n"), "text/plain": this.toString() };
  }
}

/** Whether a span is worth a line. */
function isLong({ share }: ProfilerRow): boolean {
  return share >= 0.0005;
}

function together(rows: readonly ProfilerRow[]): ProfilerRow {
  const sum = (value: (row: ProfilerRow) => number) => rows.reduce((before, row) => before + value(row), 0);
  const calls = sum((row) => row.calls);
  const total = sum((row) => row.total);
  return {
    span: `${rows.length} shorter spans`,
    calls,
    mean: total / calls,
    longest: Math.max(...rows.map(({ longest }) => longest)),
    total,
    share: sum((row) => row.share),
  };
}
