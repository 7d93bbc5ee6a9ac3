"""Drives the kernel with Debian's jupyter_client: commands as JSON lines on stdin, what happened as JSON lines on stdout.

Usage: driver.py KERNELSPEC_FOLDER WORKING_FOLDER tcp|ipc NAME
"""
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager


# Seconds; only against what hangs: a busy machine may take its time.
LIMIT = 300


class Manager(KernelManager):
    """A manager of a kernel whose kernelspec is not installed."""

    resource_dir = ""

    @property
    def kernel_spec(self):
        return KernelSpec.from_resource_dir(self.resource_dir)


def event(message):
    return {
        "type": message["msg_type"],
        "content": message["content"],
        "parent": message["parent_header"].get("msg_id"),
        "metadata": message["metadata"],
        "buffers": [bytes(buffer).hex() for buffer in message.get("buffers", [])],
    }


class Driver:
    def __init__(self, resource_dir, cwd, transport, name):
        self.manager = Manager(kernel_name=name)
        self.manager.resource_dir = resource_dir
        if transport == "ipc":
            self.manager.transport = "ipc"
            self.manager.ip = os.path.join(tempfile.mkdtemp(), "kernel")
        started = time.time()
        self.manager.start_kernel(cwd=cwd)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)
        self.ready = time.time() - started

    def collect(self, msg_id, timeout, channel="shell", inputs=(), interrupt_after=None, interrupt_when=None, interrupt_again=None, sigint=False):
        """
        All of iopub until the idle of msg_id, and the reply. An interrupt comes interrupt_after seconds after the cell has begun: after it
        printed the text interrupt_when, or else after the kernel said that it executes it. The first may take as long as it does on any machine.
        """
        events, inputs = [], list(inputs)
        begun, over = threading.Event(), threading.Event()
        self.interrupted_at = None
        deadline = time.time() + timeout
        stop = None
        if interrupt_after is not None:
            def interrupt():
                begun.wait()
                for wait in (interrupt_after, interrupt_again):
                    if wait is None or over.wait(wait):
                        continue
                    self.interrupted_at = time.time()
                    if sigint:
                        os.kill(self.manager.provisioner.process.pid, signal.SIGINT)
                    else:
                        control = self.client.session.msg("interrupt_request", {})
                        self.client.control_channel.send(control)
            stop = threading.Thread(target=interrupt)
            stop.start()
        idle = False
        while not idle:
            if time.time() > deadline:
                over.set()
                begun.set()
                return {"timeout": True, "events": events}
            try:
                question = self.client.get_stdin_msg(timeout=0)
                events.append({**event(question), "channel": "stdin"})
                if inputs:
                    self.client.input(inputs.pop(0))
            except queue.Empty:
                pass
            try:
                message = self.client.get_iopub_msg(timeout=0.02)
            except queue.Empty:
                continue
            item = event(message)
            item["mine"] = item["parent"] == msg_id
            events.append(item)
            if item["mine"] and (
                item["type"] == "execute_input" if interrupt_when is None
                else item["type"] == "stream" and interrupt_when in item["content"]["text"]
            ):
                begun.set()
            idle = item["mine"] and item["type"] == "status" and item["content"]["execution_state"] == "idle"
        ended = time.time()
        if stop is not None:
            over.set()
            begun.set()
            stop.join()
        get = self.client.get_shell_msg if channel == "shell" else self.client.get_control_msg
        reply = None
        while reply is None:
            message = get(timeout=max(0.1, deadline - time.time()))
            if message["parent_header"].get("msg_id") == msg_id:
                reply = message
        result = {"events": events, "reply": {"type": reply["msg_type"], "content": reply["content"]}, "id": msg_id}
        if self.interrupted_at is not None:
            result["stopped_after"] = ended - self.interrupted_at
        return result

    def execute(self, command):
        msg_id = self.client.execute(
            command["code"],
            silent=command.get("silent", False),
            store_history=command.get("store_history", True),
            user_expressions=command.get("user_expressions"),
            allow_stdin=command.get("allow_stdin", False),
            stop_on_error=command.get("stop_on_error", True),
        )
        return self.collect(
            msg_id,
            command.get("timeout", LIMIT),
            inputs=command.get("inputs", ()),
            interrupt_after=command.get("interrupt_after"),
            interrupt_when=command.get("interrupt_when"),
            interrupt_again=command.get("interrupt_again"),
            sigint=command.get("sigint", False),
        )

    def many(self, command):
        """Sends all cells at once, then collects them one after another."""
        options = {"stop_on_error": command.get("stop_on_error", True)}
        ids = [self.client.execute(code, **options) for code in command["cells"]]
        results = []
        for msg_id in ids:
            results.append(self.collect(msg_id, command.get("timeout", LIMIT)))
        return {"results": results}

    def request(self, command):
        channel = command.get("channel", "shell")
        message = self.client.session.msg(command["type"], command.get("content", {}), metadata=command.get("metadata"))
        getattr(self.client, channel + "_channel").send(message)
        return self.collect(message["header"]["msg_id"], command.get("timeout", LIMIT), channel)

    def post(self, command):
        """A message that has no reply, such as comm_msg; everything until its idle. After it printed interrupt_when, an interrupt is sent."""
        message = self.client.session.msg(command["type"], command.get("content", {}))
        self.client.shell_channel.send(message)
        events = []
        while True:
            item = event(self.client.get_iopub_msg(timeout=command.get("timeout", LIMIT)))
            item["mine"] = item["parent"] == message["header"]["msg_id"]
            events.append(item)
            if item["mine"] and item["type"] == "stream" and command.get("interrupt_when", "\0") in item["content"]["text"]:
                self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))
            if item["mine"] and item["type"] == "status" and item["content"]["execution_state"] == "idle":
                return {"events": events}

    def listen(self, command):
        """What comes on iopub within a time."""
        events, deadline = [], time.time() + command["seconds"]
        while time.time() < deadline:
            try:
                events.append(event(self.client.get_iopub_msg(timeout=0.05)))
            except queue.Empty:
                pass
        return {"events": events}

    def during(self, command):
        """Requests while a cell runs: sends the cell, waits, sends the requests, and says in which order all ended."""
        msg_id = self.client.execute(command["code"])
        time.sleep(command.get("wait", 0.3))
        replies = []
        for request in command["requests"]:
            message = self.client.session.msg(request["type"], request.get("content", {}))
            start = time.time()
            self.client.shell_channel.send(message)
            reply = self.client.get_shell_msg(timeout=LIMIT)
            replies.append({"type": reply["msg_type"], "content": reply["content"], "seconds": time.time() - start})
        return {"replies": replies, "cell": self.collect(msg_id, command.get("timeout", LIMIT))}

    def debug(self, command):
        """A DAP conversation around a cell: sends `before`, starts the cell, and at each stop sends the next `stops`."""
        sequence, answers, stops = [0], [], []

        def ask(request):
            sequence[0] += 1
            message = self.client.session.msg(
                "debug_request", {"type": "request", "seq": sequence[0], **request}
            )
            self.client.control_channel.send(message)
            while True:
                reply = self.client.get_control_msg(timeout=LIMIT)
                if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                    answers.append(reply["content"])
                    return reply["content"]

        path = ask({"command": "dumpCell", "arguments": {"code": command["code"]}})["body"]["sourcePath"]
        for request in command["before"]:
            text = json.dumps(request).replace("$PATH", path)
            ask(json.loads(text))
        msg_id = self.client.execute(command["code"])
        todo, outputs = list(command["stops"]), []
        while True:
            message = self.client.get_iopub_msg(timeout=LIMIT)
            if message["msg_type"] == "debug_event" and message["content"]["event"] == "stopped":
                stack = ask({"command": "stackTrace", "arguments": {"threadId": 1}})["body"]["stackFrames"]
                scopes = ask({"command": "scopes", "arguments": {"frameId": 0}})["body"]["scopes"]
                variables = {}
                for scope in scopes:
                    found = ask({"command": "variables", "arguments": {"variablesReference": scope["variablesReference"]}})
                    for variable in found["body"].get("variables", []):
                        variables.setdefault(variable["name"], variable["value"])
                evaluated = None
                step = todo.pop(0)
                if "evaluate" in step:
                    evaluated = ask({"command": "evaluate", "arguments": {"expression": step["evaluate"], "frameId": 0}})
                stops.append({
                    "reason": message["content"]["body"]["reason"],
                    "frames": [[frame["name"], frame["line"]] for frame in stack],
                    "variables": variables,
                    "evaluated": evaluated and evaluated["body"].get("result"),
                })
                if step["go"] == "interrupt":
                    self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))
                else:
                    ask({"command": step["go"], "arguments": {"threadId": 1}})
            elif message["parent_header"].get("msg_id") == msg_id:
                outputs.append(event(message))
                if message["content"].get("execution_state") == "idle":
                    break
        for request in command.get("after", []):
            ask(request)
        return {"answers": answers, "stops": stops, "events": outputs}

    def raw(self, command):
        """Frames as they are, on the shell channel: to see that rubbish is survived."""
        frames = [bytes(frame, "utf8") for frame in command["frames"]]
        if command.get("key") is not None:
            session = type(self.client.session)(key=command["key"].encode())
            message = session.msg("kernel_info_request", {})
            frames = session.serialize(message)
        self.client.shell_channel.socket.send_multipart(frames)
        return {}

    def replay(self, command):
        """The same signed request sent twice, then another cell: what was executed."""
        content = {"code": command["code"], "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = self.client.session.msg("execute_request", content)
        frames = self.client.session.serialize(message)
        for _ in range(2):
            self.client.shell_channel.socket.send_multipart(frames)
        first = self.collect(message["header"]["msg_id"], 60)
        return {"first": first, "second": self.execute({"code": command["next"]})}

    def welcome(self, _command):
        """What a fresh subscriber gets first."""
        import zmq
        from jupyter_client.session import Session

        socket = zmq.Context.instance().socket(zmq.SUB)
        socket.subscribe(b"")
        info = self.manager.get_connection_info()
        at = "tcp://%s:%d" if info["transport"] == "tcp" else "ipc://%s-%d"
        socket.connect(at % (info["ip"], info["iopub_port"]))
        try:
            if not socket.poll(5000):
                return {"type": None}
            # A session of its own: the client's gets the same message, and takes a second one for a replay.
            session = Session(key=self.client.session.key)
            _, frames = session.feed_identities(socket.recv_multipart())
            message = session.deserialize(frames)
            return {"type": message["msg_type"], "content": message["content"]}
        finally:
            socket.close(0)

    def shutdown(self, command):
        message = self.client.session.msg("shutdown_request", {"restart": command.get("restart", False)})
        self.client.control_channel.send(message)
        reply = self.client.get_control_msg(timeout=LIMIT)
        started = time.time()
        while self.manager.is_alive() and time.time() - started < 10:
            time.sleep(0.01)
        return {"reply": reply["content"], "alive": self.manager.is_alive(), "seconds": time.time() - started}


def main():
    driver = Driver(*sys.argv[1:5])
    print(json.dumps({"ready": driver.ready, "pid": driver.manager.provisioner.process.pid}), flush=True)
    try:
        for line in sys.stdin:
            command = json.loads(line)
            try:
                answer = getattr(driver, command["do"])(command)
            except Exception as error:  # the test shows it
                answer = {"failed": "%s: %s" % (type(error).__name__, error)}
            print(json.dumps(answer), flush=True)
    finally:
        driver.client.stop_channels()
        if driver.manager.is_alive():
            driver.manager.shutdown_kernel(now=True)


main()
