/** Jupyter's data folders on each system: jupyter_core's `jupyter_path` and `jupyter_data_dir`, version 5. */
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { jupyterDataPaths } from "./jupyter-paths.ts";

const before = Object.getOwnPropertyDescriptor(process, "platform") as PropertyDescriptor;
afterEach(() => {
  Object.defineProperty(process, "platform", before);
});
const on = (platform: NodeJS.Platform): void => {
  Object.defineProperty(process, "platform", { ...before, value: platform });
};
const system = ["/usr/local/share/jupyter", "/usr/share/jupyter"];
const besideNode = join(dirname(dirname(process.execPath)), "share", "jupyter");

it.each([
  ["linux", { HOME: "/home/a" }, ["/home/a/.local/share/jupyter", ...system]],
  ["linux", { HOME: "/home/a", XDG_DATA_HOME: "/data" }, ["/data/jupyter", ...system]],
  [
    "linux",
    { HOME: "/home/a", VIRTUAL_ENV: "/env", JUPYTER_PATH: "/one::/two", JUPYTER_DATA_DIR: "/own" },
    ["/one", "/two", "/env/share/jupyter", "/own", ...system],
  ],
  ["darwin", { HOME: "/Users/a", XDG_DATA_HOME: "/data" }, ["/Users/a/Library/Jupyter", ...system]],
] as const)("on %s with %o", (platform, env, expected) => {
  on(platform);
  expect(jupyterDataPaths(env)).toEqual([...new Set([...expected, besideNode])]);
});

it.each([
  [{ APPDATA: "/Roaming", PROGRAMDATA: "/ProgramData" }, ["/Roaming/jupyter", "/ProgramData/jupyter"]],
  [{}, [join(homedir(), ".jupyter", "data")]],
  [{ HOME: "/home/a", CONDA_PREFIX: "/conda" }, ["/conda/share/jupyter", "/home/a/.jupyter/data"]],
] as const)("on win32 with %o", (env, expected) => {
  on("win32");
  expect(jupyterDataPaths(env)).toEqual(expected);
});
