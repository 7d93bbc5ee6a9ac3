/** `npm run check` asks this, too: how the sources hang together, and how often their types are overruled. Ends with 1 where a rule is broken. */
import { brokenBoundaries, lostImports } from "./boundaries.ts";
import { forbiddenCircles } from "./cycles.ts";
import { readSources, type Source } from "./sources.ts";

/** Casts and `any`s that 1,000 lines of a package may have. */
const mostCasts = { engine: 7, mpi: 7, kernel: 8, runner: 11, classroom: 7, convbook: 7 };
const mostAnys = 0.2;

function perThousandLines(sources: readonly Source[], count: (source: Source) => number): number {
  const lines = sources.reduce((sum, source) => sum + source.lines, 0);
  return (sources.reduce((sum, source) => sum + count(source), 0) / lines) * 1000;
}

const sources = readSources();
/** The files that have most of something, to begin with. */
function worst(of: readonly Source[], count: (source: Source) => number): string {
  const first = of.filter((source) => count(source) > 0).toSorted((a, b) => count(b) - count(a));
  return first
    .slice(0, 5)
    .map((source) => `${source.path} has ${count(source)}`)
    .join(", ");
}

const faults = [
  ...forbiddenCircles(sources).map((circle) => `A circle ${circle}`),
  ...brokenBoundaries(sources),
  ...lostImports(sources),
];
const counts = Object.entries(mostCasts).map(([name, most]) => {
  const own = sources.filter(({ packageName }) => packageName === name);
  const casts = perThousandLines(own, (source) => source.casts);
  const anys = perThousandLines(own, (source) => source.anys);
  if (casts > most) {
    faults.push(
      `lib/${name} has ${casts.toFixed(1)} casts in 1,000 lines; at most ${most} are allowed: ${worst(own, (source) => source.casts)}`,
    );
  }
  if (anys > mostAnys) {
    faults.push(
      `lib/${name} has ${anys.toFixed(2)} anys in 1,000 lines; at most ${mostAnys} are allowed: ${worst(own, (source) => source.anys)}`,
    );
  }
  return `${name} ${casts.toFixed(1)}`;
});
for (const fault of faults) {
  console.error(fault);
}
const hanging =
  faults.length === 0 ? "no circles, no crossed boundaries" : `${faults.length} fault${faults.length === 1 ? "" : "s"}`;
console.log(`Checked ${sources.length} sources: ${hanging}; casts in 1,000 lines: ${counts.join(", ")}.`);
process.exitCode = faults.length === 0 ? 0 : 1;
