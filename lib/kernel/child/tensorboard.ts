/** `%tensorboard --logdir FOLDER`: the curves of a folder in the cell, drawn anew while a run writes. */
import { resolve } from "node:path";
import { expandHome } from "../platform.ts";
import { cellContext } from "./cell-context.ts";
import { type Board, loadKit } from "./kit.ts";
import { UserError, userGlobal } from "./realm.ts";

/** What TensorBoard takes for its server, which there is none of here; whether a value follows. */
const ignored: Readonly<Record<string, boolean>> = {
  "--bind_all": false,
  "--host": true,
  "--load_fast": true,
  "--path_prefix": true,
  "--port": true,
  "--reload_multifile": true,
  "--samples_per_plugin": true,
  "--window_title": true,
};

const usage = "%tensorboard --logdir FOLDER [--reload_interval SECONDS], or --logdir_spec NAME:FOLDER,NAME:FOLDER";

/** Boards, with the cells that they stand in, by what they show: a cell that is run again has its board anew. */
const boards = new Map<string, { readonly board: Board; readonly cell: number }>();

/** Shows a board. */
export async function openBoard(args: string): Promise<void> {
  const { paths, interval } = parseArguments(args);
  const kit = await loadKit();
  if (kit === undefined) {
    throw new UserError(
      `%tensorboard needs the package convbook, which reads event files. To install it in ${process.cwd()}: npm install convbook`,
    );
  }
  const key = JSON.stringify(paths);
  boards.get(key)?.board.close();
  boards.delete(key);
  boards.set(key, { board: kit.tensorBoard(paths, { interval }), cell: cellContext.current });
}

/** Brings all boards up to date, as at the end of a cell that may have written what they show. */
export function refreshBoards(): void {
  for (const { board, cell } of boards.values()) {
    try {
      cellContext.run(cell, () => board.refresh());
    } catch {
      // A board is no part of the cell that ends.
    }
  }
}

/** What the arguments ask for; folders from here, `~` and names of variables resolved. */
export function parseArguments(args: string): { paths: string[] | Record<string, string>; interval: number } {
  const words = [...args.matchAll(/(?:"([^"]*)"|'([^']*)'|[^\s"'])+/g)].map(([word]) => word.replace(/["']/g, ""));
  const folders: string[] = [];
  const named: Record<string, string> = {};
  let interval = 2000;
  for (let i = 0; i < words.length; i++) {
    const [, option = "", joined] = /^(--\w+)(?:=(.*))?$/.exec(words[i] ?? "") ?? [];
    const value = () => joined ?? words[++i] ?? wrong(`${option} needs a value`);
    if (option === "--logdir") {
      folders.push(folderOf(value()));
    } else if (option === "--logdir_spec") {
      for (const part of value().split(",")) {
        const [, name = "", folder = part] = /^([^:/\\]{2,}):(.*)$/.exec(part) ?? [];
        named[name || part] = folderOf(folder);
      }
    } else if (option === "--reload_interval") {
      const seconds = Number(value());
      interval = seconds > 0 ? seconds * 1000 : wrong("--reload_interval is a number of seconds above 0");
    } else if (option in ignored) {
      if (ignored[option] && joined === undefined) {
        i++;
      }
    } else {
      wrong(`${JSON.stringify(words[i])} is not known`);
    }
  }
  const several = Object.keys(named).length > 0;
  if (!several && folders.length === 0) {
    wrong("there is no --logdir");
  }
  return {
    paths: several ? { ...Object.fromEntries(folders.map((folder) => [folder, folder])), ...named } : folders,
    interval,
  };
}

function wrong(problem: string): never {
  throw new UserError(`%tensorboard: ${problem}; expected ${usage}`);
}

/** A folder, with the value of a variable in place of `{name}` or `$name`, as IPython has it. */
function folderOf(text: string): string {
  const filled = text.replace(/\{([A-Za-z_$][\w$]*)\}|\$([A-Za-z_][\w]*)/g, (all, braced?: string, dollar?: string) => {
    const value = userGlobal[braced ?? dollar ?? ""];
    return typeof value === "string" || typeof value === "number" ? String(value) : all;
  });
  return resolve(expandHome(filled));
}
