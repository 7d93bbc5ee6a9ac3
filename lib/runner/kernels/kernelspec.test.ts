import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findKernelspec, kernelCommand, listKernelspecs, supportsIpc } from "./kernelspec.ts";

const folder = mkdtempSync(join(tmpdir(), "specs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function install(path: string, spec: object): string {
  const at = join(folder, path);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "kernel.json"), JSON.stringify(spec));
  return at;
}

const spec = (argv: string[], more: object = {}) => ({ argv, display_name: "A kernel", language: "x", ...more });
const env = { JUPYTER_PATH: join(folder, "first"), JUPYTER_DATA_DIR: join(folder, "second"), HOME: folder };
install("first/kernels/both", spec(["first"]));
install("second/kernels/both", spec(["second"]));
install(
  "second/kernels/other",
  spec(["node", "{resource_dir}/main.js", "{connection_file}"], {
    metadata: { transports: ["tcp", "ipc"] },
    interrupt_mode: "message",
  }),
);
install("project/node_modules/@fancy/kernel/kernelspec", spec(["node", "{resource_dir}/../dist/main.js"]));
install("own", spec(["own"]));

test("searches Jupyter's path in its order", () => {
  expect(findKernelspec("both", { env }).argv).toEqual(["first"]);
  expect(findKernelspec("other", { env })).toMatchObject({ interruptMode: "message", displayName: "A kernel" });
  expect(listKernelspecs({ env }).map(({ name }) => name)).toEqual(expect.arrayContaining(["both", "other"]));
});

test("a given folder goes before, and a package beside the notebook comes last", () => {
  expect(findKernelspec("both", { env, kernelDir: join(folder, "own") }).argv).toEqual(["own"]);
  expect(findKernelspec("fancy", { env, from: join(folder, "project/notebooks/deep") }).folder).toBe(
    join(folder, "project/node_modules/@fancy/kernel/kernelspec"),
  );
});

test("fills in the placeholders of the command", () => {
  const found = findKernelspec("other", { env });
  expect(kernelCommand(found, "/c.json")).toEqual({
    command: process.execPath,
    args: [join(folder, "second/kernels/other/main.js"), "/c.json"],
  });
  expect(supportsIpc(found, "linux")).toBe(true);
  expect(supportsIpc(found, "win32")).toBe(false);
  expect(supportsIpc(findKernelspec("both", { env }))).toBe(false);
});

test("says what is wrong: names, files, kernels that are missing", () => {
  expect(() => findKernelspec("../evil", { env })).toThrow('"../evil" is not a kernel name');
  expect(() => findKernelspec("bothh", { env, from: folder })).toThrow(
    'the kernel "bothh" is not installed\nDid you mean "both"?',
  );
  expect(() => findKernelspec("tslab", { env, from: folder })).toThrow(
    "To install it: npm install -g tslab && tslab install",
  );
  expect(() => findKernelspec("qqzzyyxx", { env, from: folder })).toThrow(
    "To install it: see the kernel's own documentation; or give its folder with --kernel-dir",
  );
  expect(() => findKernelspec("both", { env, kernelDir: join(folder, "none") })).toThrow("does not exist");
  install("first/kernels/broken", { display_name: "no argv" });
  expect(() => findKernelspec("broken", { env })).toThrow('has no "argv" list of strings');
});

test("a kernelspec that cannot be used is left out of the list, and one line names its file and its fault", () => {
  const own = { JUPYTER_PATH: join(folder, "faults"), JUPYTER_DATA_DIR: join(folder, "nowhere"), HOME: folder };
  const write = (name: string, text: string) => {
    const file = join(install(`faults/kernels/${name}`, {}), "kernel.json");
    writeFileSync(file, text);
    return file;
  };
  install("faults/kernels/good", spec(["good"]));
  const files = [
    write("cut", '{\n  "argv": ["x"],\n'),
    write("empty", ""),
    write("list", "[]"),
    write("nothing", "null"),
    write("words", '{"argv": "python3"}'),
  ];
  const problems: string[] = [];
  const names = listKernelspecs({ env: own, onBroken: (problem) => problems.push(problem) }).map(({ name }) => name);
  expect(names).toContain("good");
  expect(names).not.toContain("cut");
  const told = problems.filter((problem) => problem.includes(join(folder, "faults")));
  expect(told).toHaveLength(files.length);
  expect(told.every((problem) => !problem.includes("\n"))).toBe(true);
  expect(told[0]).toMatch(`the kernelspec ${files[0]} cannot be read: `);
  expect(told[1]).toBe(`the kernelspec ${files[1]} cannot be read: Unexpected end of JSON input`);
  expect(told.slice(2)).toEqual([
    `the kernelspec ${files[2]} is not a JSON object`,
    `the kernelspec ${files[3]} is not a JSON object`,
    `the kernelspec ${files[4]} has no "argv" list of strings`,
  ]);
  expect(() => findKernelspec("absent", { env: own, from: folder })).toThrow(
    `Left out: the kernelspec ${files[2]} is not`,
  );
});

test("what to install comes from a table, and never from the notebook", () => {
  const message = (name: string) => {
    try {
      findKernelspec(name, { env, from: folder });
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  expect(message("julia-1.10")).toContain(
    `To install it: julia -e 'using Pkg; Pkg.add("IJulia")', and --kernel with the name that "nbconvert-ts-runner kernels" then shows`,
  );
  expect(message("javascript")).toContain("To install it: npm install -g ijavascript && ijsinstall");
  for (const name of ["evil-package", "constructor", "julian"]) {
    expect(message(name).split("\n").at(-1)).toBe(
      "To install it: see the kernel's own documentation; or give its folder with --kernel-dir",
    );
  }
  // Line breaks and terminal commands in a name are not repeated as they are.
  expect(message("a\n::error::\u001b[2J")).toBe(
    '"a\\n::error::\\u001b[2J" is not a kernel name (letters, digits, ".", "_" and "-")',
  );
});
