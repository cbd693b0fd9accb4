"""Opens files of fits with Python's safetensors.

    python check.py FOLDER

Every tensor is read, the description is JSON of the version that docs/format.md documents, and the
checksum is that of the bytes before it. Exits with 1 where one is not.
"""

import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from safetensors import safe_open


def problem(path):
    """What is wrong with a file; nothing of one that is as documented."""
    with safe_open(path, framework="numpy") as file:
        description = json.loads(file.metadata()["bayes-nn"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if description.get("format") != 2:
        return f"the format is {description.get('format')}"
    content = path.read_bytes()
    if int(tensors.pop("checksum")[0]) != zlib.crc32(content[:-4]):
        return "the checksum is another"
    (length,) = struct.unpack("<Q", content[:8])
    if sum(tensor.nbytes for tensor in tensors.values()) + 4 + 8 + length != len(content):
        return "there are bytes of no tensor"
    kinds = {tensor.dtype.name for tensor in tensors.values()}
    if not kinds <= {"float32", "float64"}:
        return f"there are tensors of {kinds}"
    numbers = sum(tensor.size for tensor in tensors.values())
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        return "a number is not finite"
    print(f"{path.name:28} {len(tensors):3} tensors, {numbers} numbers")
    return None


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.bnn"))
    if not files:
        sys.exit("there are no files")
    problems = [f"{path.name}: {found}" for path in files if (found := problem(path))]
    sys.exit("\n".join(problems) or 0)


main()
