/** The walls around a kernel that runs a stranger's code: which the system has, and the command that puts them up. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Kernelspec } from "nbconvert-ts-runner";
import { privateHere } from "./private.ts";
import { declarationsFor } from "./sealed.ts";

/** What a submission may use. */
export interface Limits {
  /** Seconds for a cell. */
  readonly timeout: number;
  /** Seconds for all cells together. */
  readonly total: number;
  /** Bytes of memory for the kernel with what it starts. */
  readonly memory: number;
  /** Bytes that it may write, all files together. */
  readonly disk: number;
  /** Processes at a time. */
  readonly processes: number;
  /** Characters that a cell may put out. */
  readonly output: number;
  readonly network: boolean;
  /** Of the engine. */
  readonly threads: number;
}

/** How much of the walls the system has. */
export type Walls = "closed" | "offline" | "open";

/** What is asked of a kernelspec. */
type BoxedSpec = Pick<Kernelspec, "argv" | "folder" | "env">;

/** What a box needs to know. */
export interface BoxRequest {
  readonly walls: Walls;
  readonly limits: Limits;
  /** The submission's folder: the kernel's working folder, in which it may write. */
  readonly work: string;
  /** Folders and files that it must not see. */
  readonly hidden: readonly string[];
  /** What in its folder stays as it is, by paths from there: the assignment's files, its packages. */
  readonly fixed?: readonly string[];
  /** Folders whose packages it needs, beside those of the kernel itself. */
  readonly projects?: readonly string[];
  /** Variables beside those that every program needs. */
  readonly env: Readonly<Record<string, string>>;
  /** A copy of Node that runs and cannot be read: then no process, itself included, looks into the memory of the kernel's. */
  readonly sealed?: string | undefined;
}

const run = promisify(execFile);

/** Variables that reach the kernel; what else is in the environment of who grades stays there. */
const passed = [
  "PATH",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "NODE_PATH",
  "PYTHONPATH",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "LD_LIBRARY_PATH",
];

/**
 * Puts up the walls, inside of new namespaces, and becomes the kernel. All that there is becomes read-only; what it may not see is covered;
 * the submission's folder, /tmp and /dev/shm are one small file system in memory. It works from within that one by relative paths, because
 * what leads to it is covered in the end. What the tests read there is read-only, and the folders that lead to it are mounted on themselves, so
 * that nobody moves them away. Capabilities go with the last step, so that no wall can be taken down again. Where the kernel is sealed, of /proc there is
 * what tells of the machine alone: through a process' own folder there it could read its memory, what is written in variables of others included.
 */
