/** The grader's hold on a TypeScript kernel: what it sends there, and how it reads what comes back. */
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { KernelManager } from "nbconvert-ts-runner";
import { fieldsOf, firstLine } from "../../values.ts";

/** What the function inside says of a cell of the grader's that came to its end. */
export interface Proof {
  /** What it showed as `application/x-convbook-grade+json`. */
  readonly grades: readonly unknown[];
  /** What was tried to be changed meanwhile. */
  readonly tampered: string;
}

const prime = 2n ** 127n - 1n;

/** Under this name the expression that proves a cell's end is asked for. */
export const proofExpression = "classroom";

/** One kernel's guard. */
export class Guard {
  readonly #kernel: KernelManager;
  readonly #key = randomUUID();
  #nonce = "";
  #factor = 0n;
  #offset = 0n;

  private constructor(kernel: KernelManager) {
    this.#kernel = kernel;
  }

  /**
   * Puts the guard into a fresh kernel, before any cell ran.
   *
   * @throws Error where the kernel does not take it.
   */
  static async install(kernel: KernelManager): Promise<Guard> {
    const guard = new Guard(kernel);
    const text = insideText();
    await guard.#run(`// @ts-nocheck\n(${text}\n)(${JSON.stringify(guard.#key)});`);
    return guard;
  }

  /** Gives back what was there before any cell ran, for a cell of the grader's that comes now. */
  async arm(names: readonly string[]): Promise<void> {
    this.#nonce = randomUUID();
    this.#factor = secretNumber();
    this.#offset = secretNumber();
    await this.#ask("arm", this.#nonce, String(this.#factor), String(this.#offset), names.join(" "));
  }

  /** Gives back what was there before any cell ran, for a locked cell without tests, which may change it. */
  async trust(): Promise<void> {
    await this.#ask("trust");
  }

  /** The student's own is back. */
  async disarm(): Promise<void> {
    await this.#ask("disarm");
  }

  /** What a cell of the grader's has declared stays as it is while others of the grader's run. */
  async keep(names: readonly string[]): Promise<void> {
    if (names.length > 0) {
      await this.#ask("keep", names.join(" "));
    }
  }

  /** Looks whether names that a cell of the grader's could not declare were somebody's before. */
  async taken(names: readonly string[]): Promise<void> {
    if (names.length > 0) {
      await this.#ask("taken", names.join(" "));
    }
  }

  /** What a package exports that a cell of the grader's has imported stays as it is while others of the grader's run. */
  async hold(modules: readonly string[]): Promise<void> {
    for (const name of modules) {
      const text = JSON.stringify(name);
      await this.#run(
        `// @ts-nocheck\n$classroom(${JSON.stringify(this.#key)}, "hold", await import(${text}), ${text});`,
      );
    }
  }

  /** The expression to evaluate behind a cell of the grader's. */
  get expressions(): Readonly<Record<string, string>> {
    return { [proofExpression]: this.#call("prove") };
  }

  /**
   * Reads what came of the expression.
   *
   * @param reply The content of the reply to the cell.
   * @returns Undefined where nothing proves that the cell came to its end.
   */
  proof(reply: Readonly<Record<string, unknown>>): Proof | undefined {
    const expressions = reply.user_expressions as
      | Record<string, { status?: string; data?: Record<string, unknown> }>
      | undefined;
    const answer = expressions?.[proofExpression];
    const shown = stripVTControlCharacters(String(answer?.data?.["text/plain"] ?? ""));
    const [, hex = "", code = ""] = /^'?((?:[0-9a-f]{4})+)-(\d+)'?$/.exec(shown) ?? [];
    if (answer?.status !== "ok" || hex === "") {
      return undefined;
    }
    let text = "";
    let sum = 0n;
    for (let i = 0; i < hex.length; i += 4) {
      const unit = Number.parseInt(hex.slice(i, i + 4), 16);
      text += String.fromCharCode(unit);
      sum = ((sum + BigInt(unit)) * this.#factor) % prime;
    }
    if ((sum + this.#offset) % prime !== BigInt(code)) {
      return undefined;
    }
    try {
      const { nonce, grades, tampered } = JSON.parse(text) as { nonce: string; grades: unknown[]; tampered: string };
      return nonce === this.#nonce ? { grades, tampered } : undefined;
    } catch {
      // A grade that is no JSON.
      return { grades: [undefined], tampered: "" };
    }
  }

  /**
   * Why the function inside proves nothing, where it says so itself.
   *
   * @param reply The content of the reply to the cell.
   */
  refusal(reply: Readonly<Record<string, unknown>>): string | undefined {
    const answer = fieldsOf(fieldsOf(reply.user_expressions)[proofExpression]);
    return answer.status === "error" ? firstLine(answer.evalue).slice(0, 200) : undefined;
  }

  #call(what: string, ...args: readonly string[]): string {
    return `$classroom(${[this.#key, what, ...args].map((part) => JSON.stringify(part)).join(", ")})`;
  }

  async #ask(what: string, ...args: readonly string[]): Promise<void> {
    await this.#run(`// @ts-nocheck\n${this.#call(what, ...args)};`);
  }

  async #run(code: string): Promise<void> {
    const asked = this.#kernel.client.execute(code, { silent: true, storeHistory: false, idleTimeout: 1000 });
    const result = await answered(asked);
    if (result.status !== "ok") {
      const { ename, evalue } = result.content;
      throw new Error(`the grader's guard failed in the kernel: ${String(ename)}: ${String(evalue)}`);
    }
  }
}

/** Seconds within which the guard answers: it does little, on a machine as busy as may be. */
const patience = 60;

/**
 * What is asked of a kernel beside its cells: code of the student's may keep it from ever hearing of it.
 *
 * @throws Error where there is no answer.
 */
export async function answered<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the kernel did not answer the grader within ${patience} s`)),
      patience * 1000,
    );
  });
  // When the kernel is ended, nobody waits for it any more.
  asked.catch(() => {});
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

function secretNumber(): bigint {
  return BigInt(`0x${randomBytes(16).toString("hex")}`) % prime;
}

/** The text of the function that runs in the kernel: files of JavaScript, from the sources and from dist alike. */
function insideText(): string {
  const here = dirname(dirname(fileURLToPath(import.meta.url)));
  const root = basename(dirname(here)) === "dist" ? "../.." : "..";
  const part = (name: string) =>
    readFileSync(join(here, root, "inside", name), "utf8").replace("export default function", "function");
  const parts = { takeAwayWays: "ways.mjs", holdGlobals: "globals.mjs", makePackageHolder: "packages.mjs" };
  const given = Object.entries(parts).map(([name, file]) => `${name}: (${part(file)})`);
  return `(key) => (${part("guard.mjs")})(key, { ${given.join(", ")} })`;
}
