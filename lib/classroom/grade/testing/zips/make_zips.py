"""Zips as other programs write them. Called in this folder: python3 make_zips.py (it needs Info-ZIP's zip, too).

Each holds x.ipynb with "{}", or what its name says.
"""

import os
import struct
import subprocess
import warnings
import zipfile

THEN = (2026, 1, 1, 0, 0, 0)


def info(name, system=3, mode=0o100644):
    entry = zipfile.ZipInfo(name, THEN)
    entry.create_system = system
    entry.external_attr = mode << 16
    return entry


def write(path, *files, compression=zipfile.ZIP_DEFLATED):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in files:
                archive.writestr(entry, text, compression)


def renamed(path, old, new):
    """Puts other bytes in the place of a name, which says of itself nothing."""
    with open(path, "rb") as file:
        data = file.read()
    assert data.count(old) == 2 and len(old) == len(new)
    with open(path, "wb") as file:
        file.write(data.replace(old, new))


write("links.zip", (info("x.ipynb"), "{}"), (info("way.txt", mode=0o120777), "/etc/passwd"))
write("ways.zip", (info("/root/x.ipynb"), "{}"), (info("../out.txt"), "x"), (info("C:/drive.txt"), "x"))
write("twice.zip", (info("x.ipynb"), "first"), (info("x.ipynb"), "{}"))
write("lzma.zip", (info("x.ipynb"), "{}"), (info("y.txt"), "y" * 99), compression=zipfile.ZIP_LZMA)
write("dotnet.zip", (info("own/x.ipynb", system=0), "{}"), (info("own/y.txt", system=0), "y"))
for name in (b"x.ipynb", b"y.txt"):
    renamed("dotnet.zip", b"own/" + name, b"own\\" + name)
write("dos.zip", (info("Zo1/x.ipynb", system=0), "{}"), (info("bo/x.ipynb", system=0), "{}"))
renamed("dos.zip", b"Zo1/", "Zoë/".encode("cp437"))
write("macos.zip", (info("Zo12/x.ipynb"), "{}"), (info("bo/x.ipynb"), "{}"))
renamed("macos.zip", b"Zo12/", "Zoë/".encode())
write("utf8.zip", (info("Zoë/x.ipynb"), "{}"), (info("bo/x.ipynb"), "{}"))

with zipfile.ZipFile("zip64.zip", "w") as archive:
    with archive.open(info("x.ipynb"), "w", force_zip64=True) as file:
        file.write(b"{}")
# As a zip of more than 4 GiB has it: sizes and place in the entry's extra field, and the end in a record of its own.
with open("zip64.zip", "rb") as file:
    data = bytearray(file.read())
start = data.index(b"PK\x01\x02")
tail = data.index(b"PK\x05\x06")
size, packed = struct.unpack_from("<II", data, start + 24)[0], struct.unpack_from("<I", data, start + 20)[0]
extra = struct.pack("<HHQQQ", 1, 24, size, packed, 0)
entry = bytearray(data[start : start + 46 + len("x.ipynb")])
struct.pack_into("<II", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
struct.pack_into("<H", entry, 30, len(extra))
struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
entry += extra
end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), start)
locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(entry), 1)
end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
with open("zip64.zip", "wb") as file:
    file.write(data[:start] + entry + end64 + locator + end)
with zipfile.ZipFile("zip64.zip") as archive:
    assert archive.read("x.ipynb") == b"{}"

with open("x.ipynb", "w") as file:
    file.write("{}")
if os.path.exists("locked.zip"):
    os.remove("locked.zip")
subprocess.run(["zip", "-q", "-X", "-P", "secret", "locked.zip", "x.ipynb"], check=True)
os.remove("x.ipynb")