const script = String.raw`set -eu
BOX_CONNECTION=$(dirname "$1")
shift
mount -t tmpfs -o "size=$BOX_DISK,nr_inodes=100000,mode=755" box "$BOX_STAGE"
cd "$BOX_STAGE"
mkdir tmp desk dev dev/shm keep connection about
chmod 1777 tmp dev/shm
cp -RP "$BOX_WORK/." desk/
mount --bind "$BOX_CONNECTION" connection
printf '%s\n' "$BOX_KEEP" > list.keep
printf '%s\n' "$BOX_COVER" > list.cover
printf '%s\n' "$BOX_HIDE" > list.hide
printf '%s\n' "$BOX_PIN" > list.pin
printf '%s\n' "$BOX_FIX" > list.fix
printf '%s\n' "$BOX_ABOVE" > list.above
while IFS= read -r path; do
  if [ -n "$path" ] && [ -d "desk/$path" ]; then mount --bind "desk/$path" "desk/$path"; fi
done < list.pin
while IFS= read -r path; do
  if [ -n "$path" ] && [ -e "desk/$path" ]; then mount --bind "desk/$path" "desk/$path"; mount -o remount,bind,ro "desk/$path"; fi
done < list.fix
number=0
while IFS= read -r path; do
  if [ -n "$path" ]; then number=$((number + 1)); mkdir "keep/$number"; mount --rbind "$path" "keep/$number"; fi
done < list.keep
if [ -n "$BOX_SEALED" ]; then
  : > program
  mount --bind "$BOX_SEALED" program
  mount -t tmpfs -o size=64k,mode=755 about about
  for name in cpuinfo filesystems loadavg meminfo stat uptime version; do : > "about/$name"; mount --bind "/proc/$name" "about/$name"; done
  mkdir about/self about/program
  ln -s /proc/program/node about/self/exe
  : > about/program/node
  mount --bind program about/program/node
  if [ -n "$BOX_LIBRARY" ]; then ln -s "$BOX_LIBRARY"/lib*.d.ts about/program; fi
fi
for device in null zero full random urandom; do : > "dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
ln -s /proc/self/fd dev/fd
cat /proc/self/mountinfo > list.mounts
while read -r _ _ _ _ point options _; do
  point=$(printf %b "$point")
  case $point in "$BOX_STAGE"|"$BOX_STAGE"/dev/*|"$BOX_STAGE"/connection|"$BOX_STAGE"/desk/*|/proc|/proc/*|/dev|/dev/*) continue ;; esac
  flags=
  for flag in nosuid nodev noexec noatime nodiratime relatime; do
    case ",$options," in *",$flag,"*) flags="$flags$flag," ;; esac
  done
  mount -o "remount,bind,$flags"ro "$point"
done < list.mounts
while IFS= read -r path; do
  if [ -n "$path" ] && [ -d "$path" ]; then mount -t tmpfs -o size=1m,mode=755 covered "$path"; fi
done < list.cover
mount -c --bind tmp /tmp
number=0
while IFS= read -r path; do
  if [ -n "$path" ]; then number=$((number + 1)); mkdir -p "$path"; mount -c --rbind "keep/$number" "$path"; fi
done < list.keep
if [ -n "$BOX_SEALED" ]; then mount -c --bind program "$BOX_PROGRAM"; fi
mkdir -p "$BOX_WORK" "$BOX_CONNECTION"
while IFS= read -r path; do
  if [ -n "$path" ]; then mount -c --bind "$path" "$path"; fi
done < list.above
mount -c --rbind desk "$BOX_WORK"
mount -c --bind connection "$BOX_CONNECTION"
mount -c --rbind dev /dev
while IFS= read -r path; do
  if [ -n "$path" ] && [ -d "$path" ] && [ "$path" != /tmp ]; then mount -o remount,bind,ro "$path"; fi
done < list.cover
while IFS= read -r path; do
  if [ -n "$path" ]; then mount -o remount,bind,ro "$path"; fi
done < list.above
while IFS= read -r path; do
  case $path in *[[:space:]\\]*) plain= ;; *) plain=yes ;; esac
  if [ -z "$path" ] || [ ! -e "$path" ]; then continue; fi
  if [ -d "$path" ]; then
    if [ "$plain" ]; then echo "hidden $path tmpfs ro,size=4k,mode=555 0 0" >&3; else mount -t tmpfs -o ro,size=4k,mode=555 hidden "$path"; fi
  else
    if [ "$plain" ]; then echo "/dev/null $path none bind 0 0" >&3; else mount --bind /dev/null "$path"; fi
  fi
done < list.hide 3> list.mount
mount -a -T ./list.mount
mount -t proc -o ro,nosuid,nodev,noexec proc /proc
if [ -n "$BOX_SEALED" ]; then mount -c --rbind about /proc; fi
cd "$BOX_WORK"
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`;

/**
 * Finds out how much of the walls this system can put up: all (`closed`), the network's alone (`offline`), or none but limits (`open`).
 */
export async function wallsHere(): Promise<Walls> {
  if (process.platform !== "linux") {
    return "open";
  }
  using folders = makeFolders();
  const spec = { argv: ["true", "{connection_file}"], folder: folders.work, env: {} };
  for (const walls of ["closed", "offline"] as const) {
    const request: BoxRequest = { walls, limits: probeLimits, work: folders.work, hidden: [], env: {} };
    const { argv, env } = boxed(spec, request, folders.stage);
    const [command = "", ...args] = argv.map((part) =>
      part.replaceAll("{connection_file}", join(folders.stage, "../c/c.json")),
    );
    try {
      mkdirSync(join(folders.stage, "../c"), { recursive: true });
      await run(command, args, { env: { ...process.env, ...env }, timeout: 120_000 });
      return walls;
    } catch {
      // Not here; a lower wall may do.
    }
  }
  return "open";
}

const probeLimits: Limits = {
  timeout: 10,
  total: 10,
  memory: 2 ** 30,
  disk: 2 ** 20,
  processes: 1000,
  output: 1000,
  network: false,
  threads: 1,
};

