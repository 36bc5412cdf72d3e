#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random schemas asked of a server, every answer judged by Python's jsonschema.

  python3 -m venv /tmp/v && /tmp/v/bin/pip install 'jsonschema[format]'
  /tmp/v/bin/python tools/judges/schemas.py build/redraft 1000 [SEED]

Half of them go to the built-in model, half to one with random weights, with samplers, temperatures and lengths in turn. An answer must
parse and be valid; a refusal must be for one of the reasons that there are: too little room, or no such text. Prints what failed, the
time that an answer in a form took against a free one of the same length and passes, and leaves with 1 where anything failed.
"""
import concurrent.futures
import json
import random
import sys
from pathlib import Path

import jsonschema

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/http"))
from serving import MODEL, Server  # noqa: E402

WORDS = ["name", "city", "größe", "a", "ab", "value", "is \"quoted\"", "x-y", "日本", "items"]
SAMPLERS = [{"sampler": "lad", "iterations": 3}, {"sampler": "low-confidence", "iterations": 8}, {"sampler": "threshold", "block_length": 32},
            {"sampler": "ar"}, {"sampler": "jacobi"}, {"sampler": "lad", "iterations": 3, "temperature": 0}]
PATTERNS = ["^[a-z]{2,5}$", "^\\d+(\\.\\d{2})?$", "[A-C]x", "^(ja|nein|vielleicht)$", "^\\w+ \\w+$", "^[^\"]{3}$", "é|ü"]


def string(r):
    kind = r.randrange(8)
    if kind == 5:
        return {"type": "string", "pattern": r.choice(PATTERNS[:2] + PATTERNS[4:]), "maxLength": r.randrange(3, 12)}
    if kind == 6:
        return {"type": "string", "pattern": "^(?=.*[a-z])(?!.*bad).{2,9}$", **r.choice([{}, {"minLength": 3}, {"not": {"enum": ["abc", "good"]}}])}
    if kind == 7:
        return {"type": "string", "format": r.choice(["uri", "duration", "ipv6", "hostname", "password"]), "maxLength": r.choice([20, 2083])}
    if kind == 0:
        return {"type": "string", "pattern": r.choice(PATTERNS)}
    if kind == 1:
        return {"type": "string", "format": r.choice(["date", "time", "date-time", "uuid", "email", "ipv4"])}
    if kind == 2:
        least = r.randrange(4)
        return {"type": "string", "minLength": least, "maxLength": least + r.randrange(12)}
    return {"type": "string"} if kind == 3 else {"type": "string", "maxLength": r.randrange(1, 20)}


def number(r):
    kind = r.choice(["integer", "number"])
    low = r.choice([r.randrange(-2000, 2000), round(r.uniform(-5, 5), r.randrange(4))])
    high = low + r.choice([r.randrange(1, 3000), 1 + round(r.random(), 2)])
    schema = {"type": kind}
    if r.random() < 0.2:
        return {**schema, "multipleOf": r.choice([1, 3, 10, 25] if kind == "integer" else [0.5, 0.25, 2]), "minimum": round(low), "maximum": round(low) + 3000}
    if r.random() < 0.6:
        schema[r.choice(["minimum", "exclusiveMinimum"])] = low
    if r.random() < 0.6:
        schema[r.choice(["maximum", "exclusiveMaximum"])] = high
    return schema


def value(r):
    return r.choice([None, True, 3, -1.25, "a", "b \"c\"", [1, "x"], {"k": "v", "n": [None]}])


def made(r, depth):
    """Schemas beside each other, and what takes more than one automaton."""
    kind = r.randrange(11)
    if kind >= 7:
        return conditional(r, kind, depth)
    if kind == 0:
        return {"allOf": [obj(r, depth), {"type": "object", "properties": {"kind": schema(r, 0), "name": True}, "required": ["kind"]}],
                **r.choice([{}, {"unevaluatedProperties": False}, {"unevaluatedProperties": schema(r, 0)}])}
    if kind == 1:
        return {**obj(r, depth), "anyOf": [{"required": ["a"], "properties": {"a": schema(r, 0)}}, {"minProperties": 1}]}
    if kind == 2:
        return {"type": "array", "items": r.choice([{"enum": ["a", "b", 3, None]}, {"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": 20}]),
                "uniqueItems": True, "minItems": r.randrange(3)}
    if kind == 3:
        return {"type": "object", "patternProperties": {"^x": schema(r, 0), "^[0-9]{2}$": schema(r, 0)}, "properties": {"x-y": schema(r, 0)},
                **r.choice([{}, {"additionalProperties": False}, {"additionalProperties": schema(r, 0)}])}
    if kind == 4:
        return {"type": "object", "propertyNames": r.choice([{"enum": ["a", "city"]}, {"pattern": "^[a-z]{1,4}$"}, {"maxLength": 3}]),
                "additionalProperties": schema(r, 0), **r.choice([{}, {"minProperties": 1}, {"maxProperties": 2}])}
    if kind == 5:
        return {"enum": ["a", "abc", 1, 7, None, 2.5], "minLength": 2, "minimum": 2, **r.choice([{}, {"type": ["string", "number"]}])}
    return {"allOf": [number(r), {"not": {"type": "string"}}, {"maximum": 4000}]}


def conditional(r, kind, depth):
    """One thing or another, and what is counted."""
    names = r.sample(WORDS[:4] + WORDS[5:6], 3)
    made = {"type": "object", "properties": {n: schema(r, 0) for n in names}, **r.choice([{}, {"additionalProperties": False}])}
    if kind == 7:
        tag = {"enum": ["x", "y", "z"]} if r.random() < 0.5 else {"type": "string", "maxLength": 4}
        made["properties"] = {names[0]: tag, names[1]: {"type": ["string", "null"]}, names[2]: {"type": "integer"}}
        return {**made, "if": {"properties": {names[0]: r.choice([{"const": "x"}, {"enum": ["y", "z"]}, {"minLength": 2}])}, **r.choice([{}, {"required": names[:1]}])},
                "then": {"required": names[1:2]}, **r.choice([{}, {"else": {"required": names[2:], "properties": {names[2]: {"minimum": 5}}}}])}
    if kind == 8:
        return {**made, **r.choice([{"dependentRequired": {names[0]: names[1:2], names[2]: names[:1]}}, {"dependencies": {names[1]: [names[0]]}},
                                    {"dependentSchemas": {names[0]: {"required": names[1:]}}}, {"oneOf": [{"required": names[:1]}, {"required": names[1:2]}]},
                                    {"not": {"required": names[:2]}}, {"minProperties": 2}, {"maxProperties": 2}, {"minProperties": 1, "maxProperties": 1}])}
    if kind == 9:
        least = r.randrange(3)
        return {"type": "array", "items": r.choice([{"type": ["integer", "null"]}, {"enum": ["a", "b", 5]}, True]),
                "contains": r.choice([{"type": "integer"}, {"enum": ["a", 5]}, {"type": "null"}]), "minContains": least,
                **r.choice([{}, {"maxContains": least + 1}]), **r.choice([{}, {"maxItems": 4}])}
    return r.choice([{"type": "integer", "oneOf": [{"maximum": 10}, {"minimum": 5}]}, {"type": ["string", "integer"], "not": {"enum": ["a", 7, 9]}, "maxLength": 5},
                     {"type": "string", "not": {"anyOf": [{"const": "b"}, {"pattern": "^a"}]}, "maxLength": 6}, {"oneOf": [{"type": "string"}, {"enum": ["a", 3]}]},
                     {"type": "array", "items": {"enum": [1, 2]}, "not": {"items": {"const": 1}}}])


def schema(r, depth):
    """A schema; those that are deep have no schemas in them."""
    if r.random() < 0.2:
        return made(r, max(depth - 1, 0))
    kind = r.randrange(12 if depth > 0 else 7)
    if kind < 2:
        return string(r)
    if kind < 4:
        return number(r)
    if kind == 4:
        return {"type": r.choice(["boolean", "null", ["boolean", "null"], ["integer", "null"], ["string", "boolean"]])}
    if kind == 5:
        return {"enum": [value(r) for _ in range(r.randrange(1, 5))]}
    if kind == 6:
        return {"const": value(r)}
    if kind == 7 and r.random() < 0.4:
        return {"oneOf": [{"type": "object", "properties": {"kind": {"const": tag}, "v": schema(r, depth - 1)}, "required": ["kind", "v"]}
                          for tag in r.sample(WORDS, r.randrange(1, 4))]}
    if kind == 7:
        return {"anyOf": [schema(r, depth - 1) for _ in range(r.randrange(1, 4))]}
    if kind == 8:
        least = r.randrange(3)
        bounds = r.choice([{}, {"minItems": least}, {"minItems": least, "maxItems": least + r.randrange(3)}, {"maxItems": 2}])
        return {"type": "array", "items": schema(r, depth - 1), **bounds}
    if kind == 9:
        prefix = [schema(r, depth - 1) for _ in range(r.randrange(1, 3))]
        return {"type": "array", "prefixItems": prefix, r.choice(["items", "unevaluatedItems"]): False, "minItems": r.randrange(len(prefix) + 1)}
    return obj(r, depth)


def obj(r, depth):
    names = r.sample(WORDS, r.randrange(5))
    depth = max(depth, 1)
    made = {"type": "object", "properties": {name: schema(r, depth - 1) for name in names}, "required": [n for n in names if r.random() < 0.6]}
    more = r.randrange(5)
    if more == 4:
        made["unevaluatedProperties"] = r.random() < 0.3 and schema(r, 0)
    elif more == 0:
        made["additionalProperties"] = schema(r, 0)
    elif more == 1:
        made["additionalProperties"] = True
    else:
        made["additionalProperties"] = False
    return made


def whole(r):
    made = schema(r, 3) if r.random() < 0.3 else obj(r, 3)
    if r.random() < 0.3:
        made = {"anyOf": [made, {"$ref": "#/$defs/a"}], "$defs": {"a": {
            "type": "object", "properties": {"v": schema(r, 1), "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}]}},
            "required": ["v", "next"], "additionalProperties": False}}}
    return made


def ask(server, number, seed):
    """(what failed or None, why it was refused or None)"""
    r = random.Random(f"{seed} {number}")
    form = whole(r)
    jsonschema.Draft202012Validator.check_schema(form)
    body = {"messages": [{"role": "user", "content": r.choice(["Who is Alice?", "What is the capital of France?", "Hi"])}], "seed": number,
            "max_tokens": r.choice([40, 90, 160]), "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": form}}, **r.choice(SAMPLERS)}
    status, _, answer = server.ask("/v1/chat/completions", body)
    if status != 200:
        message = answer["error"]["message"] if isinstance(answer, dict) else str(answer)
        known = status == 400 and ("has room for" in message or "no text has this form" in message or
                                   ("unevaluated" in message and "is not supported" in message))
        return (None if known else f"{status} {message}: {json.dumps(form)}"), message[:40]
    text = answer["choices"][0]["message"]["content"]
    try:
        found = json.loads(text)
        jsonschema.Draft202012Validator(form, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(found)
    except (ValueError, jsonschema.ValidationError) as wrong:
        return f"{str(wrong).splitlines()[0]}: {text!r} of {json.dumps(form)}, asked with {json.dumps({k: v for k, v in body.items() if k != 'response_format'})}", None
    return None, None


def timed(server, body, times):
    begun = server.processor()
    for i in range(times):
        server.ask("/v1/chat/completions", {**body, "seed": i})
    return server.processor() - begun


def speed(server):
    """Processor time of answers in a form of 12 fields against free ones of as many passes."""
    form = {"type": "object", "properties": {f"field_{i}": [{"type": "string"}, {"type": "integer"}, {"enum": ["a", "b"]}][i % 3] for i in range(12)},
            "required": [f"field_{i}" for i in range(6)], "additionalProperties": False}
    free = {"messages": [{"role": "user", "content": "Who is Alice?"}], "max_tokens": 200, "iterations": 32, "patience": 0, "sampler": "lad", "room": 0}
    form = {**free, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": form}}}
    timed(server, form, 1)  # the tree of words is made once
    return timed(server, form, 10) / timed(server, free, 10)


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "1"
    failed = refused = 0
    for model, options in (None, ()), (MODEL, ("--mask-token", "!")):
        with Server(program, *options, model=model) as server, concurrent.futures.ThreadPoolExecutor(4) as pool:
            print(f"{model or 'the built-in model'}: a form takes {speed(server):.2f} times a free answer", flush=True)
            for wrong, why in pool.map(lambda i: ask(server, i, seed), range(count // 2)):
                failed += wrong is not None
                refused += why is not None
                if wrong:
                    print("FAILED", wrong[:2000], flush=True)
    print(f"{count // 2 * 2} schemas, {refused} refused for lack of room, {failed} failed")
    return failed > 0


sys.exit(main())
