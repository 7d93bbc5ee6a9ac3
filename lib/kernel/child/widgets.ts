/**
 * A progress bar and a slider through the comm protocol of ipywidgets, without Python. Two generations of the protocol
 * are spoken: that of ipywidgets 7 and 8, and that of 6 for front-ends that announce themselves so. Beside the widget
 * goes a text that shows the same, for front-ends and files without widgets.
 */
import { randomUUID } from "node:crypto";
import { isObject } from "../values.ts";
import { type Comm, comms } from "./comms.ts";
import { notebookIo } from "./notebook-io.ts";

/** Set when a front-end of ipywidgets 6 has told its version. */
let legacy = false;

/** What a kernel of ipywidgets 6 asks of its front-end. */
const legacyVersion = "~2.1.4";

/** What ipywidgets 8 wants beside what 7 does: a front-end takes the highest version in the range that it has. */
const baseVersion = "^1.2.0 || ^2.0.0";
const controlsVersion = "^1.5.0 || ^2.0.0";

type State = Record<string, unknown>;

/** A model in the front-end, with all that is known of it here: a page that is loaded again asks for that. */
interface Model {
  readonly comm: Comm;
  readonly state: State;
}

const models = new Map<string, Model>();

/**
 * Answers what front-ends ask before there is a widget. One of ipywidgets 6 opens a comm and waits for the version that
 * the kernel wants; it then says whether it has it. One of 8 asks, when a page is loaded again, for all models at once.
 */
export function installWidgets(): void {
  comms.registerTarget("jupyter.widget.version", (comm) => {
    comm.onMessage(({ data }) => {
      legacy = isObject(data) && data.validated === true;
    });
    comm.send({ version: legacyVersion });
  });
  comms.registerTarget("jupyter.widget.control", (comm) => {
    comm.onMessage(({ data }) => {
      if (isObject(data) && data.method === "request_states") {
        const states = Object.fromEntries(
          [...models].map(([id, { state }]) => [
            id,
            {
              model_name: state._model_name,
              model_module: state._model_module,
              model_module_version: state._model_module_version,
              state,
            },
          ]),
        );
        comm.send({ method: "update_states", states, buffer_paths: [] });
      }
    });
  });
}

/** How often the text beside a widget follows its value, ms. */
const textInterval = 200;

function openModel(name: string, view: string | null, base: boolean, state: State): Model {
  const moduleName = legacy ? "jupyter-js-widgets" : base ? "@jupyter-widgets/base" : "@jupyter-widgets/controls";
  const version = legacy ? legacyVersion : base ? baseVersion : controlsVersion;
  const full: State = {
    _model_module: moduleName,
    _model_module_version: version,
    _model_name: name,
    _view_module: moduleName,
    _view_module_version: version,
    _view_name: view,
    ...state,
  };
  const comm = legacy
    ? comms.open("jupyter.widget", full)
    : comms.open("jupyter.widget", { state: full, buffer_paths: [] }, { metadata: { version: "2.0.0" } });
  const model = { comm, state: full };
  models.set(comm.id, model);
  comm.onMessage(({ data }) => {
    if (isObject(data) && data.method === "request_state") {
      sendState(model, full);
    }
  });
  comm.onClose(() => models.delete(comm.id));
  return model;
}

/** Tells the front-end of a state, and remembers it. */
function sendState({ comm, state: known }: Model, state: State): void {
  Object.assign(known, state);
  comm.send(legacy ? { method: "update", state, buffers: [] } : { method: "update", state, buffer_paths: [] });
}

