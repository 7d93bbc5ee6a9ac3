/** Grades as each platform imports them. */
import { ClassroomError } from "../errors.ts";
import { type Result, utc } from "../results/index.ts";
import { type CsvCell, writeCsv } from "./csv.ts";
import { type Grades, headingsOf, isFinal, pointsOf, rounded, type StudentGrades, summaryOf } from "./grades.ts";
import type { Person, Roster } from "./roster.ts";

export interface ExportOptions {
  readonly roster?: Roster | undefined;
  /** What the column is called, where a platform has one already. */
  readonly column?: string | undefined;
  /** A column for each question, too. */
  readonly perQuestion?: boolean | undefined;
  /** Points so far where some are still to be given; they are left out else. */
  readonly partial?: boolean | undefined;
}

export interface ExportedText {
  readonly text: string;
  /** What somebody should know before importing it, sentences. */
  readonly notes: readonly string[];
}

/** One column of points: of an assignment, or of a question. */
interface Column {
  readonly heading: string;
  readonly maxPoints: number;
  readonly points: (student: StudentGrades) => number | null;
}

function columnsOf(grades: Grades, { column, perQuestion = false, partial = false }: ExportOptions): Column[] {
  const { assignments, questions } = grades;
  if (column !== undefined && assignments.length > 1) {
    const names = assignments.map(({ name }) => JSON.stringify(name)).join(", ");
    throw new ClassroomError(
      "--column",
      `there are results of ${assignments.length} assignments (${names}): export each folder alone`,
    );
  }
  const headings = headingsOf(grades);
  return assignments.flatMap(({ name, maxPoints }) => [
    ...(perQuestion
      ? questions.flatMap((question, i) =>
          question.assignment === name
            ? [
                {
                  heading: `${assignments.length > 1 ? "" : `${name}: `}${headings[i]}`,
                  maxPoints: question.maxPoints,
                  points: (student: StudentGrades) => pointsOf(student, question),
                },
              ]
            : [],
        )
      : []),
    {
      heading: column ?? name,
      maxPoints,
      points: ({ results }: StudentGrades) => {
        const result = results.get(name);
        return result !== undefined && (partial || isFinal(result)) ? rounded(result.points) : null;
      },
    },
  ]);
}

/** Who has points still to come. */
export function openNotes({ students }: Grades, { partial = false }: ExportOptions): string[] {
  const open = students.filter(({ results }) => ![...results.values()].every(isFinal)).map(({ student }) => student);
  const what = partial ? "have points so far only" : "have no total yet (--partial takes the points so far)";
  return open.length === 0 ? [] : [`${open.length} of ${students.length} ${what}: ${listed(open)}`];
}

function rosterNotes({ students }: Grades, roster: Roster | undefined): string[] {
  if (roster === undefined) {
    return [];
  }
  const found = new Set(students.map(({ student }) => roster.find(student)));
  const unclear = students.filter(({ student }) => roster.isOfSeveral(student)).map(({ student }) => student);
  const strangers = students
    .filter(({ student }) => roster.find(student) === undefined && !roster.isOfSeveral(student))
    .map(({ student }) => student);
  const silent = roster.people
    .filter((person) => !found.has(person))
    .map(({ name, email, cells }) => name ?? email ?? [...cells.values()][0] ?? "");
  return [
    ...(unclear.length === 0 ? [] : [`of several people in the list of the class: ${listed(unclear)}`]),
    ...(strangers.length === 0 ? [] : [`not in the list of the class: ${listed(strangers)}`]),
    ...(silent.length === 0 ? [] : [`handed in nothing: ${listed(silent)}`]),
  ];
}

function listed(names: readonly string[]): string {
  const most = 20;
  return names.length > most ? `${names.slice(0, most).join(", ")} and ${names.length - most} more` : names.join(", ");
}