/** What the walls hold and what they do not, a sentence each, for the record. */
export function described(walls: Walls, { network }: Limits): readonly string[] {
  const net = network ? "The network was allowed." : "There was no network: a namespace of its own.";
  switch (walls) {
    case "closed":
      return [
        net,
        "Everything outside of the submission's folder was read-only; the grader's files, other submissions, home and temporary folders, and what only the one who graded may read were not there.",
        "Processes were in a namespace of their own, without capabilities, and ended with the kernel; a TypeScript kernel's memory could be read by none.",
        "Memory and the number of processes were measured ten times a second; a moment's more was possible.",
      ];
    case "offline":
      return [
        net,
        "The system has no mount and process namespaces for this user: files that this user can read and write were within reach.",
        "Memory and the number of processes were measured ten times a second; a moment's more was possible.",
      ];
    case "open":
      return [
        "The system has no user namespaces for this user: the network and all files that this user can read and write were within reach.",
        "Memory and the number of processes were measured ten times a second; a moment's more was possible.",
      ];
  }
}

/** The folders of one submission, outside of what is graded. */
export interface BoxFolders extends Disposable {
  readonly work: string;
  readonly stage: string;
}

/** Makes empty folders for one submission; they go when the value is disposed. */
export function makeFolders(): BoxFolders {
  const base = mkdtempSync(join(realpathSync(tmpdir()), "class-"));
  const [work, stage] = [join(base, "work"), join(base, "stage")];
  mkdirSync(work);
  mkdirSync(stage);
  return { work, stage, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true, maxRetries: 3 }) };
}

/**
 * A kernelspec whose kernel runs within the walls.
 *
 * @param spec The kernel's own.
 * @param stage An empty folder, over which the file system in memory is laid.
 * @returns The command, and variables that the walls need; `{connection_file}` stands in it as in any kernelspec.
 */
export function boxed(
  spec: BoxedSpec,
  request: BoxRequest,
  stage: string,
): { argv: string[]; env: Record<string, string> } {
  const { walls, limits, work } = request;
  const [program = "", ...words] = spec.argv.map((part) => part.replaceAll("{resource_dir}", realFolder(spec.folder)));
  const own = {
    HOME: work,
    TMPDIR: walls === "closed" ? "/tmp" : work,
    USER: "student",
    CONVBOOK_HEAP_MB: String(Math.max(128, Math.round(limits.memory / 2 ** 20))),
    CONVBOOK_ORPHAN_SECONDS: "30",
    OMP_NUM_THREADS: String(limits.threads),
    CONVBOOK_THREADS: String(limits.threads),
    CONVBOOK_REPRODUCIBLE: "1",
    IPYTHONDIR: join(work, ".ipython"),
    JUPYTER_RUNTIME_DIR: join(work, ".jupyter"),
    PYTHONDONTWRITEBYTECODE: "1",
    ...spec.env,
    ...request.env,
  };
  const marker = "NBCONVERT_TS_RUNNER_KERNEL";
  // The shell fills in what stands with a $; the rest arrives as it is.
  const clean =
    'names="$1"; shift; for name in $names; do eval "value=\\$$name"; [ -z "$value" ] || set -- "$name=$value" "$@"; done; exec env -i "$@"';
  const kernel = [
    "prlimit",
    "--core=0",
    `--fsize=${limits.disk}`,
    "--nofile=8192",
    ...(process.getuid?.() === 0 ? [] : [`--nproc=${limits.processes + threadsBeside}`]),
    "--",
    "sh",
    "-c",
    clean,
    "sh",
    [...passed.filter((name) => name !== "PATH"), marker].join(" "),
    `PATH=${plainPath()}`,
    ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
    program === "node" ? process.execPath : program,
    ...words,
  ];
  if (process.platform !== "linux") {
    return { argv: kernel.slice(kernel.indexOf("--") + 1), env: {} };
  }
  const held = ["setpriv", "--pdeathsig", "KILL"];
  if (walls === "open") {
    return { argv: [...held, ...kernel], env: {} };
  }
  const namespaces = ["--user", "--map-root-user", ...(limits.network ? [] : ["--net"])];
  if (walls === "offline") {
    return { argv: [...held, "unshare", ...namespaces, "--", ...kernel], env: {} };
  }
  const covered = coveredFolders();
  const needed = neededFolders(spec, request.projects ?? [], covered);
  const env = {
    BOX_DISK: String(limits.disk),
    BOX_STAGE: stage,
    BOX_WORK: work,
    BOX_COVER: covered.join("\n"),
    BOX_SEALED: request.sealed ?? "",
    BOX_PROGRAM: realpathSync(process.execPath),
    BOX_LIBRARY:
      request.sealed === undefined ? "" : declarationsFor([...spec.argv, join(realFolder(spec.folder), "kernel.json")]),
    ...fixedPaths(request.fixed ?? []),
    BOX_ABOVE: above(work).join("\n"),
    BOX_KEEP: needed.filter((path) => covered.some((folder) => isWithin(path, folder))).join("\n"),
    // What lies in another one comes before it, while it can still be reached.
    BOX_HIDE: [...new Set([...request.hidden.map((path) => resolve(path)), ...privateHere(needed, covered)])]
      .sort((a, b) => b.length - a.length)
      .join("\n"),
  };
  const apart = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"];
  return {
    argv: [
      ...held,
      "unshare",
      ...namespaces,
      ...apart,
      "--",
      "sh",
      "-c",
      script,
      "box",
      "{connection_file}",
      ...kernel,
    ],
    env,
  };
}