class Widget {
  readonly #model: Model;
  readonly #parts: Model[];
  readonly #displayId = randomUUID();
  readonly #text: () => string;
  #shownAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, styleName: string, state: State, text: () => string) {
    this.#text = text;
    const layout = openModel("LayoutModel", legacy ? null : "LayoutView", true, legacy ? {} : { _view_count: null });
    const style = openModel(`${styleName}Model`, legacy ? null : "StyleView", false, {
      ...(legacy ? {} : { _view_module: "@jupyter-widgets/base", _view_module_version: baseVersion }),
    });
    this.#parts = [layout, style];
    const modelName = legacy ? name.replace("FloatProgress", "Progress") : name;
    this.#model = openModel(`${modelName}Model`, `${name.replace("FloatProgress", "Progress")}View`, false, {
      layout: `IPY_MODEL_${layout.comm.id}`,
      style: `IPY_MODEL_${style.comm.id}`,
      ...state,
    });
    if (legacy) {
      // This generation has the front-end insert the view itself.
      this.#model.comm.send({ method: "display" });
    }
    notebookIo.display(this.#bundle(), { displayId: this.#displayId });
  }

  set(state: State): void {
    sendState(this.#model, state);
    this.#followText();
  }

  onState(listener: (state: State) => void): void {
    this.#model.comm.onMessage(({ data }) => {
      const { method, state, sync_data } = isObject(data) ? data : {};
      const changed = state ?? sync_data;
      if ((method === "update" || method === "backbone") && isObject(changed)) {
        Object.assign(this.#model.state, changed);
        listener(changed);
        this.#followText();
      }
    });
  }

  /** Brings the text up to date now. */
  showText(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#shownAt = performance.now();
    if (!legacy) {
      notebookIo.display(this.#bundle(), { displayId: this.#displayId, update: true });
    }
  }

  close(): void {
    this.showText();
    for (const { comm } of [this.#model, ...this.#parts]) {
      comm.close();
      models.delete(comm.id);
    }
  }

  #followText(): void {
    const wait = this.#shownAt + textInterval - performance.now();
    if (wait <= 0) {
      this.showText();
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.showText(), wait);
      this.#timer.unref();
    }
  }

  #bundle(): Record<string, unknown> {
    const view = {
      "application/vnd.jupyter.widget-view+json": { model_id: this.#model.comm.id, version_major: 2, version_minor: 0 },
    };
    // Where the front-end inserts the view itself the text would stand beside it.
    return legacy ? view : { ...view, "text/plain": this.#text() };
  }
}

export interface ProgressOptions {
  readonly total?: number;
  readonly value?: number;
  readonly description?: string;
}

class Progress {
  readonly #total: number;
  #value: number;
  #description: string;
  readonly #widget: Widget;

  constructor({ total = 100, value = 0, description = "" }: ProgressOptions = {}) {
    this.#total = total;
    this.#value = value;
    this.#description = description;
    this.#widget = new Widget(
      "FloatProgress",
      "ProgressStyle",
      { min: 0, max: total, value, description, bar_style: "" },
      () => this.#text(),
    );
  }

  get value(): number {
    return this.#value;
  }

  set value(value: number) {
    this.update(value);
  }

  get description(): string {
    return this.#description;
  }

  set description(description: string) {
    this.update(this.#value, description);
  }

  update(value: number, description = this.#description): void {
    this.#value = value;
    this.#description = description;
    const done = value >= this.#total;
    this.#widget.set({ value, description, bar_style: done ? "success" : "" });
    if (done) {
      this.#widget.showText();
    }
  }

  /** Takes the bar away; its text stays. */
  close(): void {
    this.#widget.close();
  }

  #text(): string {
    const part = Math.max(0, Math.min(1, this.#total === 0 ? 1 : this.#value / this.#total));
    const filled = Math.round(part * 30);
    const head = this.#description === "" ? "" : `${this.#description} `;
    return `${head}${"█".repeat(filled)}${"░".repeat(30 - filled)} ${Math.round(part * 100)} % (${this.#value}/${this.#total})`;
  }

  [Symbol.for("Jupyter.display")](): Record<string, unknown> {
    return {};
  }
}

export interface SliderOptions {
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly value?: number;
  readonly description?: string;
  readonly onChange?: (value: number) => void;
}

class Slider {
  readonly #widget: Widget;
  readonly #listeners: ((value: number) => void)[] = [];
  readonly description: string;
  #value: number;

  constructor({ min = 0, max = 100, step = 1, value = min, description = "", onChange }: SliderOptions = {}) {
    this.#value = value;
    this.description = description;
    if (onChange !== undefined) {
      this.#listeners.push(onChange);
    }
    const whole = [min, max, step, value].every(Number.isInteger);
    const state = {
      min,
      max,
      step,
      value,
      description,
      orientation: "horizontal",
      readout: true,
      readout_format: whole ? "d" : ".2f",
      continuous_update: true,
      disabled: false,
    };
    this.#widget = new Widget(
      whole ? "IntSlider" : "FloatSlider",
      "SliderStyle",
      state,
      () => `${description || "slider"} = ${this.#value} (${min} … ${max})`,
    );
    this.#widget.onState((changed) => {
      if (typeof changed.value === "number") {
        this.#value = changed.value;
        for (const listener of this.#listeners) {
          listener(changed.value);
        }
      }
    });
  }

  get value(): number {
    return this.#value;
  }

  set value(value: number) {
    this.#value = value;
    this.#widget.set({ value });
  }

  onChange(listener: (value: number) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#widget.close();
  }

  [Symbol.for("Jupyter.display")](): Record<string, unknown> {
    return {};
  }
}

export const widgets = {
  progress: (options?: ProgressOptions) => new Progress(options),
  slider: (options?: SliderOptions) => new Slider(options),
};
