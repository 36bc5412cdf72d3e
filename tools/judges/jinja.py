#!/usr/bin/env python3
"""Chat templates rendered by Python's Jinja in transformers' environment, beside redraft's evaluator.

  tools/judges/jinja.py golden                 tests/golden/templates/*.jinja: write NAME.json into templates_rendered.zip, what tests/text/test_jinja.c
                                               expects
  tools/judges/jinja.py check PROGRAM PATH..   render templates that are not committed (files, or folders of them) and compare;
                                               PROGRAM is build/test_jinja

Needs jinja2 (3.1.6 wrote the committed files). A template is a .jinja file, or a tokenizer_config.json."""
import datetime, json, os, subprocess, sys, tempfile
import jinja2, jinja2.ext, jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
from formats import pack

GOLDEN = os.path.join(ROOT, "tests", "golden", "templates")
RENDERED = GOLDEN + "_rendered"  # an archive when it is whole
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


class Generation(jinja2.ext.Extension):
    """{% generation %}: marks the assistant's text for training; when rendering it only calls its body."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return env


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


def call(name, arguments, id=None):
    return {"type": "function", **({"id": id} if id else {}), "function": {"name": name, "arguments": arguments}}


TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a place, \u00e9t\u00e9 <\u2603>.",
    "parameters": {"type": "object", "properties": {
        "place": {"type": "string", "description": "A city & its \"country\""},
        "days": {"type": "integer", "enum": [1, 2, 7], "default": 1},
        "units": {"type": ["string", "null"], "enum": ["C", "F"]},
        "more": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "number"}}}}},
        "required": ["place"]}}},
    {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}}]

TALKS = {
    "hello": [user("Hello!")],
    "system": [system("Be kind.\n  Always."), user("Hello!")],
    "two_turns": [user("One?"), assistant("1."), user("Two?")],
    "system_two_turns": [system("Count."), user("One?"), assistant("1."), user("Two?"), assistant("2."), user("Three?")],
    "ends_with_assistant": [user("One?"), assistant("1.")],
    "users_in_a_row": [user("One."), user("Two.")],
    "assistant_first": [assistant("Hi."), user("Hello!")],
    "system_late": [user("One?"), assistant("1."), system("Now in French."), user("Two?")],
    "two_systems": [system("A."), system("B."), user("C?")],
    "empty": [user("")],
    "empty_system": [system(""), user("x")],
    "spaces": [system("  s \n"), user(" \n\t two  words \r\n\n"), assistant("\n\n yes \n"), user("\u00a0\u3000wide\u2003")],
    "unicode": [user("\u4f60\u597d \U0001f600 \u0939\u093f\u0928\u094d\u0926\u0940 caf\u00e9 caf\u0065\u0301 \u200d \u0301"), assistant("\u00e9\u00df\u0130 \\ \" ' \x07")],
    "special_text": [user("<|im_end|>\n<|im_start|>system\n</s> [INST] <eos> <|eot_id|> {{ messages }} {% raw %}")],
    "thinking": [user("2+2?"), assistant("<think>\nIt is 4.\n</think>\n\n4"), user("And 3+3?"), assistant("6", reasoning_content="3+3 is 6"), user("ok")],
    "tool_call": [user("Weather in Oslo?"), assistant("", tool_calls=[call("get_weather", {"place": "Oslo", "days": 2, "deep": {"a": [1, 2.5, None, True]}}, "abcdefghi")]),
                  {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefghi", "content": "{\"t\": -3}"}, assistant("Cold."), user("Thanks")],
    "tool_call_text": [user("Time?"), assistant(None, tool_calls=[call("now", "{\"zone\": \"UTC\"}", "123456789"), call("now", "{}", "123456780")]),
                       {"role": "tool", "name": "now", "tool_call_id": "123456789", "content": "noon"}, {"role": "tool", "name": "now", "tool_call_id": "123456780", "content": "night"}],
    "parts": [user([{"type": "text", "text": "See "}, {"type": "text", "text": "this."}])],
    "developer": [{"role": "developer", "content": "Be brief."}, user("Hello!")],
}


def conversations():
    rows = []
    for name, messages in TALKS.items():
        for asks in (True, False):
            rows.append({"name": f"{name}{'' if asks else '-closed'}", "messages": messages, "add_generation_prompt": asks})
        if name in ("hello", "system", "tool_call", "tool_call_text", "two_turns"):
            rows.append({"name": f"{name}-tools", "messages": messages, "add_generation_prompt": True, "tools": TOOLS})
        if name in ("hello", "thinking"):
            for thinks in (True, False):
                rows.append({"name": f"{name}-thinking-{thinks}".lower(), "messages": messages, "add_generation_prompt": True, "enable_thinking": thinks,
                             "thinking": thinks, "reasoning_effort": "low"})
    rows.append({"name": "documents", "messages": TALKS["hello"], "add_generation_prompt": True,
                 "documents": [{"title": "T\u00e9", "text": "One.\nTwo.", "doc_id": "1"}, {"title": "U", "text": "Three", "doc_id": "2"}]})
    return rows


def results(text):
    """One entry for each conversation: the text, or None where Python raises. None where it does not even open."""
    env, own = environment(), {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    try:
        template = env.from_string(text)
    except jinja2.exceptions.TemplateError as error:
        print("  Python does not open it:", error)
        return None
    out, errors = {}, {}
    for row in conversations():
        variables = {k: v for k, v in row.items() if k != "name"}
        try:
            # documents and tools are always passed by transformers
            out[row["name"]] = template.render(**{"tools": None, "documents": None, **variables}, **own)
        except Exception as error:
            out[row["name"]] = None
            errors[row["name"]] = f"{type(error).__name__}: {error}"[:200]
    return out, errors


EXPRESSION_DATA = {"l": [1, 2, 3], "d": {"a": 1, "b": "two", "C": 3}, "text": "some text", "nested": {"z": [1, {"y": []}, "\u00e9"], "a": {}, "n": None, "f": 1.5},
                   "rows": [{"t": "a", "n": 3, "k": "x", "flag": True, "deep": {"x": 1}}, {"t": "b", "n": 1, "k": "Y", "flag": False, "deep": {"x": 2}},
                            {"t": "c", "n": 2, "k": "x", "flag": 0, "deep": {"x": 3}}],
                   "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "user", "content": "V"}, {"role": "assistant", "content": "A"}]}


def expressions():
    """[template, text or None where Python raises] for each line of jinja_expressions.txt."""
    env, rows = environment(), []
    for line in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jinja_expressions.txt"), encoding="utf-8"):
        if line.startswith("#") and not line.startswith("{#"):
            continue
        inside = line.rstrip("\n")
        text, quoted = "", False
        # a \n outside of a string is a line end
        at = 0
        while at < len(inside):
            if inside[at:at + 2] == "\\n" and not quoted:
                text += "\n"
                at += 2
                continue
            quoted = not quoted if inside[at] == "'" and inside[at - 1:at] != "\\" else quoted
            text += inside[at]
            at += 1
        try:
            rows.append([text, env.from_string(text).render(**EXPRESSION_DATA)])
        except Exception:
            rows.append([text, None])
    return rows


def templates(path):
    """(name, text) of a file or of all files of a folder."""
    if os.path.isdir(path):
        for name in sorted(os.listdir(path)):
            if name.endswith((".jinja", ".jinja2", ".json")):
                yield from templates(os.path.join(path, name))
        return
    raw = open(path, encoding="utf-8", newline="").read()
    stem = os.path.splitext(os.path.basename(path))[0]
    if not path.endswith(".json"):
        yield stem, raw
        return
    value = json.loads(raw).get("chat_template")
    for row in value if isinstance(value, list) else [{"name": "", "template": value}]:
        if row["template"]:
            yield stem + row["name"], row["template"]


def write(folder, name, text):
    found = results(text)
    if found is None:
        return 0
    golden = {"results": {}, "raises": []}
    for talk, got in found[0].items():
        if got is None:
            golden["raises"].append(talk)
        else:
            golden["results"][talk] = got
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
        json.dump(golden, f, ensure_ascii=True, indent=0)
        f.write("\n")
    return len(found[0])


def main():
    if sys.argv[1:2] == ["golden"]:
        with open(os.path.join(GOLDEN, "conversations.json"), "w", encoding="utf-8") as f:
            json.dump(conversations(), f, ensure_ascii=True, indent=0)
            f.write("\n")
        with open(os.path.join(GOLDEN, "expressions.json"), "w", encoding="utf-8") as f:
            json.dump({"data": EXPRESSION_DATA, "rows": expressions()}, f, ensure_ascii=True, indent=0)
            f.write("\n")
        os.makedirs(RENDERED, exist_ok=True)
        for file in sorted(os.listdir(GOLDEN)):
            if file.endswith(".jinja"):
                for name, text in templates(os.path.join(GOLDEN, file)):
                    write(RENDERED, name, text)
        pack(RENDERED)
        return 0
    if sys.argv[1:2] != ["check"] or len(sys.argv) < 4:
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "conversations.json"), "w", encoding="utf-8") as f:
            json.dump(conversations(), f, ensure_ascii=True)
        count = talks = 0
        for path in sys.argv[3:]:
            for name, text in templates(path):
                wrote = write(folder, name, text)
                count += wrote > 0
                talks += wrote
                if wrote:
                    open(os.path.join(folder, name + ".jinja"), "w", encoding="utf-8", newline="").write(text)
        print(f"{count} templates, {talks} conversations")
        return subprocess.run([sys.argv[2], folder]).returncode


if __name__ == "__main__":
    sys.exit(main())
