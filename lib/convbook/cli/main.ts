/**
 * The command `convbook`. Each subcommand is a file of this folder; what it needs is loaded when it runs, so that
 * `convbook --help` answers at once.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { classCommand } from "@convbook/classroom";
import { Command, CommanderError } from "commander";
import { isOn } from "../download/cache.ts";
import { expandHome } from "../files/index.ts";
import { doctorCommand } from "./doctor/doctor.ts";
import { consoleCommand, kernelCommand } from "./kernel.ts";
import { predictCommand } from "./predict.ts";
import { startCommand } from "./start.ts";
import { tableCommand } from "./table.ts";
import { testCommand } from "./test.ts";
import { trainCommand } from "./train.ts";

// Paths in the environment are meant from here; a kernel runs in the notebook's folder.
for (const variable of ["CONVBOOK_MIRROR", "CONVBOOK_CACHE", "CONVBOOK_HISTORY", "CONVBOOK_TYPESCRIPT"]) {
  const value = process.env[variable];
  if (value && !/^[a-z][a-z0-9+.-]+:/i.test(value)) {
    process.env[variable] = resolve(expandHome(value));
  }
}

/** The version in the nearest package.json above: beside the sources, or beside dist. */
function packageVersion(): string {
  const above = [new URL("../package.json", import.meta.url), new URL("../../package.json", import.meta.url)];
  const found = above.find((url) => existsSync(url));
  const { version } = JSON.parse(found === undefined ? "{}" : readFileSync(found, "utf8")) as { version?: string };
  return version ?? "unknown";
}

const program = new Command("convbook")
  .description("A Jupyter kernel for TypeScript and a teaching kit for convolutional networks")
  .version(packageVersion(), "-v, --version", "say the version")
  .showHelpAfterError("(convbook --help lists the commands)")
  .showSuggestionAfterError()
  .addCommand(startCommand)
  .addCommand(tableCommand)
  .addCommand(trainCommand)
  .addCommand(testCommand)
  .addCommand(predictCommand)
  .addCommand(classCommand)
  .addCommand(doctorCommand)
  .addCommand(kernelCommand)
  .addCommand(consoleCommand);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    // What a user can mend is said in one line; the stack is for CONVBOOK_DEBUG=1.
    console.error(
      isOn(process.env.CONVBOOK_DEBUG) ? error : `convbook: ${error instanceof Error ? error.message : error}`,
    );
    process.exitCode = 1;
  }
}
