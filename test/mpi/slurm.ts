/** A Slurm of the test's own: munge, the controller and one node, each with its files in a folder, all on this machine. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

/** Seconds that the daemons may take to be ready. */
const patience = 60;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export class Slurm {
  readonly folder = mkdtempSync(join(tmpdir(), "convbook-slurm-"));
  readonly #daemons: ChildProcess[] = [];

  /** What programs need to find it. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, SLURM_CONF: join(this.folder, "slurm.conf") };
  }

  /** @throws {Error} saying in a line why it cannot be started here */
  static async start(): Promise<Slurm> {
    // Without a configuration srun cannot even tell its version.
    for (const program of ["munged", "slurmctld", "slurmd", "srun"]) {
      if (spawnSync(program, ["--version"]).error !== undefined) {
        throw new Error(`There is no ${program} (Debian: apt install slurm-wlm munge).`);
      }
    }
    if (process.getuid?.() !== 0) {
      throw new Error("Its daemons are started as root, which this is not.");
    }
    const slurm = new Slurm();
    try {
      await slurm.#startAll();
    } catch (error) {
      await slurm.stop();
      throw error;
    }
    return slurm;
  }

  async #startAll(): Promise<void> {
    const { folder } = this;
    const [uid = 0, gid = 0] = ["-u", "-g"].map((flag) =>
      Number(spawnSync("id", [flag, "munge"], { encoding: "utf8" }).stdout),
    );
    chmodSync(folder, 0o755);
    const munge = join(folder, "munge");
    mkdirSync(munge, { mode: 0o755 });
    const key = join(munge, "key");
    writeFileSync(key, Buffer.alloc(128, "a key for a test that nobody else speaks with "), { mode: 0o400 });
    chownSync(munge, uid, gid);
    chownSync(key, uid, gid);
    const socket = join(munge, "socket");
    const files = ["key-file", "log-file", "pid-file", "seed-file"].map(
      (name) => `--${name}=${name === "key-file" ? key : join(munge, name)}`,
    );
    this.#daemon("setpriv", [
      `--reuid=${uid}`,
      `--regid=${gid}`,
      "--clear-groups",
      "munged",
      "--foreground",
      "--force",
      `--socket=${socket}`,
      ...files,
    ]);
    await until(() => existsSync(socket), "munged");
    const [control, node] = [await freePort(), await freePort()];
    const name = hostname().split(".")[0];
    for (const each of ["state", "spool"]) {
      mkdirSync(join(folder, each));
    }
    writeFileSync(
      join(folder, "slurm.conf"),
      `ClusterName=convbook
SlurmctldHost=${name}(127.0.0.1)
SlurmUser=root
SlurmctldPort=${control}
SlurmdPort=${node}
AuthType=auth/munge
AuthInfo=socket=${socket},cred_expire=5
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
JobRequeue=1
KillWait=5
NodeName=${name} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
    );
    const conf = join(folder, "slurm.conf");
    this.#daemon("slurmctld", ["-D", "-f", conf]);
    this.#daemon("slurmd", ["-D", "-f", conf, "-N", `${name}`]);
    await until(
      () => /^(idle|mixed|alloc)/.test(this.run("sinfo", "-h", "-o", "%T").stdout),
      "the node",
      () => this.#logs(),
    );
  }

  #logs(): string {
    const tail = (name: string) => {
      const path = join(this.folder, `${name}.log`);
      return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").slice(-3).join("; ") : "";
    };
    return `${tail("slurmctld")} ${tail("slurmd")}`;
  }

  #daemon(command: string, args: readonly string[]): void {
    const daemon = spawn(command, args, { stdio: "ignore" });
    daemon.on("error", () => {});
    this.#daemons.push(daemon);
  }

  /** Runs one of its commands. */
  run(command: string, ...args: readonly string[]) {
    return spawnSync(command, args, { encoding: "utf8", env: this.env });
  }

  /** Ends its daemons and takes its folder away. */
  async stop(): Promise<void> {
    this.run("scancel", "--user=root");
    for (const daemon of this.#daemons.toReversed()) {
      const ended = new Promise((resolve) => daemon.once("close", resolve));
      if (daemon.exitCode === null && daemon.kill("SIGTERM")) {
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10_000))]);
        daemon.kill("SIGKILL");
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until something is so. @throws {Error} naming what did not come */
export async function until(
  isSo: () => boolean,
  what: string,
  why: () => string = () => "",
  seconds = patience,
): Promise<void> {
  for (let waited = 0; !isSo(); waited += 0.25) {
    if (waited > seconds) {
      throw new Error(`${what} did not come within ${seconds} s. ${why()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
