/**
 * `node test/engine/tfjs-core-suite.mjs [BACKEND ...]`: tfjs-core's own test suite, out of its npm package, on the backends "native" and "cpu" (or
 * those named). Ends with 1 where the native backend fails a test that the CPU backend passes.
 *
 * Three of its tests assert gradients that are none, see `disproved`: they are counted by themselves, and have to fail.
 *
 * The suite's modules and the backends must share one copy of tfjs-core, so everything is bundled into one file first.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import Jasmine from "jasmine";

const root = fileURLToPath(new URL("../../", import.meta.url));
const packages = join(root, "node_modules", "@tensorflow");
const core = join(packages, "tfjs-core", "dist");

/** Beside jasmine, which brings it. */
const jasmineCore = dirname(
  createRequire(fileURLToPath(import.meta.resolve("jasmine"))).resolve("jasmine-core/package.json"),
);

/**
 * Tests that assert what tfjs's gradients gave, where differences of the operation's values give something else: a mean's gradient
 * shared with the border around the image, and a mirrored border's gradient left out. test/engine/derivatives has the right values.
 */
const disproved = new Set([
  "avgPool BACKEND {} gradient x=[3,3,1] f=[3,3] s=1 p=explicit",
  "mirrorPad BACKEND {} grad",
  "mirrorPad BACKEND {} gradient with clones",
]);

/** Everything in one CommonJS file. */
async function bundle(folder) {
  const environment = join(folder, "environment.mjs");
  const all = join(folder, "all.mjs");
  writeFileSync(
    environment,
    `import { setTestEnvs } from ${JSON.stringify(join(core, "jasmine_util.js"))};
     import ${JSON.stringify(join(core, "index.js"))};
     import ${JSON.stringify(join(core, "public/chained_ops/register_all_chained_ops.js"))};
     import ${JSON.stringify(join(core, "register_all_gradients.js"))};
     import ${JSON.stringify(join(packages, "tfjs-backend-cpu", "dist", "index.js"))};
     import { engine } from ${JSON.stringify(join(root, "lib/engine/index.ts"))};
     const backendName = process.env.SUITE_BACKEND;
     if (backendName === "native" && !engine.available) throw new Error(engine.reason);
     setTestEnvs([{ name: backendName, backendName, isDataSync: true, flags: {} }]);`,
  );
  writeFileSync(all, `import "./environment.mjs";\nimport ${JSON.stringify(join(core, "tests.js"))};`);
  const outfile = join(folder, "suite.cjs");
  await build({
    entryPoints: [all],
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile,
    logLevel: "error",
    // The package calls its modules free of side effects, which tests are not.
    ignoreAnnotations: true,
    define: { "import.meta.url": JSON.stringify(pathToFileURL(join(root, "lib/engine/native.ts")).href) },
    nodePaths: [dirname(jasmineCore)],
    plugins: [{ name: "one-copy", setup: (builder) => oneCopy(builder) }],
  });
  return outfile;
}

function oneCopy(builder) {
  const withExtension = (path) => (path.endsWith(".js") ? path : `${path}.js`);
  builder.onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, () => ({ path: join(core, "index.js") }));
  builder.onResolve({ filter: /^@tensorflow\/tfjs-core\/dist\// }, ({ path }) => ({
    path: withExtension(join(dirname(packages), path)),
  }));
  builder.onResolve({ filter: /^@tensorflow\/tfjs-backend-cpu$/ }, () => ({
    path: join(packages, "tfjs-backend-cpu", "dist", "index.js"),
  }));
  builder.onResolve({ filter: /^jasmine-core\// }, ({ path }) => ({
    path: join(dirname(jasmineCore), path),
    external: true,
  }));
}

/** What the child process does: the specs of one bundle on one backend. */
async function runSuite(file, report) {
  const jasmine = new Jasmine();
  jasmine.exitOnCompletion = false;
  jasmine.loadConfig({ spec_dir: ".", spec_files: [file], random: false });
  jasmine.clearReporters();
  const result = { specs: 0, pending: 0, failed: [] };
  jasmine.addReporter({
    specDone({ status, fullName, failedExpectations }) {
      result.specs++;
      if (status === "pending" || status === "excluded") {
        result.pending++;
      }
      if (status === "failed") {
        result.failed.push([fullName, failedExpectations[0]?.message ?? ""]);
      }
    },
  });
  console.warn = () => {};
  console.log = () => {};
  await jasmine.execute();
  writeFileSync(report, JSON.stringify(result));
  process.exit(0);
}

if (process.argv[2] === "--child") {
  await runSuite(...process.argv.slice(3));
} else {
  const backends = process.argv.length > 2 ? process.argv.slice(2) : ["native", "cpu"];
  const folder = mkdtempSync(join(tmpdir(), "tfjs-core-suite-"));
  try {
    const file = await bundle(folder);
    const failures = new Map();
    for (const backend of backends) {
      const report = join(folder, `${backend}.json`);
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--child", file, report], {
        env: { ...process.env, SUITE_BACKEND: backend },
        stdio: ["ignore", "ignore", "inherit"],
      });
      const { specs, pending, failed: all } = JSON.parse(readFileSync(report, "utf8"));
      const common = ([name]) => name.replaceAll(backend, "BACKEND");
      const failed = all.filter((test) => !disproved.has(common(test)));
      console.log(`${backend}: ${specs} specs, ${failed.length} failed, ${pending} left out by the suite`);
      const agreeing = [...disproved].filter((name) => !all.some((test) => common(test) === name));
      if (agreeing.length > 0) {
        throw new Error(`${backend} gives a wrong gradient: ${agreeing.join("; ")}`);
      }
      for (const [name, message] of failed) {
        console.error(`  ${name}\n    ${message.slice(0, 200)}`);
      }
      failures.set(backend, new Set(failed.map(common)));
    }
    const expected = failures.get("cpu") ?? new Set();
    const own = [...(failures.get("native") ?? [])].filter((name) => !expected.has(name));
    process.exitCode = own.length > 0 ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
