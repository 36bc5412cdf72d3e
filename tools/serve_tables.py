#!/usr/bin/env python3
"""The tables of doc/SERVE.md, made of what the program says of its interface.

  tools/serve_tables.py PROGRAM           writes them, between the marks that the page has
  tools/serve_tables.py PROGRAM --check   says whether they are as they would be written (tests/cli/openapi.sh)

The rows come from src/serve/routes.c, fields.c, idle.c and src/diffuse/params.c; `PROGRAM help --openapi` has all of them."""
import json
import os
import re
import subprocess
import sys

PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "doc", "SERVE.md")


def operations(api):
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def body_of(operation):
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")


def cell(text):
    return text.replace("|", "\\|")


def kind(schema):
    """What a value may be, in a few words."""
    if "title" in schema:
        return schema["title"]
    if "enum" in schema:
        return ", ".join(f"`{x}`" if x != "" else "nothing" for x in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(s) for s in schema["anyOf"]))
    name = schema.get("type", "any value")
    if name == "array":
        inner = kind(schema["items"]) if schema.get("items") else "value"
        return f"list: {inner}"
    low, high = schema.get("minimum"), schema.get("maximum")
    names = {"string": "text", "boolean": "flag", "integer": "whole number", "object": "object", "number": "number", "null": "null"}
    number = lambda x: f"{x:g}" if abs(x) < 1e6 else f"{int(x)}"  # noqa: E731
    spread = "" if low is None else f" from {number(low)}" + ("" if high is None else f" to {number(high)}")
    return names.get(name, name) + spread


def routes(api):
    groups = {}
    for path, method, operation in operations(api):
        groups.setdefault(operation["tags"][0], []).append((method, path, operation["summary"]))
    lines = ["| route | |", "|---|---|"]
    for group, rows in groups.items():
        lines.append(f"| **{group}** | |")
        lines += [f"| `{method} {path}` | {cell(summary)} |" for method, path, summary in rows]
    return lines


def fields(api):
    """A row for each field and meaning, with the paths that take it."""
    rows = {}
    for path, _, operation in operations(api):
        schema = body_of(operation)
        for name, value in (schema or {}).get("properties", {}).items():
            key = (name, value.get("description", ""))
            rows.setdefault(key, (value, []))[1].append(path)
    every = {path for path, _, operation in operations(api) if "allOf" in (body_of(operation) or {})}
    lines = ["| field | value | default | paths | |", "|---|---|---|---|---|"]
    for (name, help_), (schema, paths) in rows.items():
        where = "all that write" if set(paths) == every else ", ".join(f"`{p}`" for p in paths)
        if set(paths) > every:
            where = "all that write, " + ", ".join(f"`{p}`" for p in paths if p not in every)
        default = f"`{json.dumps(schema['default'])}`" if "default" in schema else ""
        lines.append(f"| `{name}` | {cell(kind(schema))} | {default} | {where} | {cell(help_)} |")
    return lines


def options(api):
    lines = ["| option | value | default | |", "|---|---|---|---|"]
    for name, schema in api["x-options"].items():
        default = f"`{json.dumps(schema['default'])}`" if "default" in schema else ""
        lines.append(f"| `{name}` | {cell(kind(schema))} | {default} | {cell(schema['description'])} |")
    return lines


def idle(api):
    lines = ["| field | asks for nothing as | |", "|---|---|---|"]
    for name, row in api["x-idle"].items():
        value = "any value" if row["neutral"] is None else f"`{json.dumps(row['neutral'])}`"
        lines.append(f"| `{name}` | {value} | {cell(row['description'])} |")
    return lines


def main():
    api = json.loads(subprocess.run([sys.argv[1], "help", "--openapi"], capture_output=True, check=True).stdout)
    with open(PAGE, encoding="utf-8") as f:
        old = f.read()
    new = old
    for name, make in ("routes", routes), ("fields", fields), ("options", options), ("idle", idle):
        begin, end = f"<!-- {name}: written by tools/serve_tables.py -->\n", f"<!-- end of {name} -->"
        if begin not in new or end not in new:
            raise SystemExit(f"{PAGE}: the marks of {name} are missing")
        new = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + "\n".join(make(api)) + "\n" + end, new, flags=re.S)
    if "--check" in sys.argv:
        if new != old:
            raise SystemExit("doc/SERVE.md: its tables are not those of the program: tools/serve_tables.py PROGRAM writes them")
        return
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(new)


main()
