/** Two "hosts" on one machine: network namespaces with a cable between them, each with its own address. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A command, or an error with its words. */
function must(...command: readonly string[]): string {
  const [name = "", ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${command.join(" ")}: ${error?.message ?? stderr.trim()}`);
  }
  return stdout;
}

export class Hosts {
  readonly #folder = mkdtempSync(join(tmpdir(), "convbook-hosts-"));
  readonly #subnet: string;
  readonly names: readonly [string, string];
  readonly addresses: readonly [string, string];
  #slow: string | undefined;

  /** @throws {Error} saying in a line what this machine does not allow */
  constructor() {
    const id = process.pid % 250;
    this.names = [`cb${process.pid}a`, `cb${process.pid}b`];
    this.#subnet = `10.77.${id}`;
    this.addresses = [`${this.#subnet}.1`, `${this.#subnet}.2`];
    try {
      const cables = this.names.map((name) => `v${name}`) as [string, string];
      for (const name of this.names) {
        must("ip", "netns", "add", name);
      }
      must("ip", "link", "add", cables[0], "type", "veth", "peer", "name", cables[1]);
      for (const [i, name] of this.names.entries()) {
        must("ip", "link", "set", `${cables[i]}`, "netns", name);
        must("ip", "-n", name, "addr", "add", `${this.addresses[i]}/24`, "dev", `${cables[i]}`);
        must("ip", "-n", name, "link", "set", `${cables[i]}`, "up");
        must("ip", "-n", name, "link", "set", "lo", "up");
      }
      const cases = this.names.map((name, i) => `${this.addresses[i]}) n=${name};;`).join(" ");
      writeFileSync(this.agent, `#!/bin/sh\nh=$1; shift; case $h in ${cases} esac\nexec ip netns exec $n sh -c "$*"\n`);
      chmodSync(this.agent, 0o755);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** What Open MPI starts its daemon on another host with. */
  get agent(): string {
    return join(this.#folder, "agent.sh");
  }

  /** Open MPI's launcher on the first host, for one rank on each, by TCP alone. */
  get launcher(): readonly string[] {
    const net = `${this.#subnet}.0/24`;
    const settings: Readonly<Record<string, string>> = {
      plm_rsh_agent: this.agent,
      btl: "tcp,self",
      btl_tcp_if_include: net,
      oob_tcp_if_include: net,
      oob_tcp_keepalive_time: "3",
      oob_tcp_keepalive_intvl: "1",
      oob_tcp_keepalive_probes: "3",
      odls_base_sigkill_timeout: "2",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["--mca", name, value]);
    const hosts = this.addresses.map((address) => `${address}:1`).join(",");
    return ["ip", "netns", "exec", this.names[0], "mpirun", "--bind-to", "none", ...flags, "-host", hosts];
  }

  /** Takes the cable out of the second host. */
  cut(): void {
    must("ip", "-n", this.names[1], "link", "set", `v${this.names[1]}`, "down");
  }

  /** Puts it back. */
  mend(): void {
    must("ip", "-n", this.names[1], "link", "set", `v${this.names[1]}`, "up");
  }

  /** Makes the cable slow from here on: with a delay where the kernel has netem, else with a narrow bucket. @returns which */
  slow(): string {
    const on = ["tc", "-n", this.names[0], "qdisc", "add", "dev", `v${this.names[0]}`, "root"];
    const [tc = "", ...args] = on;
    if (spawnSync(tc, [...args, "netem", "delay", "30ms", "rate", "4mbit"]).status === 0) {
      this.#slow = "netem";
    } else {
      must(...on, "tbf", "rate", "4mbit", "burst", "16kbit", "latency", "400ms");
      this.#slow = "tbf";
    }
    return this.#slow;
  }

  /** Makes it fast again. */
  quicken(): void {
    if (this.#slow !== undefined) {
      must("tc", "-n", this.names[0], "qdisc", "del", "dev", `v${this.names[0]}`, "root");
      this.#slow = undefined;
    }
  }

  /** Processes of a host. */
  processes(host: 0 | 1): number[] {
    return must("ip", "netns", "pids", this.names[host]).split("\n").filter(Boolean).map(Number);
  }

  /** Takes both away, with the processes that are left in them. */
  remove(): void {
    for (const name of this.names) {
      const { stdout = "" } = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" });
      for (const pid of stdout.split("\n").filter(Boolean)) {
        spawnSync("kill", ["-KILL", pid]);
      }
      spawnSync("ip", ["netns", "del", name]);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
