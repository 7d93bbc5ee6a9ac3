/** What grading one submission leaves: `result.json`. Feedback, reports and exports are made from it and from nothing else. */

/** Why points were given or not: what the grader's code says of one check. */
export interface Reason {
  /** The check's name, as its author wrote it for students. */
  readonly name: string;
  readonly passed: boolean;
  readonly points: number;
  readonly maxPoints: number;
  /** One sentence for the student; never a line of hidden code. */
  readonly message?: string;
  readonly got?: string;
  readonly expected?: string;
}

/** A picture that a cell of the student's own showed, for the page of feedback. */
export interface Figure {
  readonly type: "image/png" | "image/jpeg" | "image/svg+xml";
  /** Base64; of SVG, its text. */
  readonly data: string;
  /** What it shows, in words, where the cell said so. */
  readonly alt?: string;
}

/** What a student wrote: a cell that is not locked. */
export interface Answer {
  /** nbgrader's `grade_id`, else the cell's id. */
  readonly cell: string | null;
  /** Of a cell that the student added: the id of the task (Markdown that asks for cells of the students' own) that it stands behind. */
  readonly task?: string;
  readonly type: "code" | "markdown" | "raw";
  readonly source: string;
  /** What stood there in the student's version; absent in a cell that the student added. */
  readonly given?: string;
}

/** One cell that gives points. */
export interface TaskResult {
  /** nbgrader's `grade_id`. */
  readonly id: string;
  /** The heading above it, or its id. */
  readonly title: string;
  readonly kind: "automatic" | "manual";
  readonly maxPoints: number;
  /** `null` until a person has given them. */
  readonly points: number | null;
  readonly status: "passed" | "partly" | "failed" | "error" | "timeout" | "notDone" | "missing" | "notRun" | "manual";
  readonly reasons: readonly Reason[];
  /** Seconds that the cell ran. */
  readonly seconds: number;
  /** What a person wrote of it, for the student. */
  readonly comment?: string;
  /** What the student's cells showed between the task before and this one. */
  readonly figures?: readonly Figure[];
  /** What a person gave for an answer that has changed since: the task needs grading again. */
  readonly earlier?: EarlierPoints;
}

/** Points that a person gave for an earlier answer. */
export interface EarlierPoints {
  readonly points: number;
  readonly maxPoints: number;
  readonly comment?: string;
  /** The answer that they were given for. */
  readonly answer?: string;
}

/** What was found in the file besides its answers. */
export interface Finding {
  readonly kind:
    | "changed" // a locked cell differed and was restored
    | "missing" // a cell with points is not there
    | "copied" // an id occurs more than once
    | "moved" // a cell stood elsewhere
    | "retyped" // its type was changed
    | "split"
    | "merged"
    | "output" // more than the limit was printed
    | "error" // a cell that is no test ended with one
    | "limit" // time, memory or processes came to an end
    | "network" // it asked for an address
    | "forged" // it showed grades of its own
    | "unreadable";
  readonly cell: string | null;
  readonly message: string;
}

/** One submission, graded. */
export interface Result {
  readonly version: 1;
  readonly assignment: string;
  readonly student: string;
  /** When it was to be handed in: the `due` of `class.yaml`. */
  readonly due?: string;
  /** When it was handed in, in UTC (`YYYY-MM-DD HH:MM:SS`), where nbgrader's `timestamp.txt` says so. */
  readonly submitted?: string;
  readonly status: "graded" | "needsManual" | "failed";
  readonly points: number;
  readonly maxPoints: number;
  readonly tasks: readonly TaskResult[];
  readonly findings: readonly Finding[];
  /** What the student wrote, in the notebook's order. */
  readonly answers?: readonly Answer[];
  /** What the run used. */
  readonly used?: {
    /** Of all cells together. */
    readonly seconds: number;
    /** The most of its processes at once, in bytes. */
    readonly memory: number;
    /** The backend of TensorFlow.js with which the cells computed, and the engine's build where it is `native`; `null` where they used none. */
    readonly engine?: { readonly backend: string; readonly build: "native" | "wasm" | null } | null;
  };
  /** Everything that a grade depends on. */
  readonly provenance: {
    readonly submission: string; // SHA-256 of the file as handed in
    readonly grader: string; // SHA-256 of the grader's notebook
    readonly variant: string | null;
    readonly seed: number;
    readonly versions: Readonly<Record<string, string>>;
    readonly machine: { readonly system: string; readonly processor: string; readonly threads: number };
    readonly limits: Readonly<Record<string, number | boolean>>;
    /** What the system could hold of them, and what not: sentences. */
    readonly isolation: readonly string[];
  };
}

/** What a cell shows as `application/x-convbook-grade+json`. */
export interface Graded {
  readonly points: number;
  readonly reasons: readonly (string | Reason)[];
}
