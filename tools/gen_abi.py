#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write what follows from ccore.h: the ctypes declarations and the ABI hash.

    tools/gen_abi.py            write both files
    tools/gen_abi.py --check    write nothing; exit 1 when one of them is stale

The header is read by clang, as JSON. Only a few types may appear in it; anything else
stops the generator, which names it; so this is also the header's linter.
Both outputs are committed: who builds or uses the library needs no clang.
"""

import hashlib
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = "ccore/include/ccore.h"
BINDING = "gdbext/necropy_gdb/_abi.py"
HASH_HEADER = "ccore/api/abi_hash.h"

SCALARS = {
    "int32_t": "c_int32",
    "uint32_t": "c_uint32",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "double": "c_double",
}
POINTERS = {
    "void *": "c_void_p",
    "const void *": "c_void_p",
    "const char *": "c_char_p",
    "const char **": "POINTER(c_char_p)",
    "const char *const *": "POINTER(c_char_p)",
}


class Refused(Exception):
    """Something in the header that a binding cannot or should not carry."""


class Api:
    """The declarations of the header, in its order."""

    def __init__(self):
        self.enums = []      # (name, [(constant, value)])
        self.structs = []    # (name, [(field, C type)]), defined ones
        self.opaque = []     # names of structs that are only declared
        self.callbacks = []  # (name, C return type, [C type])
        self.functions = []  # (name, C return type, [C type])


# --- reading the header

def read_ast(header):
    """clang's tree of `header`, parsed as C11."""
    command = ["clang", "-x", "c", "-std=c11", "-Xclang", "-ast-dump=json", "-fsyntax-only", header]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode("utf-8"))


def is_ours(node):
    """True for what the header itself declares, not what it includes or clang predefines."""
    place = node.get("loc", {})
    place = place.get("expansionLoc", place)
    return "offset" in place and "includedFrom" not in place


def read_api(ast):
    """The Api in clang's tree; Refused for a declaration of another kind or prefix."""
    api = Api()
    readers = {
        "EnumDecl": read_enum,
        "RecordDecl": read_struct,
        "TypedefDecl": read_callback,
        "FunctionDecl": read_function,
    }
    for node in ast["inner"]:
        if not is_ours(node):
            continue
        name = node.get("name", "")
        if node["kind"] not in readers:
            raise Refused("%s %s: only enums, structs, callback types and functions" %
                          (node["kind"], name))
        if not name.startswith("ccore_"):
            raise Refused("%s %r: public names begin with ccore_" % (node["kind"], name))
        readers[node["kind"]](node, api)
    defined = [name for name, _ in api.structs]
    api.opaque = [name for name in api.opaque if name not in defined]
    return api


def children(node, kind):
    return [n for n in node.get("inner", ()) if n["kind"] == kind]


def c_type_of(node):
    """The declared type, spelled alike by every clang: some write "char [4]", some "char[4]"."""
    return node["type"]["qualType"].replace(" [", "[")


def read_enum(node, api):
    constants, following = [], 0
    for constant in children(node, "EnumConstantDecl"):
        given = [int(n["value"]) for n in constant.get("inner", ()) if "value" in n]
        value = given[0] if given else following
        following = value + 1
        constants.append((constant["name"], value))
    api.enums.append((node["name"], constants))


def read_struct(node, api):
    if node["tagUsed"] != "struct":
        raise Refused("%s %s: only structs" % (node["tagUsed"], node["name"]))
    if not node.get("completeDefinition"):
        if node["name"] not in api.opaque:
            api.opaque.append(node["name"])
        return
    fields = []
    for field in children(node, "FieldDecl"):
        if field.get("isBitfield"):
            raise Refused("%s.%s: no bit fields" % (node["name"], field.get("name")))
        fields.append((field["name"], c_type_of(field)))
    api.structs.append((node["name"], fields))


def read_callback(node, api):
    match = re.match(r"(.*) \(\*\)\((.*)\)$", node["type"]["qualType"])
    if not match:
        raise Refused("typedef %s: only types of callbacks" % node["name"])
    api.callbacks.append((node["name"], match.group(1), match.group(2).split(", ")))


def read_function(node, api):
    if not children(node, "VisibilityAttr"):
        raise Refused("%s: CCORE_API is missing" % node["name"])
    if node.get("variadic"):
        raise Refused("%s: no variable arguments" % node["name"])
    result = node["type"]["qualType"].split("(")[0].strip()
    arguments = [c_type_of(n) for n in children(node, "ParmVarDecl")]
    api.functions.append((node["name"], result, arguments))


# --- C types in ctypes

