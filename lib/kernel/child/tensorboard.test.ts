import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { parseArguments } from "./tensorboard.ts";

const foldersOf = (args: string) => parseArguments(args).paths;

it("takes folders as TensorBoard's command and IPython's magic do", () => {
  Object.assign(globalThis, { runFolder: "/runs/one", notText: {} });
  expect(foldersOf("--logdir logs/a")).toEqual([resolve("logs/a")]);
  expect(foldersOf("--logdir=/x --port 6006 --bind_all --host=0.0.0.0 --samples_per_plugin scalars=0")).toEqual(["/x"]);
  expect(foldersOf("--logdir \"with space/b\" --window_title 'a b'")).toEqual([resolve("with space/b")]);
  expect(foldersOf("--logdir ~/runs")).toEqual([join(homedir(), "runs")]);
  expect(foldersOf("--logdir {runFolder}/a --logdir $runFolder")).toEqual(["/runs/one/a", "/runs/one"]);
  expect(foldersOf("--logdir /{notText}/$nowhere")).toEqual(["/{notText}/$nowhere"]);
  expect(foldersOf("--logdir_spec slow:/a,fast:/b,/c")).toEqual({ slow: "/a", fast: "/b", "/c": "/c" });
  expect(parseArguments("--logdir /x").interval).toBe(2000);
  expect(parseArguments("--logdir /x --reload_interval 0.5").interval).toBe(500);
});

it("says what is wrong with its arguments, and what it takes", () => {
  const usage =
    "; expected %tensorboard --logdir FOLDER [--reload_interval SECONDS], or --logdir_spec NAME:FOLDER,NAME:FOLDER";
  for (const [args, problem] of [
    ["", "there is no --logdir"],
    ["--port 6006", "there is no --logdir"],
    ["logs", '"logs" is not known'],
    ["--logdri logs", '"--logdri" is not known'],
    ["--logdir", "--logdir needs a value"],
    ["--logdir /x --reload_interval soon", "--reload_interval is a number of seconds above 0"],
  ] as const) {
    expect(() => parseArguments(args)).toThrow(`%tensorboard: ${problem}${usage}`);
  }
});
