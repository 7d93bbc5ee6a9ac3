/** The Jupyter protocol, message by message, as golden sequences of events. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { golden, KernelUnderTest, pythonHas, resultOf, streamOf } from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("the protocol over tcp", () => {
  let kernel: KernelUnderTest;
  beforeEach(async () => {
    kernel = await KernelUnderTest.start();
  });
  afterEach(() => kernel.close());

  it("says what it is", async () => {
    const { reply, events } = await kernel.request("kernel_info_request");
    expect(reply.type).toBe("kernel_info_reply");
    expect(reply.content).toMatchObject({
      status: "ok",
      protocol_version: "5.4",
      implementation: "convbook",
      language_info: { name: "typescript", file_extension: ".ts", mimetype: "text/typescript" },
    });
    expect(events.filter(({ mine }) => mine).map(({ content }) => content.execution_state)).toEqual(["busy", "idle"]);
  });

  it("runs a cell: busy, input, outputs in order, result, idle", async () => {
    const result = await kernel.execute(
      'console.log("one"); console.error("two"); display.html("<b>three</b>"); console.log("four"); 5',
    );
    expect(golden(result)).toEqual([
      "busy",
      "input [1]",
      "stdout: one\\n",
      "stderr: two\\n",
      "display text/html text/plain",
      "stdout: four\\n",
      "result [1] 5",
      "idle",
      "reply ok",
    ]);
  });

  it("runs a cell that fails", async () => {
    const result = await kernel.execute(
      'console.log("before");\nthrow new RangeError("too far", { cause: new Error("deep") });',
    );
    expect(golden(result)).toEqual([
      "busy",
      "input [1]",
      "stdout: before\\n",
      "error RangeError: too far",
      "idle",
      "reply error",
    ]);
    const [error] = result.events.filter(({ type }) => type === "error");
    const traceback = error?.content.traceback.join("\n");
    expect(traceback).toContain("In [1]:2:7");
    expect(traceback).toContain("Caused by");
    expect(traceback).toContain("deep");
    expect(traceback).not.toContain("lib/kernel");
    expect(traceback).not.toContain("node:internal");
  });

  it("keeps silent cells silent and uncounted", async () => {
    expect(golden(await kernel.execute("var quiet = 7; console.log(quiet); quiet", { silent: true }))).toEqual([
      "busy",
      "idle",
      "reply ok",
    ]);
    expect(golden(await kernel.execute("quiet"))).toEqual(["busy", "input [1]", "result [1] 7", "idle", "reply ok"]);
  });

  it("does not count cells that are not stored", async () => {
    await kernel.execute("7");
    expect(golden(await kernel.execute("8", { store_history: false }))).toEqual([
      "busy",
      "input [1]",
      "result [1] 8",
      "idle",
      "reply ok",
    ]);
    expect(golden(await kernel.execute("9"))[1]).toBe("input [2]");
  });

  it("evaluates user_expressions, each with its own outcome", async () => {
    const { reply } = await kernel.execute("const ten = 10;", {
      user_expressions: { good: "ten + 1", bad: "nowhere.x" },
    });
    expect(reply.content.user_expressions.good).toEqual({ status: "ok", data: { "text/plain": "11" }, metadata: {} });
    expect(reply.content.user_expressions.bad).toMatchObject({ status: "error", ename: "ReferenceError" });
  });

  it("says which part of a request it cannot use, and runs nothing of it", async () => {
    const asked: readonly (readonly [string, Record<string, unknown>, string])[] = [
      [
        "execute_request",
        { code: ["globalThis.ran = 1"] },
        '"code" in the request is ["globalThis.ran = 1"]; expected text',
      ],
      [
        "execute_request",
        { code: "globalThis.ran = 1", user_expressions: [] },
        '"user_expressions" in the request is []; expected texts by name',
      ],
      [
        "execute_request",
        { code: "1", user_expressions: { a: 5 } },
        '"user_expressions.a" in the request is 5; expected text',
      ],
      ["complete_request", { code: "x.", cursor_pos: "2" }, '"cursor_pos" in the request is "2"; expected a number'],
      ["complete_request", { code: { a: 1 } }, '"code" in the request is {"a":1}; expected text'],
      [
        "inspect_request",
        { code: "x", cursor_pos: 1, detail_level: [] },
        '"detail_level" in the request is []; expected a number',
      ],
      ["is_complete_request", { code: true }, '"code" in the request is true; expected text'],
      ["history_request", { hist_access_type: "tail", n: {} }, '"n" in the request is {}; expected a number'],
    ];
    for (const [type, content, evalue] of asked) {
      expect((await kernel.request(type, content)).reply.content).toMatchObject({
        status: "error",
        ename: "RequestError",
        evalue,
      });
    }
    expect(resultOf(await kernel.execute('"ran" in globalThis'))).toBe("false");
  });

  it("answers for cursors that are nowhere in the text", async () => {
    const code = "const 𝛼 = { beta: 1 }; 𝛼.be";
    for (const cursor_pos of [-1, -1e308, 1e308, 2 ** 53, 5.5, undefined, null]) {
      for (const type of ["complete_request", "inspect_request"]) {
        expect((await kernel.request(type, { code, cursor_pos })).reply.content.status).toBe("ok");
      }
    }
    const { content } = (await kernel.request("complete_request", { code, cursor_pos: 1e9 })).reply;
    expect([content.matches, content.cursor_start, content.cursor_end]).toEqual([["beta"], 25, 27]);
  });

  it("aborts the waiting cells after an error, and only those", async () => {
    const { results } = await kernel.do("many", {
      cells: ['await new Promise((go) => setTimeout(go, 200)); throw new Error("stop")', "1", "2"],
    });
    // biome-ignore lint/suspicious/noExplicitAny: replies are plain JSON
    expect(results.map((result: any) => result.reply.content.status)).toEqual(["error", "aborted", "aborted"]);
    expect(resultOf(await kernel.execute("3"))).toBe("3");
  });

  it("goes on after an error where stop_on_error is false", async () => {
    const { results } = await kernel.do("many", {
      cells: ['await null; throw new Error("go on")', "1"],
      stop_on_error: false,
    });
    // biome-ignore lint/suspicious/noExplicitAny: replies are plain JSON
    expect(results.map((result: any) => result.reply.content.status)).toEqual(["error", "ok"]);
  });

  it("updates a display, and clears output", async () => {
    const result = await kernel.execute(
      'const shown = display("a", { displayId: "here" }); shown.update("b"); clearOutput(true); clearOutput();',
    );
    expect(golden(result).slice(2, -2)).toEqual([
      "display text/plain",
      "update text/plain",
      "clear_output",
      "clear_output",
    ]);
    const ids = result.events
      .filter(({ content }) => content.transient)
      .map(({ content }) => content.transient.display_id);
    expect(ids).toEqual(["here", "here"]);
    expect(result.events.filter(({ type }) => type === "clear_output").map(({ content }) => content.wait)).toEqual([
      true,
      false,
    ]);
  });

  it("asks for input, and says so where the front-end takes none", async () => {
    const asked = await kernel.execute(
      'const name = prompt("Who? "); const secret = promptPassword("Key? "); [name, secret]',
      {
        allow_stdin: true,
        inputs: ["Ada", "s3cret"],
      },
    );
    const questions = asked.events.filter(({ channel }) => channel === "stdin").map(({ content }) => content);
    expect(questions).toEqual([
      { prompt: "Who? ", password: false },
      { prompt: "Key? ", password: true },
    ]);
    expect(resultOf(asked)).toBe("[ 'Ada', 's3cret' ]");
    const refused = await kernel.execute("prompt()", { allow_stdin: false });
    expect(refused.reply.content.evalue).toContain("takes no input");
  });

  it("sends late output to the cell that started it", async () => {
    const first = await kernel.execute(
      'setTimeout(() => console.log("late timer"), 300); new Promise((go) => setTimeout(go, 350)).then(() => console.log("late promise")); 0',
    );
    const second = await kernel.execute('await new Promise((go) => setTimeout(go, 600)); console.log("second")');
    expect(streamOf(second)).toBe("second\n");
    const late = second.events.filter(({ type, parent }) => type === "stream" && parent === first.id);
    expect(late.map(({ content }) => content.text).join("")).toBe("late timer\nlate promise\n");
  });

  it("executes a signed request once, however often it is sent", async () => {
    await kernel.execute("let times = 0;");
    const { first, second } = await kernel.do("replay", { code: "++times", next: "times" });
    expect([resultOf(first), resultOf(second)]).toEqual(["1", "1"]);
    expect(second.reply.content.execution_count).toBe(first.reply.content.execution_count + 1);
    expect(kernel.stderr).toContain("Message dropped: a message with the same signature came before");
  });

  it("keeps history: range, tail, search", async () => {
    const history = async (content: Record<string, unknown>) =>
      (await kernel.request("history_request", content)).reply.content.history;
    await kernel.execute("const loud = 7; loud");
    await kernel.execute("const needle = 'in a haystack'");
    const tail = await history({ hist_access_type: "tail", n: 1 });
    expect(tail).toEqual([[1, expect.any(Number), "const needle = 'in a haystack'"]]);
    expect(await history({ hist_access_type: "search", pattern: "*needle*", n: 5 })).toEqual(tail);
    expect(await history({ hist_access_type: "range", session: 0, start: 1, stop: 2, output: true })).toEqual([
      [1, 1, ["const loud = 7; loud", "7"]],
    ]);
  });

  it("knows complete, incomplete and invalid code", async () => {
    const status = async (code: string) => (await kernel.request("is_complete_request", { code })).reply.content;
    expect(await status("1 + 1")).toEqual({ status: "complete" });
    expect(await status("for (const x of [1]) {")).toEqual({ status: "incomplete", indent: "  " });
    expect(await status("const a = `b")).toEqual({ status: "incomplete", indent: "" });
    expect(await status("x = ]")).toEqual({ status: "invalid" });
  });

  it("sends bytes of any kind in a comm's buffers, and hands data over as the cells' own objects", async () => {
    const sent = await kernel.execute(
      `const bytes = Uint8Array.from([0, 1, 250, 3]);
       const open = comms.open("bytes", {}, { buffers: [bytes, bytes.buffer, new Uint16Array(bytes.buffer), new DataView(bytes.buffer, 1, 2), Buffer.from(bytes)] });
       comms.registerTarget("own", (comm, { data }) => comm.send([data instanceof Object, data.list instanceof Array]));
       open.close();`,
    );
    const opened = sent.events.find(({ type }) => type === "comm_open");
    expect(opened?.buffers).toEqual(["0001fa03", "0001fa03", "0001fa03", "01fa", "0001fa03"]);
    const refused = await kernel.execute('comms.open("bytes", {}, { buffers: ["text" as never] });');
    expect(refused.reply.content.evalue).toBe("comm: buffers are bytes (typed arrays or buffers), got string");
    const own = await kernel.do("post", {
      type: "comm_open",
      content: { comm_id: "own1", target_name: "own", data: { list: [1] } },
    });
    expect(own.events.find(({ type }: { type: string }) => type === "comm_msg").content.data).toEqual([true, true]);
    await kernel.do("post", { type: "comm_close", content: { comm_id: "own1", data: {} } });
  });

  it("opens, uses and closes comms from both sides", async () => {
    await kernel.execute(`
      comms.registerTarget("echo", (comm, { data }) => {
        comm.send({ opened: data });
        comm.onMessage((message) => { console.log("got", message.data.n); comm.send({ n: message.data.n * 2 }); });
        comm.onClose(() => console.log("closed"));
      });`);
    const opened = await kernel.do("post", {
      type: "comm_open",
      content: { comm_id: "c1", target_name: "echo", data: { hello: 1 } },
    });
    const mine = (answer: { events: { mine: boolean; type: string; content: unknown }[] }) =>
      answer.events.filter((event) => event.mine).map(({ type, content }) => [type, content]);
    expect(mine(opened)).toEqual([
      ["status", { execution_state: "busy" }],
      ["comm_msg", { comm_id: "c1", data: { opened: { hello: 1 } } }],
      ["status", { execution_state: "idle" }],
    ]);
    expect((await kernel.request("comm_info_request", { target_name: "echo" })).reply.content.comms).toEqual({
      c1: { target_name: "echo" },
    });
    const message = await kernel.do("post", { type: "comm_msg", content: { comm_id: "c1", data: { n: 21 } } });
    expect(mine(message).slice(1, -1)).toEqual([
      ["stream", { name: "stdout", text: "got 21\n" }],
      ["comm_msg", { comm_id: "c1", data: { n: 42 } }],
    ]);
    const closed = await kernel.do("post", { type: "comm_close", content: { comm_id: "c1", data: {} } });
    expect(mine(closed)[1]).toEqual(["stream", { name: "stdout", text: "closed\n" }]);
    const unknown = await kernel.do("post", {
      type: "comm_open",
      content: { comm_id: "c2", target_name: "nobody", data: {} },
    });
    expect(mine(unknown)[1]).toEqual(["comm_close", { comm_id: "c2", data: {} }]);
    const ours = await kernel.execute('const ours = comms.open("front", { a: 1 }); ours.send({ b: 2 }); ours.close();');
    expect(golden(ours).slice(2, -2)).toEqual(["comm_open", "comm_msg", "comm_close"]);
    expect((await kernel.request("comm_info_request")).reply.content.comms).toEqual({});
  });

  it("shows a progress bar and a slider as widgets with a text beside them", async () => {
    const bar = await kernel.execute(
      'const bar = widgets.progress({ total: 4, description: "Train" }); for (let i = 1; i <= 4; i++) bar.update(i);',
    );
    const models = bar.events
      .filter(({ type }) => type === "comm_open")
      .map(({ content }) => content.data.state._model_name);
    expect(models).toEqual(["LayoutModel", "ProgressStyleModel", "FloatProgressModel"]);
    const shown = bar.events.filter(({ type }) => /display_data$/.test(type));
    expect(Object.keys(shown[0]?.content.data)).toEqual(["application/vnd.jupyter.widget-view+json", "text/plain"]);
    expect(shown.at(-1)?.content.data["text/plain"]).toBe(`Train ${"█".repeat(30)} 100 % (4/4)`);
    const slider = await kernel.execute(
      "const slider = widgets.slider({ min: 0, max: 9, value: 3, onChange: (value) => console.log('moved', value) });",
    );
    const id = slider.events.filter(({ type }) => type === "comm_open").at(-1)?.content.comm_id;
    const moved = await kernel.do("post", {
      type: "comm_msg",
      content: { comm_id: id, data: { method: "update", state: { value: 7 }, buffer_paths: [] } },
    });
    expect(
      moved.events
        .filter(({ type }: { type: string }) => type === "stream")
        .map(({ content }: { content: { text: string } }) => content.text),
    ).toEqual(["moved 7\n"]);
    expect(resultOf(await kernel.execute("slider.value"))).toBe("7");
    // Both generations of the front-end find a version that they have.
    const state = slider.events.filter(({ type }) => type === "comm_open").at(-1)?.content.data.state;
    expect(state).toMatchObject({
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "^1.5.0 || ^2.0.0",
    });
  });

  it("tells a page that is loaded again of the widgets that there are", async () => {
    const slider = await kernel.execute("const again = widgets.slider({ value: 1 }); again.value = 4;");
    const id = slider.events.filter(({ type }) => type === "comm_open").at(-1)?.content.comm_id;
    // ipywidgets 8 asks for all at once, 7 for one after the other.
    await kernel.do("post", {
      type: "comm_open",
      content: { comm_id: "ctl", target_name: "jupyter.widget.control", data: {} },
    });
    const ask = async (comm_id: string, method: string) => {
      const { events } = await kernel.do("post", { type: "comm_msg", content: { comm_id, data: { method } } });
      // biome-ignore lint/suspicious/noExplicitAny: widget messages are plain JSON
      return events.find(({ type }: any) => type === "comm_msg").content.data;
    };
    const all = await ask("ctl", "request_states");
    expect(all.method).toBe("update_states");
    expect(all.states[id]).toMatchObject({
      model_name: "IntSliderModel",
      state: { value: 4, _model_name: "IntSliderModel" },
    });
    expect(all.states[all.states[id].state.layout.replace("IPY_MODEL_", "")]).toMatchObject({
      model_name: "LayoutModel",
    });
    expect(await ask(id, "request_state")).toMatchObject({
      method: "update",
      state: { value: 4, _view_name: "IntSliderView" },
    });
    await kernel.execute("again.close()");
    expect(Object.keys((await ask("ctl", "request_states")).states)).not.toContain(id);
    await kernel.do("post", { type: "comm_close", content: { comm_id: "ctl", data: {} } });
  });

  it("survives messages that are no messages, and drops those that are signed with another key", async () => {
    await kernel.do("raw", { frames: ["no delimiter"] });
    await kernel.do("raw", { frames: ["<IDS|MSG>", "bad signature", "{}", "{}", "{}", "{}"] });
    await kernel.do("raw", { frames: ["<IDS|MSG>"] });
    await kernel.do("raw", { frames: [], key: "another key" });
    expect(resultOf(await kernel.execute("1 + 2"))).toBe("3");
    expect(kernel.stderr).toContain("Message dropped: no delimiter <IDS|MSG>");
    expect(kernel.stderr).toContain("wrong signature: the sender's key is not the one in the connection file");
  });

  it("welcomes a subscriber", async () => {
    expect(await kernel.do("welcome")).toEqual({ type: "iopub_welcome", content: { subscription: "" } });
  });

  it("answers a shutdown and goes", async () => {
    const leaving = await KernelUnderTest.start();
    try {
      const { reply, alive } = await leaving.do("shutdown", { restart: true });
      expect(reply).toEqual({ status: "ok", restart: true });
      expect(alive).toBe(false);
    } finally {
      await leaving.close();
    }
  });
});

describe.runIf(pythonHas("jupyter_client"))("the protocol over ipc", () => {
  it("runs cells and shuts down without a port", async () => {
    const kernel = await KernelUnderTest.start({ transport: "ipc" });
    try {
      expect(golden(await kernel.execute("console.log(1); 2"))).toEqual([
        "busy",
        "input [1]",
        "stdout: 1\\n",
        "result [1] 2",
        "idle",
        "reply ok",
      ]);
      expect((await kernel.do("shutdown")).alive).toBe(false);
    } finally {
      await kernel.close();
    }
  });
});
