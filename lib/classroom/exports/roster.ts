/** The list of a class: who an id is. Whatever a learning platform exports, or a list of one's own. */
import { ClassroomError } from "../errors.ts";
import { inputText } from "../source/index.ts";
import { tableOf } from "./csv.ts";

/** A person, as the list has it. */
export interface Person {
  /** Each column's cell. */
  readonly cells: ReadonlyMap<string, string>;
  readonly name: string | undefined;
  readonly lastName: string | undefined;
  readonly firstName: string | undefined;
  readonly email: string | undefined;
}

export interface Roster {
  readonly columns: readonly string[];
  readonly people: readonly Person[];
  /** Who has this id, in whichever column it stands; undefined where nobody has it, or it is not known who of several. */
  find(id: string): Person | undefined;
  /** Whether several people have this id, where it would be looked for. */
  isOfSeveral(id: string): boolean;
  /** The same list for a class whose ids these are: they are looked for first where most of them stand. */
  forIds(ids: readonly string[]): Roster;
}

/** Columns whose cells are somebody's id, the surest first: Canvas's, Moodle's, nbgrader's, Gradescope's and others. */
const idColumns = [
  "id",
  "student_id",
  "student id",
  "sis login id",
  "sis user id",
  "integration id",
  "username",
  "user name",
  "login",
  "id number",
  "sid",
  "email address",
  "email",
  "e-mail",
  "student",
];

const nameColumns = {
  first: ["first name", "first_name", "firstname"],
  last: ["surname", "last name", "last_name", "lastname"],
};

/**
 * Reads a list of a class: CSV whose first line names the columns. One of them has to hold the ids by which submissions are called.
 *
 * @throws {ClassroomError} Where it is no such table.
 */
export function readRoster(path: string): Roster {
  const text = inputText(path, "a list of the class (CSV)");
  return rosterOf(tableOf(text, path, "this list"), path);
}

export function rosterOf([head = [], ...rows]: readonly (readonly string[])[], path: string): Roster {
  const columns = head.map((name) => name.trim());
  const known = columns.map((name) => name.toLowerCase());
  const ids = idColumns.filter((name) => known.includes(name));
  if (ids.length === 0) {
    throw new ClassroomError(
      path,
      `none of its columns holds ids: the first line has ${JSON.stringify(columns.slice(0, 8).join(", "))}, expected one called ${idColumns.join(", ")}`,
    );
  }
  // Canvas's second line says how many points there are.
  const people = rows.filter(([first = ""]) => !first.includes("Points Possible")).map((row) => personOf(columns, row));
  return listOf(
    columns,
    people,
    ids.map((column) => columnOf(columns[known.indexOf(column)] ?? "", people)),
  );
}

/** Who stands under an id of one column: mostly one person. */
type Column = ReadonlyMap<string, readonly Person[]>;

/** @param ids The columns with ids, the surest first. */
function listOf(columns: readonly string[], people: readonly Person[], ids: readonly Column[]): Roster {
  const under = (id: string): readonly Person[] =>
    ids.map((column) => column.get(keyOf(id)) ?? []).find(({ length }) => length > 0) ?? [];
  return {
    columns,
    people,
    find: (id) => (under(id).length > 1 ? undefined : under(id)[0]),
    isOfSeveral: (id) => under(id).length > 1,
    forIds: (own) => {
      const count = (column: Column) => own.filter((id) => column.has(keyOf(id))).length;
      return listOf(
        columns,
        people,
        ids.toSorted((one, other) => count(other) - count(one)),
      );
    },
  };
}

function columnOf(name: string, people: readonly Person[]): Column {
  const found = new Map<string, Person[]>();
  for (const person of people) {
    const id = person.cells.get(name);
    if (id !== undefined && id !== "") {
      const others = found.get(keyOf(id)) ?? [];
      // A person may stand in a list twice, with the same in every column.
      if (!others.some((other) => isSame(other, person))) {
        found.set(keyOf(id), [...others, person]);
      }
    }
  }
  return found;
}

function isSame(one: Person, other: Person): boolean {
  return [...one.cells].every(([name, cell]) => other.cells.get(name) === cell);
}

function keyOf(id: string): string {
  return id.trim().normalize("NFC").toLowerCase();
}

function personOf(columns: readonly string[], row: readonly string[]): Person {
  const cells = new Map(columns.map((name, i) => [name, (row[i] ?? "").trim()]));
  const lower = new Map([...cells].map(([name, cell]) => [name.toLowerCase(), cell]));
  const first = (names: readonly string[]) =>
    names.map((name) => lower.get(name)).find((cell) => cell !== undefined && cell !== "");
  const lastName = first(nameColumns.last);
  const firstName = first(nameColumns.first);
  const joined = [firstName, lastName].filter((part) => part !== undefined).join(" ");
  return {
    cells,
    lastName,
    firstName,
    name: first(["student", "name", "full name"]) ?? (joined === "" ? undefined : joined),
    email: first(["email address", "email", "e-mail"]),
  };
}
