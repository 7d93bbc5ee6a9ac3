/** Continuous integration as it stands in .github and in the guide: valid by GitHub's schema, what it names is there, and the commands for GitLab run. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly run?: string;
  readonly uses?: string;
}
interface Validator {
  validateWorkflow(source: string): { readonly errors: readonly object[] };
  validateAction(source: string): { readonly errors: readonly object[] };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const workflows = readdirSync(join(root, ".github/workflows")).map((name) => `.github/workflows/${name}`);
const actions = readdirSync(join(root, ".github/actions")).map((name) => `.github/actions/${name}/action.yml`);
const textOf = (file: string) => readFileSync(join(root, file), "utf8");
const guide = textOf("lib/site/guides/continuous-integration.md");
const [github = "", gitlab = ""] = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string);

const tools = join(root, "lib/site/package.json");
const installed = existsSync(join(root, "lib/site/node_modules/@action-validator/core"));
if (!installed) {
  console.log("Left out: the schema of GitHub's workflows (npm ci --prefix lib/site)");
}

describe.runIf(installed)("by GitHub's schema", () => {
  const validator = installed ? (createRequire(tools)("@action-validator/core") as Validator) : undefined;

  it.each(workflows)("%s is a workflow", (file) => {
    expect(validator?.validateWorkflow(textOf(file)).errors).toEqual([]);
  });

  it.each(actions)("%s is an action", (file) => {
    expect(validator?.validateAction(textOf(file)).errors).toEqual([]);
  });

  it("the guide's example is a workflow, and is none with a key misspelt", () => {
    expect(validator?.validateWorkflow(github).errors).toEqual([]);
    expect(validator?.validateWorkflow(github.replace("runs-on", "run-on")).errors).not.toEqual([]);
  });
});

/** All steps of a workflow's jobs, or of an action. */
function stepsOf(file: string): readonly Step[] {
  const { jobs, runs } = parse(textOf(file)) as {
    jobs?: Record<string, { steps?: Step[] }>;
    runs?: { steps: Step[] };
  };
  return runs?.steps ?? Object.values(jobs ?? {}).flatMap(({ steps = [] }) => steps);
}

describe.each([...workflows, ...actions])("%s names what is there", (file) => {
  const steps = stepsOf(file);
  const script = steps.map(({ run = "" }) => run).join("\n");

  it("scripts of package.json, and commands of its packages", () => {
    const { scripts } = JSON.parse(textOf("package.json"));
    const named = [...script.matchAll(/npm (?:run (?:-s )?([\w:-]+)|(test|start)\b)/g)].map(
      ([, run, short]) => run ?? short,
    );
    expect(named.filter((name) => !((name as string) in scripts))).toEqual([]);
    const commands = [...script.matchAll(/npx ([\w-]+)/g)].map(([, name]) => name as string);
    expect(commands.filter((name) => !existsSync(join(root, "node_modules/.bin", name)))).toEqual([]);
  });

  it("files and folders of the repository", () => {
    const paths = [...script.matchAll(/(?<![\w$/.-])(?:\.ci|lib|test|notebooks|datasets)(?:\/[\w.-]+)+/g)].map(
      ([path]) => path,
    );
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("actions with their version, or by their commit", () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    expect(uses.filter((one) => !/^actions\/[\w-]+@(v\d+|[0-9a-f]{40})$/.test(one))).toEqual([]);
  });
});

it("is looked for in what stands there: the names are found", () => {
  const script = stepsOf(".github/workflows/test.yml").flatMap(({ run }) => run ?? []);
  expect(script).toEqual([".ci/run", "npm ci", "npm test"]);
});

it("a release has the engine's binaries of all systems in its package when it is published", () => {
  const { jobs } = parse(textOf(".github/workflows/release.yml"));
  expect(jobs.binaries.uses).toBe("./.github/workflows/prebuild.yml");
  expect(parse(textOf(".github/workflows/prebuild.yml")).on).toHaveProperty("workflow_call");
  expect(jobs.publish.needs).toBe("binaries");
  const steps = jobs.publish.steps.map(
    ({ with: given, run = "" }: Step & { with?: object }) => given ?? run.split(" ").slice(0, 2).join(" "),
  );
  const fetched = steps.findIndex((one: { path?: string }) => one.path === "lib/engine/prebuilds");
  expect(fetched).toBeGreaterThan(0);
  expect(steps.indexOf("npm publish")).toBeGreaterThan(fetched);
});

it("the guide's example for GitLab runs in a shell, as its runner executes it", () => {
  const { notebooks } = parse(gitlab) as {
    notebooks: { script: string[]; artifacts: { paths: string[]; reports: { junit: string } } };
  };
  const folder = mkdtempSync(join(tmpdir(), "convbook-gitlab-"));
  try {
    // The packages lie above the project: its own lockfile has none, and nothing is fetched.
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
    const project = join(folder, "project");
    mkdirSync(join(project, "notebooks"), { recursive: true });
    const lock = { name: "project", lockfileVersion: 3, requires: true, packages: { "": { name: "project" } } };
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
    writeFileSync(join(project, "package-lock.json"), JSON.stringify(lock));
    const cell = { cell_type: "code", id: "sum", metadata: {}, execution_count: null, outputs: [], source: "1 + 1;" };
    const kernelspec = { name: "convbook", display_name: "TypeScript (Convbook)", language: "typescript" };
    const notebook = { cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
    writeFileSync(join(project, "notebooks/sum.ipynb"), JSON.stringify(notebook));
    execFileSync("sh", ["-ec", notebooks.script.join("\n")], { cwd: project, stdio: "pipe" });
    const report = readFileSync(join(project, notebooks.artifacts.reports.junit), "utf8");
    expect(report).toMatch(/tests="1" failures="0"/);
    expect(readFileSync(join(project, notebooks.artifacts.paths[0] as string, "sum.ipynb"), "utf8")).toContain('"2"');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 300_000);