/** More files than this are not mounted one by one: nothing may be added beside them. */
const mostFixed = 50;

/** The lists of what stays as it is in a submission's folder, and of the folders that lead there, the outermost first. */
function fixedPaths(fixed: readonly string[]): { BOX_FIX: string; BOX_PIN: string } {
  const named = fixed.filter((path) => !path.includes("\n"));
  const paths = named.length > mostFixed ? [...new Set(named.map((path) => path.split("/")[0] as string))] : named;
  const folders = paths.flatMap((path) => path.split("/").map((_, i, parts) => parts.slice(0, i).join("/")));
  return {
    BOX_FIX: paths.join("\n"),
    BOX_PIN: [...new Set(folders)]
      .filter((folder) => folder !== "")
      .sort((a, b) => a.length - b.length)
      .join("\n"),
  };
}

/** The folders in /tmp, which can be written, that lead to a folder there, the outermost first. */
function above(work: string): string[] {
  const parts = work.split(sep);
  return parts[1] === "tmp" ? parts.slice(3).map((_, i) => parts.slice(0, i + 3).join(sep)) : [];
}

/** Where programs are, without what tells of a project. */
function plainPath(): string {
  return (process.env.PATH ?? "")
    .split(":")
    .filter((folder) => !folder.includes("node_modules"))
    .join(":");
}

/** Threads of a kernel and its checker, which count as processes where the system limits those of a user. */
const threadsBeside = 200;

/** Folders with what is none of a submission's business: people's homes, temporary files, sockets of services. */
function coveredFolders(): string[] {
  const folders = ["/tmp", "/var/tmp", "/run", "/home", "/root", homedir(), tmpdir()]
    .filter(existsSync)
    .map((path) => realpathSync(path));
  return [...new Set(folders)].filter(
    (path, _, all) => path !== sep && !all.some((other) => other !== path && isWithin(path, other)),
  );
}

/** Folders that the kernel cannot do without: Node, the packages among which the kernel is, and those of the assignment. */
export function neededFolders(
  spec: BoxedSpec,
  projects: readonly string[] = [],
  covered: readonly string[] = coveredFolders(),
): string[] {
  const program = spec.argv[0] ?? "";
  const programs = [process.execPath, ...(program.startsWith(sep) ? [program] : [])];
  const ours = [realFolder(spec.folder), realpathSync(dirname(fileURLToPath(import.meta.url)))];
  const packages = [...ours, ...projects].flatMap((folder) => packageFolders(folder, covered));
  return [...new Set([...programs.map((path) => dirname(dirname(realpathSync(path)))), ...packages])];
}

/**
 * Where a folder's packages are: the project furthest up that has some, or else the folder itself. Packages that lie beside people's homes or
 * among temporary files are meant alone, and not what else is there.
 *
 * @param covered Folders with what is none of a submission's business.
 */
export function packageFolders(folder: string, covered: readonly string[]): string[] {
  let found = folder;
  for (let place = folder; dirname(place) !== place; place = dirname(place)) {
    const modules = join(place, "node_modules");
    if (covered.includes(place)) {
      return [found, ...(existsSync(modules) ? [realpathSync(modules)] : [])];
    }
    if (existsSync(modules)) {
      found = place;
    }
  }
  return [found];
}

/** Links lead through folders that are covered. */
function realFolder(folder: string): string {
  return existsSync(folder) ? realpathSync(folder) : folder;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}${sep}`);
}
