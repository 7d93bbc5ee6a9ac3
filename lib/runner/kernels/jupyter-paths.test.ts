/** Jupyter's data folders on each system: jupyter_core's `jupyter_path` and `jupyter_data_dir`, version 5. */
import { homedir } from "node:os";
import { dirname, join, win32 } from "node:path";
import { expect, it } from "vitest";
import { jupyterDataPaths } from "./jupyter-paths.ts";

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
  expect(jupyterDataPaths(env, platform)).toEqual([...new Set([...expected, besideNode])]);
});

it.each([
  [{ APPDATA: "C:\\Roaming", PROGRAMDATA: "C:\\ProgramData" }, ["C:\\Roaming\\jupyter", "C:\\ProgramData\\jupyter"]],
  [{}, [win32.join(homedir(), ".jupyter", "data")]],
  [
    { HOME: "/c/Users/a", USERPROFILE: "C:\\Users\\a", CONDA_PREFIX: "C:\\conda" },
    ["C:\\conda\\share\\jupyter", "C:\\Users\\a\\.jupyter\\data"],
  ],
  [{ JUPYTER_PATH: "C:\\one;D:\\two", APPDATA: "C:\\Roaming" }, ["C:\\one", "D:\\two", "C:\\Roaming\\jupyter"]],
] as const)("on win32 with %o", (env, expected) => {
  expect(jupyterDataPaths(env, "win32")).toEqual(expected);
});
