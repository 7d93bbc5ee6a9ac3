/** Where the time goes: seconds by hook and by step. */

/** Measures named spans. */
export class Profiler {
  private readonly spans = new Map<string, { count: number; total: number; longest: number }>();
  private readonly started = performance.now();

  /** Adds a span of `milliseconds`. */
  add(name: string, milliseconds: number): void {
    const span = this.spans.get(name);
    if (span === undefined) this.spans.set(name, { count: 1, total: milliseconds, longest: milliseconds });
    else {
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

  /** Spans by total time, longest first; milliseconds. `share` is of the profiler's life so far, spans may contain each other. */
  rows(): { span: string; calls: number; mean: number; longest: number; total: number; share: number }[] {
    const life = performance.now() - this.started;
    return [...this.spans]
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

  /** The rows as text. */
  toString(): string {
    const lines = this.rows().map(
      ({ span, calls, mean, longest, total, share }) =>
        `${span.padEnd(40)} ${String(calls).padStart(7)} ${mean.toFixed(2).padStart(10)} ${longest.toFixed(2).padStart(10)} ` +
        `${total.toFixed(0).padStart(10)} ${(100 * share).toFixed(1).padStart(6)}`,
    );
    const head = `${"span".padEnd(40)} ${"calls".padStart(7)} ${"mean ms".padStart(10)} ${"longest".padStart(10)} ${"total ms".padStart(10)} ${"%".padStart(6)}`;
    return [head, ...lines].join("\n");
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }
}