/** A table for people and programs: a line a student, a column a question. With a byte order mark, by which Excel knows UTF-8. */
export function plainCsv(grades: Grades, options: ExportOptions): ExportedText {
  const { roster } = options;
  const { assignments, questions, students } = grades;
  const headings = headingsOf(grades);
  const several = assignments.length > 1;
  const rows = students.map((student): CsvCell[] => {
    const results = [...student.results.values()];
    const open = !results.every(isFinal);
    return [
      student.student,
      ...personCells(roster, roster?.find(student.student)),
      ...questions.map((question) => pointsOf(student, question)),
      rounded(results.reduce((sum, { points }) => sum + points, 0)),
      rounded(assignments.reduce((sum, { maxPoints }) => sum + maxPoints, 0)),
      open ? (results.some(({ status }) => status === "failed") ? "failed" : "needs manual grading") : "graded",
      results
        .flatMap(({ assignment, findings }) =>
          findings.map(({ message }) => (several ? `${assignment}: ${message}` : message)),
        )
        .join("\n"),
    ];
  });
  const missing = (roster?.people ?? [])
    .filter((person) => !students.some(({ student }) => roster?.find(student) === person))
    .map((person): CsvCell[] => [
      null,
      ...personCells(roster, person),
      ...questions.map(() => null),
      null,
      null,
      "nothing handed in",
      null,
    ]);
  const head = [
    "student",
    ...(roster === undefined ? [] : ["name", "email"]),
    ...questions.map(({ maxPoints }, i) => `${headings[i]} (${rounded(maxPoints)})`),
    "total",
    "max",
    "status",
    "findings",
  ];
  return { text: writeCsv([head, ...rows, ...missing], { bom: true }), notes: rosterNotes(grades, roster) };
}

function personCells(roster: Roster | undefined, person: Person | undefined): CsvCell[] {
  return roster === undefined ? [] : [person?.name, person?.email];
}

const canvasColumns = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"];
/** Words by which Canvas takes a column for one of its own, and leaves it out. */
const canvasOwn = /(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)/;

/**
 * Canvas's gradebook: "Import" in Grades. Students are found by ID, SIS User ID or SIS Login ID, an assignment by its title or by "Title (ID)" as Canvas exports it.
 */
export function canvasCsv(grades: Grades, options: ExportOptions): ExportedText {
  const { roster, column } = options;
  const columns = columnsOf(grades, options).map((each) => ({
    ...each,
    // A number in parentheses at the end would be the ID of another assignment.
    heading: each.heading === column ? column : each.heading.replace(/\((\d+)\)$/, "[$1]"),
  }));
  const lost = columns.find(({ heading }) => canvasOwn.test(heading));
  if (lost !== undefined) {
    throw new ClassroomError(
      lost.heading,
      "Canvas takes a column of this name for one of its own and leaves it out; give another with --column",
    );
  }
  const own = (person: Person | undefined, name: string) =>
    [...(person?.cells ?? [])].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? "";
  const rows = grades.students.map((student): CsvCell[] => {
    const person = roster?.find(student.student);
    const identity =
      person === undefined
        ? [student.student, "", "", student.student, ""]
        : canvasColumns.map((name) => own(person, name) || (name === "Student" ? (person.name ?? "") : ""));
    const known = identity.slice(1, 4).some((cell) => cell !== "");
    return [
      ...(known ? identity : [identity[0], "", "", student.student, identity[4]]),
      ...columns.map(({ points }) => points(student)),
    ];
  });
  const possible = ["    Points Possible", "", "", "", "", ...columns.map(({ maxPoints }) => rounded(maxPoints))];
  return {
    text: writeCsv([[...canvasColumns, ...columns.map(({ heading }) => heading)], possible, ...rows]),
    notes: [...openNotes(grades, options), ...rosterNotes(grades, roster)],
  };
}

/**
 * Moodle's "Import: CSV file" in Grades. The first column is mapped to the user's field of its name; a grade that is not there is "-", which leaves none.
 */
