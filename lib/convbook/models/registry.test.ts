import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import { OptionError, UnknownNameError } from "../nn/index.ts";
import { createModel, createModelFrom, DenseNet, parseModelHparams, ResNet } from "./index.ts";

describe("createModel", () => {
  it("builds a model by name with typed hyper-parameters", () => {
    const model: ResNet = createModel("ResNet", { numBlocks: [1, 1], cHidden: [2, 4], numClasses: 3 });
    expect(model).toBeInstanceOf(ResNet);
    expect(model.stateDict().get("output_net.2.weight")?.shape).toEqual([3, 4]);
    expect(createModel("DenseNet")).toBeInstanceOf(DenseNet);
  });

  it("builds the variant with pre-activation under its own name", () => {
    expect(createModel("ResNetPreAct").parameterCount()).toBe(272_250);
  });

  it("names the nearest right model", () => {
    expect(() => createModelFrom("Resnet", {})).toThrow('Unknown model "Resnet". Did you mean "ResNet"');
    expect(() => createModelFrom("toString", {})).toThrow(UnknownNameError);
    expect(() => createModelFrom(5, {})).toThrow("A model: name must be one of GoogleNet");
  });
});

describe("parseModelHparams", () => {
  it("takes Python's names from an object or a Map", () => {
    const expected = { numClasses: 10, cHidden: [16, 32], actFnName: "relu" };
    const python = { num_classes: 10, c_hidden: [16, 32], act_fn_name: "relu" };
    expect(parseModelHparams("ResNet", python)).toEqual(expected);
    expect(parseModelHparams("ResNet", new Map(Object.entries(python)))).toEqual(expected);
    expect(parseModelHparams("ResNet", undefined)).toEqual({});
    expect(parseModelHparams("ResNet", Object.assign(Object.create(null), { num_classes: 4n }))).toEqual({
      numClasses: 4,
    });
  });

  it.each([
    [{ num_clases: 10 }, UnknownNameError, 'Unknown hyper-parameter of ResNet "num_clases". Did you mean "numClasses"'],
    [{ num_classes: -1 }, OptionError, "ResNet: numClasses must be a whole number from 1 to 65536, got -1."],
    [{ num_classes: 1e9 }, OptionError, "from 1 to 65536"],
    [{ num_classes: "10" }, OptionError, 'got "10"'],
    [{ c_hidden: [16, 1.5] }, OptionError, "ResNet: cHidden[1] must be a whole number"],
    [{ c_hidden: new Array(1000).fill(1) }, OptionError, "a list of 1 to 64 whole numbers"],
    [{ act_fn_name: "reluu" }, UnknownNameError, 'Did you mean "relu"'],
    [{ block_name: "ResnetBlock" }, UnknownNameError, 'Did you mean "ResNetBlock"'],
    [JSON.parse('{"__proto__": {"a": 1}}'), UnknownNameError, "Unknown hyper-parameter"],
    [[1], OptionError, "an object or a Map"],
    ["x", OptionError, "an object or a Map"],
  ])("refuses %j", (hparams, type, message) => {
    const parse = () => parseModelHparams("ResNet", hparams);
    expect(parse).toThrow(type);
    expect(parse).toThrow(message);
  });

  it("refuses a network that would not fit into memory, before it takes any", () => {
    const wide = { num_blocks: [1, 1], c_hidden: [60_000, 60_000] };
    expect(() => createModelFrom("ResNet", wide)).toThrow("within the bound for files");
    const many = { num_blocks: new Array(64).fill(1024), c_hidden: new Array(64).fill(1) };
    expect(() => createModelFrom("ResNet", many)).toThrow("within the bound for files");
    expect(createModelFrom("ResNet", {}).parameterCount()).toBe(272_378);
  });

  it("needs a width for each group", () => {
    expect(() => createModelFrom("ResNet", { num_blocks: [1, 1], c_hidden: [4] })).toThrow(
      "one width for each of the 2 groups",
    );
  });
});
