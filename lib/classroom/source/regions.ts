/** Regions that a student does not see: `BEGIN SOLUTION … END SOLUTION` and its kind, in any language's comments. */

/** What nbgrader calls the regions of a cell. */
export type RegionKind = "SOLUTION" | "HIDDEN TESTS" | "MARK SCHEME";

/** One region of a cell. */
export interface Region {
  /** Line of its BEGIN, from 0. */
  readonly begin: number;
  /** Line of its END. */
  readonly end: number;
  /** The lines between. */
  readonly lines: readonly string[];
  /** White space before BEGIN. */
  readonly indent: string;
  /** What stands behind `BEGIN SOLUTION:`, for instance `return todo<number>("a hint");`. */
  readonly stub: string | undefined;
}

/** A region that cannot be read. */
export class RegionError extends Error {
  override readonly name = "RegionError";
}

/**
 * The regions of one kind in a cell's text. A line that holds `BEGIN KIND` anywhere begins one, as nbgrader has it.
 *
 * @param source The cell's text.
 * @param kind Which.
 * @throws RegionError for a region in a region, and one without its beginning or its end.
 */
export function regionsOf(source: string, kind: RegionKind): Region[] {
  const regions: Region[] = [];
  const lines = source.split("\n");
  let begin: number | undefined;
  for (const [index, line] of lines.entries()) {
    if (line.includes(`BEGIN ${kind}`)) {
      if (begin !== undefined) {
        throw new RegionError(`line ${index + 1}: BEGIN ${kind} inside of the region that began in line ${begin + 1}`);
      }
      begin = index;
    } else if (line.includes(`END ${kind}`)) {
      if (begin === undefined) {
        throw new RegionError(`line ${index + 1}: END ${kind} without a BEGIN ${kind} before it`);
      }
      const opening = lines[begin] ?? "";
      regions.push({
        begin,
        end: index,
        lines: lines.slice(begin + 1, index),
        indent: /^\s*/.exec(opening)?.[0] ?? "",
        stub: stubOf(opening, kind),
      });
      begin = undefined;
    }
  }
  if (begin !== undefined) {
    throw new RegionError(`line ${begin + 1}: BEGIN ${kind} without an END ${kind} behind it`);
  }
  return regions;
}

/** Only a typed hole counts as a stub: other words behind the marker are the teacher's, and stay unseen. */
function stubOf(line: string, kind: RegionKind): string | undefined {
  return kind === "SOLUTION" ? /BEGIN SOLUTION:\s*(.*\btodo\s*[<(].*)$/.exec(line)?.[1]?.trim() : undefined;
}

/**
 * A cell's text with each region of a kind replaced.
 *
 * @param source The cell's text.
 * @param kind Which regions.
 * @param replacement The lines in a region's place; by default none.
 * @throws RegionError as {@link regionsOf} does.
 */
export function replaceRegions(
  source: string,
  kind: RegionKind,
  replacement: (region: Region) => readonly string[] = () => [],
): string {
  const lines = source.split("\n");
  for (const region of regionsOf(source, kind).reverse()) {
    lines.splice(region.begin, region.end - region.begin + 1, ...replacement(region));
  }
  return lines.join("\n");
}
