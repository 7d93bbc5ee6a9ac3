/** What is wrong with the cells and regions of a teacher's notebook, found before anything is made of it or runs. */
import { ClassroomError } from "../errors.ts";
import {
  type Assignment,
  type AssignmentCell,
  type AssignmentNotebook,
  cellName,
  isAnswer,
  type Region,
  RegionError,
  type RegionKind,
  regionsOf,
  sharedIds,
} from "../source/index.ts";
import { release } from "./release.ts";

const kinds: readonly RegionKind[] = ["SOLUTION", "HIDDEN TESTS", "MARK SCHEME"];

/**
 * Checks what `make` is to be made of.
 *
 * @throws ClassroomError for the first notebook with problems, with all of them: regions without an end or in one another, marks that are
 *   none, hidden tests that nobody would run, points that nobody would give. Or for an id with points in two notebooks.
 */
export function checkStructure({ notebooks, folder }: Assignment): void {
  for (const notebook of notebooks) {
    const own = notebook.cells.map((cell) => ({ name: cellName(cell.index, cell.id), problems: problemsOf(cell) }));
    const faulty = own.filter(({ problems }) => problems.length > 0).map(({ name }) => name);
    const all = [
      ...own.flatMap(({ name, problems }) =>
        problems.map((each) => `${name}${each.startsWith("line ") ? ":" : ""} ${each}`),
      ),
      // Of a cell with problems of its own they only follow from these.
      ...releaseProblems(notebook).filter((each) => !faulty.some((name) => each.startsWith(`${name}:`))),
    ];
    if (all.length > 0) {
      throw new ClassroomError(notebook.path, all);
    }
  }
  const twice = sharedIds(notebooks);
  if (twice.length > 0) {
    throw new ClassroomError(folder, twice);
  }
}

/** What is worth knowing about a notebook that can be made all the same. */
export function structureNotes({ points, language, cells }: AssignmentNotebook): string[] {
  const isScript = language === "typescript" || language === "javascript";
  const magic = "%load_ext @convbook/classroom/magic";
  return [
    ...(points > 0 ? [] : ["no cell gives points; mark those with tests, or whose answers a person grades"]),
    ...(isScript && cells.some(({ role }) => role === "tests") && !cells.some(({ source }) => source.includes(magic))
      ? [`students have no %grade in it, unless its first locked cell says ${magic}`]
      : []),
  ];
}

/** What stands in the way of a student's version. */
function releaseProblems(notebook: AssignmentNotebook): readonly string[] {
  try {
    release(notebook, "student");
    return [];
  } catch (error) {
    if (error instanceof ClassroomError) {
      return error.problems;
    }
    throw error;
  }
}

function problemsOf(cell: AssignmentCell): string[] {
  const { source, metadata, role } = cell;
  const problems = nearMarks(cell);
  const regions: { kind: RegionKind; region: Region }[] = [];
  for (const kind of kinds) {
    try {
      regions.push(...regionsOf(source, kind).map((region) => ({ kind, region })));
    } catch (error) {
      if (!(error instanceof RegionError)) {
        throw error;
      }
      problems.push(error.message);
    }
  }
  problems.push(...overlaps(regions));
  const hidden = regions.find(({ kind }) => kind === "HIDDEN TESTS");
  if (hidden !== undefined && isAnswer(role) && !regions.some(({ kind }) => kind === "SOLUTION")) {
    problems.push(
      `line ${hidden.region.begin + 1}: hidden tests in a ${role} cell, which is replaced as a whole, so that they would never run; expected them in a cell with tests`,
    );
  }
  if (metadata?.points && !metadata.grade && !metadata.task) {
    problems.push(
      `has points (${metadata.points}), but "grade" is false in its nbgrader metadata, so that nobody would give them; set it to true, or take the points away`,
    );
  }
  return problems;
}

/** Regions of different kinds that are not one behind the other: taking out one tears the other. */
function overlaps(regions: readonly { kind: RegionKind; region: Region }[]): string[] {
  const sorted = regions.toSorted((a, b) => a.region.begin - b.region.begin);
  return sorted.flatMap(({ kind, region }, i) => {
    const outer = sorted.slice(0, i).find((each) => each.region.end > region.begin);
    return outer === undefined
      ? []
      : [
          `line ${region.begin + 1}: BEGIN ${kind} inside of ${outer.kind}, which began in line ${outer.region.begin + 1}`,
        ];
  });
}

/** Lines that were meant as marks: students would see what stands behind them. */
function nearMarks({ source, cell }: AssignmentCell): string[] {
  // A text may begin with these words; in code they stand in a comment, and say nothing else.
  const flags = cell.cell_type === "code" ? "i" : "";
  const near = new RegExp(
    "^\\W*(BEGIN|END)[\\s_-]*(SOLUTIONS?|HIDDEN[\\s_-]*TESTS?|HIDDEN|MARK(?:ING)?[\\s_-]*SCHEMES?)\\b[\\s:]*",
    flags,
  );
  return source.split("\n").flatMap((line, index) => {
    const [found, side = "", what = ""] = near.exec(line) ?? [];
    const kind = kinds.find((each) => each.startsWith(what.slice(0, 3).toUpperCase())) ?? "SOLUTION";
    const mark = `${side.toUpperCase()} ${kind}`;
    return found === undefined || line.includes(mark)
      ? []
      : [`line ${index + 1}: "${found.replace(/^\W+|\W+$/g, "")}" is no mark; expected ${mark}`];
  });
}
