"""Uses the console as a person at a terminal does, with Debian's pexpect; prints what the terminal showed.

Usage: console_terminal.py NODE ENTRY FOLDER
"""
import os
import sys

import pexpect

node, entry, folder = sys.argv[1:]
shown = []


class Log:
    def write(self, text):
        shown.append(text)

    def flush(self):
        pass


program = 'import("%s").then((kernel) => kernel.runConsole())' % entry
environment = dict(os.environ, TERM="xterm", CONVBOOK_HISTORY=os.path.join(folder, "history.jsonl"))
console = pexpect.spawn(node, ["-e", program], cwd=folder, env=environment, dimensions=(40, 100), encoding="utf8", timeout=40)
console.logfile_read = Log()


def type_(text, expected):
    console.send(text)
    console.expect(expected)


console.expect(r"In \[1\]: ")
type_("const size = 6 * 7\r", r"In \[2\]: ")
type_("siz\t", "size")
type_(" + 1\r", r"In \[3\]: ")
type_("this is given up", "given up")
type_("\x03", r"\^C[^\n]*\n[^\n]*In \[3\]: ")
type_("function f() {\r", r"\.\.\.: ")
type_("const local = 1; return loc\t", "local")
type_("\r", r"\.\.\.: ")
type_("}\r", r"In \[4\]: ")
type_("Math.max?\r", r"In \[5\]: ")
type_("console.log('go' + 'ing'); while (true) {}\r", "going")
console.sendcontrol("c")
console.expect(r"KeyboardInterrupt[^$]*In \[6\]: ")
type_("const shown = display('one'); shown.update('two');\r", r"In \[7\]: ")
type_("\x1b[A", "shown.update")
type_("\x03", r"In \[7\]: ")
console.send("exit\r")
console.expect(pexpect.EOF)
sys.stdout.write("".join(shown))