export function moodleCsv(grades: Grades, options: ExportOptions): ExportedText {
  const { roster } = options;
  const columns = columnsOf(grades, options);
  const fields = ["Username", "ID number", "Email address"];
  const known =
    roster === undefined
      ? []
      : fields.filter((field) => roster.columns.some((name) => name.toLowerCase() === field.toLowerCase()));
  const byMail = grades.students.every(({ student }) => /^[^@\s]+@[^@\s]+$/.test(student));
  const identity = known.length > 0 ? known : [byMail ? "Email address" : "Username"];
  const rows = grades.students.map((student): CsvCell[] => {
    const person = roster?.find(student.student);
    const cells = new Map([...(person?.cells ?? [])].map(([name, cell]) => [name.toLowerCase(), cell]));
    return [
      ...identity.map((field) => cells.get(field.toLowerCase()) ?? (identity.length === 1 ? student.student : "")),
      ...columns.map(({ points }) => points(student) ?? "-"),
      [...student.results.values()].map(summaryOf).join("\n"),
    ];
  });
  const head = [...identity, ...columns.map(({ heading }) => heading), "Feedback"];
  return { text: writeCsv([head, ...rows]), notes: [...openNotes(grades, options), ...rosterNotes(grades, roster)] };
}

const nbgraderColumns = [
  "assignment",
  "duedate",
  "timestamp",
  "student_id",
  "last_name",
  "first_name",
  "email",
  "raw_score",
  "late_submission_penalty",
  "score",
  "max_score",
];

/**
 * What `nbgrader export` writes: times in UTC, and who handed in nothing has 0 points and no timestamp. `--column` is the
 * assignment's name there.
 */
export function nbgraderCsv(grades: Grades, options: ExportOptions): ExportedText {
  const { roster, column } = options;
  const [{ heading } = { heading: "" }] = column === undefined ? [] : columnsOf(grades, options);
  const idOf = idsIn(roster, grades);
  const rows = grades.assignments.flatMap(({ name, maxPoints }) => {
    const results = grades.students.map(({ student, results: all }) => ({ student, result: all.get(name) }));
    const due = results.map(({ result }) => utc(result?.due ?? "")).find((each) => each !== undefined);
    const row = (id: string, person: Person | undefined, result: Result | undefined): CsvCell[] => {
      const points = decimal(Math.max(0, result?.points ?? 0));
      const identity = [person?.lastName, person?.firstName, person?.email];
      return [heading || name, due, result?.submitted, id, ...identity, points, "0.0", points, decimal(maxPoints)];
    };
    const handedIn = results.map(({ student, result }) => {
      const person = roster?.find(student);
      return row(person === undefined ? student : idOf(person, student), person, result);
    });
    const silent = (roster?.people ?? [])
      .filter((person) => !grades.students.some(({ student }) => roster?.find(student) === person))
      .map((person) => row(idOf(person, person.email ?? person.name ?? ""), person, undefined));
    return [...handedIn, ...silent];
  });
  return {
    text: writeCsv([nbgraderColumns, ...rows]),
    notes: [...openNotes(grades, { ...options, partial: true }), ...rosterNotes(grades, roster)],
  };
}

/**
 * The ids of a list's people: nbgrader's own column `student_id` or `id`, else the column in which most of those who handed in were found; in lists of
 * platforms, `ID` is a number of theirs.
 */
function idsIn(roster: Roster | undefined, { students }: Grades): (person: Person, other: string) => string {
  const columns = roster?.columns ?? [];
  const found = (column: string) =>
    students.filter(({ student }) => {
      const cell = roster?.find(student)?.cells.get(column) ?? "";
      return cell !== "" && cell.toLowerCase() === student.toLowerCase();
    }).length;
  const own = columns.find((name) => name === "student_id") ?? columns.find((name) => name === "id");
  const best = columns.reduce<string | undefined>(
    (most, each) => (found(each) > (most === undefined ? 0 : found(most)) ? each : most),
    undefined,
  );
  const column = own ?? best ?? columns.find((name) => /^(student id|username|sis login id|id)$/i.test(name));
  return ({ cells }, other) => cells.get(column ?? "") || other;
}

/** As Python writes a float. */
function decimal(points: number): string {
  const text = String(rounded(points));
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
