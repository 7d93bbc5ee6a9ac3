/** The binding of MPI under each library that is here: results, errors, and what becomes of the others when a rank fails. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { buildFaults, launch, libraries } from "./launch.ts";

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
type Report = Record<string, unknown>;

describe.each(libraries)("$family", (library) => {
  it("every call gives its result on three ranks, waiting or not, and refuses what cannot be meant", async () => {
    const folder = mkdtempSync(join(tmpdir(), "collectives-"));
    const file = join(folder, "report");
    const ended = await launch(library, 3, program("collectives"), [file]);
    expect(ended.code, ended.stderr).toBe(0);
    const ranks = [0, 1, 2].map((rank): Report => JSON.parse(readFileSync(`${file}.${rank}`, "utf8")));
    rmSync(folder, { recursive: true });
    for (const [rank, found] of ranks.entries()) {
      expect(found.place).toEqual([rank, 3, rank, 3, 0, 1]);
      expect(found).toMatchObject({ family: library.family, again: true, told: { by: 1 }, nothing: [] });
      expect(["funneled", "serialized", "multiple"]).toContain(found.threads);
      for (const type of ["Float32Array", "Float64Array", "Int32Array"]) {
        for (const waiting of ["", " waiting"]) {
          expect(found[`${type} sum${waiting}`]).toEqual([6, -3, 30]);
          expect(found[`${type} max${waiting}`]).toEqual([3, 0, 20]);
          expect(found[`${type} min${waiting}`]).toEqual([1, -2, 0]);
        }
        const kept = [rank + 1, 0 - rank, 10 * rank];
        expect(found[`${type} reduce`]).toEqual(rank === 2 ? [6, -3, 30] : kept);
        expect(found[`${type} reduce waiting`]).toEqual(rank === 0 ? [3, 0, 20] : kept);
      }
      for (const type of ["Float32Array", "Float64Array", "Int32Array", "Uint8Array"]) {
        expect(found[`${type} broadcast`]).toEqual([2, 7]);
        expect(found[`${type} broadcast waiting`]).toEqual([0, 7]);
        expect(found[`${type} allgather`]).toEqual([0, 7, 1, 7, 2, 7]);
        expect(found[`${type} allgather waiting`]).toEqual([0, 7, 1, 7, 2, 7]);
      }
      expect(found.json).toEqual([0, 1, 2].map((each) => ({ rank: each, text: "ü".repeat(each) })));
      expect(found.part).toEqual([1, 1, 3, 3, 1, 1]);
      expect(found.bucket).toEqual([[6, 12], [], [6]]);
      expect(found.long).toEqual([0, 0, 0]);
      expect(found.order).toEqual(Array.from({ length: 20 }, (_, i) => 6 * i));
      expect(found.group).toEqual(
        [
          [1, 2, [2, 0]],
          [0, 1, [1]],
          [0, 2, [2, 0]],
        ][rank],
      );
      expect(found.alone).toBe(rank === 0 ? 1 : undefined);
      expect(found.errors).toEqual([
        "gone: barrier cannot be called: the communicator was freed.",
        "mismatch: All ranks must call the same: rank 0 called allreduce of 2 float32 (sum), rank 1 called allreduce of 3 float32 (sum).",
        "mismatch: All ranks must call the same: rank 0 called allreduce of 2 float32 (sum), rank 1 called allreduce of 2 int32 (sum).",
        "mismatch: All ranks must call the same: rank 0 called broadcast of 4 uint8 from rank 1, rank 1 called barrier.",
        "mismatch: All ranks must call the same: rank 0 called broadcast of 1 float32 from rank 0, rank 1 called broadcast of 1 float32 from rank 1.",
        "mismatch: All ranks must call the same: rank 0 called bucket of 5 float32 in 2 arrays, rank 1 called bucket of 5 float32 in 2 arrays of other lengths.",
        "mismatch: All ranks must call the same: rank 0 called bucket of 5 float32 in 2 arrays, rank 1 called bucket of 5 float32 in 1 array.",
        "argument: allreduce takes a Float32Array, Float64Array or Int32Array, got Uint8Array.",
        "argument: allreduce takes a Float32Array, Float64Array or Int32Array, got Array.",
        "argument: broadcast takes a Float32Array, Float64Array, Int32Array or Uint8Array, got undefined.",
        "argument: broadcast.root must be a rank from 0 to 2, got 3.",
        'argument: An operation is "sum", "max" or "min", got "product".',
        "argument: allreduceBucket takes a list of Float32Arrays, got a list with Int32Array.",
        "argument: split.colour must be a whole number of at least 0 or undefined, got -1.",
        "argument: The communicator of all ranks cannot be freed; mpi.finalize() ends it.",
        "argument: init.timeout must be a number of seconds above 0, got 0.",
        "gone: barrier cannot be called: MPI has ended in this process.",
        "gone: barrier cannot be called: MPI has ended in this process.",
        "gone: MPI has ended in this process, and cannot be started twice.",
      ]);
    }
    expect(ranks[0]?.turns).toBeGreaterThan(3);
  });

  it.each([
    ["throws", "MpiError: Rank 1 failed: TypeError: the data is bad"],
    ["rejects", "MpiError: Rank 1 failed: RangeError: nobody listens"],
    ["leaves", "MpiError: Rank 1 failed: the process ended with code 3"],
    [
      "ends",
      "MpiError: Rank 1 failed: the process ended with code 0, and does not come to allreduce of 3 float32 (sum)",
    ],
  ])("when a rank %s the others hear why and end", async (how, message) => {
    const ended = await launch(library, 3, program("failing"), [how, ...(how === "ends" ? ["4"] : [])]);
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).not.toContain("went on");
    expect(ended.stderr.split(message)).toHaveLength(3);
  });

  it.each(["hangs", "computes"])(
    "when a rank %s the others end after their timeout, and say for whom they waited",
    async (how) => {
      const ended = await launch(library, 3, program("failing"), [how, "4"]);
      expect(ended.code).not.toBe(0);
      expect(ended.stdout).not.toContain("went on");
      expect(ended.stderr).toContain("MpiError: Within 4 s rank 1 did not come to allreduce of 3 float32 (sum).");
    },
  );

  describe.runIf(library.compiler !== undefined)("within a call of the library", () => {
    const folder = mkdtempSync(join(tmpdir(), "faulty-library-"));
    const before = buildFaults(library, folder) ?? [];
    afterAll(() => rmSync(folder, { recursive: true }));
    const fail = (how: string) =>
      launch(library, 3, program("failing"), ["in the library", "4"], {
        before,
        env: { CONVBOOK_FAULT: `${how}:12345:1` },
      });

    it("an error of its own is told with rank and call, and to the ranks that wait there", async () => {
      const { code, stdout, stderr } = await fail("errs");
      expect(code).not.toBe(0);
      expect(stdout).not.toContain("went on");
      const words = "allreduce of 12345 float32 (sum) on rank 1 failed in the MPI library: ";
      expect(stderr).toMatch(new RegExp(`MpiError: ${words.replaceAll(/[()]/g, "\\$&")}.*truncated`, "i"));
      expect(stderr.split(`MpiError: Rank 1 failed: ${words}`)).toHaveLength(3);
    });

    it("a rank that is stopped there is named by the others, after their timeout", async () => {
      const { code, stdout, stderr } = await fail("stops");
      expect(code).not.toBe(0);
      expect(stdout).not.toContain("went on");
      expect(stderr).toContain("MpiError: Within 4 s rank 1 did not finish allreduce of 12345 float32 (sum).");
    });

    it("when a rank is killed there nobody goes on, and the launcher names it", async () => {
      const { code, stdout, stderr } = await fail("dies");
      expect(code).not.toBe(0);
      expect(stdout).not.toContain("went on");
      // MPICH's knows its processes by their numbers only.
      const named = library.family === "MPICH" ? /PID \d+ RUNNING[\s\S]*signal 9/ : /rank 1 .*signal 9/;
      expect(`${stdout}${stderr}`).toMatch(named);
    });
  });

  it.each(["is killed", "aborts"])("when a rank %s nobody goes on", async (how) => {
    const ended = await launch(library, 3, program("failing"), [how]);
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).not.toContain("went on");
  });

  it("a program that another library's launcher started is told so", async () => {
    const other = library.family === "MPICH" ? { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "2" } : undefined;
    if (other === undefined || libraries.length < 2) {
      return;
    }
    // Open MPI's build is chosen by what its launcher would have set; MPICH's started it.
    const ended = await launch(library, 1, program("failing"), [], { env: other });
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain(
      "MpiError: mpirun started 2 processes, but Open MPI, which @convbook/mpi is built with, sees 1: start the program with Open MPI's launcher (Debian: mpirun.openmpi).",
    );
  });
});
