/** What the magics of a cell do at run time. */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { magicHelp } from "../compile/magics.ts";
import { bashAdvice, commandShell, expandHome, findBash, interruptCommand } from "../platform.ts";
import { display } from "./display.ts";
import { type CallingCell, extensionHelp, loadExtension, runExtension } from "./extensions.ts";
import { print } from "./notebook-io.ts";
import { UserError } from "./realm.ts";
import { openBoard } from "./tensorboard.ts";

/** A command that ended with another exit code than 0. */
export class CommandError extends UserError {
  override readonly name = "CommandError";
}

/** Runs a command with its output in the cell as it comes; ends with it when the cell is interrupted. */
export function shell(command: string): Promise<void> {
  return runShell(command, commandShell());
}

const running = new Set<number>();

/** Ends the commands that an interrupted cell waits for. */
export function stopCommands(): void {
  for (const pid of running) {
    try {
      interruptCommand(pid);
    } catch {
      // It ended by itself.
    }
  }
}

function runShell(command: string, program: string | true): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, { shell: program, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    if (child.pid !== undefined) {
      running.add(child.pid);
    }
    for (const name of ["stdout", "stderr"] as const) {
      const decoder = new StringDecoder("utf8");
      child[name].on("data", (chunk: Buffer) => print(name, decoder.write(chunk)));
    }
    child.on("error", fail);
    child.on("close", (code, signal) => {
      if (child.pid !== undefined) {
        running.delete(child.pid);
      }
      if (code === 0) {
        done();
      } else {
        fail(new CommandError(`${command.trim().split("\n")[0]} ended with ${signal ?? `exit code ${code}`}`));
      }
    });
  });
}

export async function lineMagic(name: string, args: string, cell: CallingCell): Promise<void> {
  switch (name) {
    case "env":
      setEnvironment(args);
      return;
    case "cd": {
      const folder = args === "" ? homedir() : resolve(expandHome(args).replace(/^(["'])(.*)\1$/, "$2"));
      process.chdir(folder);
      say(process.cwd());
      return;
    }
    case "pwd":
      say(process.cwd());
      return;
    case "tensorboard":
      await openBoard(args);
      return;
    case "load_ext":
    case "reload_ext":
      if (args !== "tensorboard") {
        await loadExtension(args, cell);
      }
      return;
    case "lsmagic": {
      const known = { ...magicHelp, ...extensionHelp() };
      const width = Math.max(...Object.keys(known).map((usage) => usage.length));
      say(
        Object.entries(known)
          .map(([usage, help]) => `${usage.padEnd(width)}  ${help}`)
          .join("\n"),
      );
      return;
    }
    default:
      await runExtension(name, args, cell);
  }
}

function bash(): string {
  const found = findBash();
  if (found === undefined) {
    throw new UserError(`%%bash needs bash, which is not here: ${bashAdvice()}`);
  }
  return found;
}

function setEnvironment(args: string): void {
  if (args === "") {
    say(
      Object.entries(process.env)
        .map(([name, value]) => `${name}=${value}`)
        .join("\n"),
    );
    return;
  }
  const [, name = "", value] = /^([^=\s]+)(?:\s*[=\s]\s*(.*))?$/.exec(args) ?? [];
  if (value === undefined) {
    say(process.env[name] ?? `${name} is not set`);
  } else {
    process.env[name] = value;
    say(`env: ${name}=${value}`);
  }
}

export async function cellMagic(name: string, args: string, body: string): Promise<void> {
  switch (name) {
    case "html":
    case "markdown":
    case "latex":
    case "svg":
      display[name](body);
      return;
    case "bash":
      await runShell(body, bash());
      return;
    case "writefile": {
      const [, append, file = ""] = /^(-a\s+|--append\s+)?(.*)$/.exec(args) ?? [];
      if (file === "") {
        throw new UserError("%%writefile needs the name of a file: %%writefile [-a] FILE");
      }
      const path = resolve(file.replace(/^(["'])(.*)\1$/, "$2"));
      mkdirSync(dirname(path), { recursive: true });
      if (append === undefined) {
        writeFileSync(path, body);
        say(`Writing ${file}`);
      } else {
        appendFileSync(path, body);
        say(`Appending to ${file}`);
      }
    }
  }
}

function say(line: string): void {
  print("stdout", `${line}\n`);
}