class Types:
    """Translates C types to expressions of ctypes; knows which names it has used."""

    def __init__(self, api):
        self.structs = set(api.opaque) | set(name for name, _ in api.structs)
        self.callbacks = set(name for name, _, _ in api.callbacks)
        self.used = set()

    def of(self, c_type, where):
        """The ctypes expression for `c_type`; Refused, naming `where`, when there is none."""
        text = self._translate(c_type)
        if text is None:
            raise Refused("%s: type '%s' is not among those allowed" % (where, c_type))
        self.used.update(re.findall(r"\b(?:c_\w+|POINTER|CFUNCTYPE)\b", text))
        return text

    def of_result(self, c_type, where):
        return "None" if c_type == "void" else self.of(c_type, where)

    def _translate(self, c_type):
        if c_type in SCALARS:
            return SCALARS[c_type]
        if c_type in POINTERS:
            return POINTERS[c_type]
        if c_type in self.callbacks:
            return c_type
        array = re.match(r"char\[(\d+)\]$", c_type)
        if array:
            return "c_char * " + array.group(1)
        scalar = re.match(r"(\w+) \*$", c_type)
        if scalar and scalar.group(1) in SCALARS:
            return "POINTER(%s)" % SCALARS[scalar.group(1)]
        struct = re.match(r"(?:const )?struct (\w+) (\*\*?)$", c_type)
        if struct and struct.group(1) in self.structs:
            return "POINTER(" * len(struct.group(2)) + struct.group(1) + ")" * len(struct.group(2))
        return None


# --- what is written

def canonical(api):
    """The declarations as plain lines, without comments and parameter names: what is hashed."""
    lines = []
    for name, constants in api.enums:
        lines.append("enum %s {%s}" % (name, ", ".join("%s=%d" % c for c in constants)))
    for name, fields in api.structs:
        lines.append("struct %s {%s}" % (name, "; ".join("%s: %s" % f for f in fields)))
    for name in api.opaque:
        lines.append("struct %s" % name)
    for kind, declared in (("callback", api.callbacks), ("function", api.functions)):
        for name, result, arguments in declared:
            lines.append("%s %s(%s) -> %s" % (kind, name, ", ".join(arguments), result))
    return "\n".join(lines) + "\n"


def abi_hash(api):
    """64 bits; another header gives another value."""
    digest = hashlib.sha256(canonical(api).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big")


def write_enums(api):
    lines = []
    for name, constants in api.enums:
        lines += ["", "# enum " + name]
        lines += ["%s = %d" % constant for constant in constants]
    return lines


def write_structs(api, types):
    """Opaque structs, callback types, then the others: each may refer to those before it."""
    lines = []
    for name in api.opaque:
        lines += ["", "", "class %s(Structure):" % name]
        lines.append('    """Opaque: only pointers to it exist."""')
    lines += ["", ""]
    for name, result, arguments in api.callbacks:
        parts = [types.of_result(result, name)] + [types.of(a, name) for a in arguments]
        lines.append("%s = CFUNCTYPE(%s)" % (name, ", ".join(parts)))
        types.used.add("CFUNCTYPE")
    for name, fields in api.structs:
        lines += ["", "", "class %s(Structure):" % name, "    _fields_ = ["]
        for field, c_type in fields:
            lines.append('        ("%s", %s),' % (field, types.of(c_type, name + "." + field)))
        lines.append("    ]")
    return lines


def write_prototypes(api, types):
    lines = ["# function: (type of the result, types of the arguments)", "PROTOTYPES = {"]
    for name, result, arguments in api.functions:
        lines += ['    "%s": (' % name, "        %s," % types.of_result(result, name), "        ("]
        lines += ["            %s," % types.of(a, name) for a in arguments]
        lines += ["        ),", "    ),"]
    return lines + ["}"]


def write_binding(api):
    """The text of _abi.py."""
    types = Types(api)
    body = write_enums(api) + write_structs(api, types)
    body += ["", "", "# in the order of ccore_sizeof()", "STRUCTS = ("]
    body += ["    %s," % name for name, _ in api.structs] + [")", ""]
    body += write_prototypes(api, types)
    head = [
        "# SPDX-License-Identifier: GPL-2.0-or-later",
        '"""ccore.h for ctypes. Generated by tools/gen_abi.py; do not edit."""',
        "",
        "from ctypes import (",
        "    Structure,",
    ]
    head += ["    %s," % name for name in sorted(types.used)]
    head += [")", "", "# ccore_abi_hash() of the header this was made from"]
    head += ["HASH = 0x%016x" % abi_hash(api)]
    return "\n".join(head + body) + "\n"


def write_hash_header(api):
    """The text of abi_hash.h."""
    return ("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
            "/* Generated by tools/gen_abi.py from ccore.h; do not edit. */\n"
            "#ifndef NECROPY_ABI_HASH_H\n"
            "#define NECROPY_ABI_HASH_H\n\n"
            "#define CCORE_ABI_HASH 0x%016xull\n\n"
            "#endif\n" % abi_hash(api))


def outputs(root):
    """{path relative to `root`: text}."""
    api = read_api(read_ast(os.path.join(root, HEADER)))
    return {BINDING: write_binding(api), HASH_HEADER: write_hash_header(api)}


def read(path):
    """The file's text, or None when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    try:
        written = outputs(ROOT)
    except Refused as error:
        sys.exit("%s: %s" % (HEADER, error))
    except FileNotFoundError:
        sys.exit("gen_abi.py: clang is not installed (Debian: apt install clang)")
    except subprocess.CalledProcessError:
        sys.exit("gen_abi.py: clang cannot read %s" % HEADER)
    stale = [p for p, text in sorted(written.items()) if read(os.path.join(ROOT, p)) != text]
    for path in stale:
        if arguments:
            print("%s is stale: run tools/gen_abi.py" % path, file=sys.stderr)
            continue
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
            file.write(written[path])
        print("wrote %s" % path)
    sys.exit(1 if stale and arguments else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
